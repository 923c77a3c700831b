"""Soft bounces: an address at which letters expire time and again is left alone, and one that only failed is not."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from domain.core.events import LifeEvent
from domain.facts.facts import NudgeSent
from notifiers.email.bounces import reports_in
from notifiers.port.fake import FakeNotifier
from notifiers.port.interface import Accepted, Message
from notifiers.port.message_names import token
from tests.notifiers.bounced import postfix
from tests.world import LONG_AGO, World, card, event, iin, registered

AIGERIM, MAIL = iin(1), "a@example.org"
ROUNDS = ("2025-06-20T09:00+05:00", "2025-07-13T09:00+05:00", "2025-07-19T09:00+05:00")
"""When the letters about her card are due."""
EXPIRED, FULL, UNDELIVERED, REJECTED, TOO_LARGE = "4.4.7", "5.2.2", "5.4.1", "5.7.1", "5.3.4"


class Relay(FakeNotifier):
    """A mail server that takes everything, under the token of its return path."""

    async def send(self, messages: Any) -> Any:
        """Each by its own name."""
        await super().send(messages)
        return [Accepted(token(each.key)) for each in messages]


def made(folder: Path, people: int = 1, **settings: Any) -> World:
    """So many people read letters only; their cards are announced three times."""
    sent: list[Message] = []
    world = World(folder, notifiers={"email": Relay("email", sent)}, **settings)
    world.sent = sent
    for number in range(1, people + 1):
        only = event(
            "citizen.preferences_changed",
            iin(number),
            "2024-01-03T00:00:00+05:00",
            {"channels": ["email"]},
            id=f"only {number}",
        )
        world.take(*registered(iin(number), LONG_AGO), only, card(iin(number), "2025-07-20", f"N{number}"))
    return world


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    """Aigerim alone."""
    found = made(tmp_path)
    yield found
    found.close()


async def come_back(world: World, due: str, status: str = EXPIRED) -> list[Message]:
    """The letters of that time go, and bounces name each."""
    letters = await world.settle(due)
    for letter in letters:
        mail = postfix(to=f"bounces+{token(letter.key)}@gov.test", status=status)
        await world.platform.delivery.inbound.receiving.inbound_of("email").reported(reports_in(mail))
    return letters


def left_alone(world: World) -> list[object]:
    """The addresses that are not written to any more."""
    facts = (entry.fact for entry in world.entries())
    events = [fact for fact in facts if isinstance(fact, LifeEvent) and fact.type == "citizen.address_refused"]
    return [each.values["event.addresses"] for each in events]


@pytest.mark.parametrize("status", [EXPIRED, FULL, UNDELIVERED])
async def test_an_address_that_expires_for_weeks_is_left_alone(world: World, status: str) -> None:
    """The third letter in a row that comes back ends it; two do not, and the last one twice is one."""
    for due in ROUNDS[:2]:
        assert len(await come_back(world, due, status)) == 1
    assert left_alone(world) == []
    [letter] = await come_back(world, ROUNDS[2])
    again = postfix(to=f"bounces+{token(letter.key)}@gov.test", status=EXPIRED)
    await world.platform.delivery.inbound.receiving.inbound_of("email").reported(reports_in(again))
    assert left_alone(world) == [[MAIL]]


@pytest.mark.parametrize("status", [REJECTED, TOO_LARGE])
async def test_what_is_said_of_us_or_of_the_letter_ends_no_address(world: World, status: str) -> None:
    """A policy against us, or a letter that is too long, is not the address's fault, however often it is said."""
    for due in ROUNDS:
        await come_back(world, due, status)
    assert left_alone(world) == []


async def test_a_letter_that_stays_away_begins_anew(world: World) -> None:
    """What was taken and did not come back has probably arrived."""
    await come_back(world, ROUNDS[0])
    assert len(await world.settle(ROUNDS[1])) == 1
    await come_back(world, ROUNDS[2])
    assert left_alone(world) == []


async def test_another_address_begins_anew(world: World) -> None:
    """What came back from an earlier address says nothing of the new one."""
    await come_back(world, ROUNDS[0])
    new = event("citizen.contact_changed", AIGERIM, "2025-07-01T00:00:00+05:00", {"email": "b@example.org"}, id="new")
    world.take(new)
    for due in ROUNDS[1:]:
        await come_back(world, due)
    assert left_alone(world) == []


@pytest.mark.parametrize(
    ("settings", "found"),
    [
        ({"soft_bounces": 2}, [[MAIL]]),
        ({"soft_bounce_days": 30}, []),
        ({"soft_bounces": 4}, []),
    ],
)
async def test_how_many_and_how_long_are_settings(
    tmp_path: Path, settings: dict[str, int], found: list[object]
) -> None:
    """An operator says how much an address is borne with."""
    world = made(tmp_path, **settings)
    for due in ROUNDS:
        await come_back(world, due)
    assert left_alone(world) == found
    world.close()


async def test_a_server_that_brings_back_nearly_everything_ends_no_address(tmp_path: Path) -> None:
    """Where everybody's letters expire it is not about addresses."""
    world = made(tmp_path, people=8)
    for due in ROUNDS:
        assert len(await come_back(world, due)) == 8
    assert left_alone(world) == []
    assert sum(isinstance(each.fact, NudgeSent) for each in world.entries()) == 24
    world.close()
