"""Several providers of a channel on the whole platform: nothing lost and nothing doubled when one of them fails."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from purgatory.domain.model import Context

from app.compose_sending import compose_engine
from domain.facts.facts import NudgeAttempted, NudgeSent
from notifiers.port.fake import FakeNotifier
from notifiers.port.interface import Message, Outcome, Reason, RetryLater, Unknown
from notifiers.port.routes import FAILURES, Provider, Route, single_routes
from tests.world import LONG_AGO, World, card, event, iin, registered

DUE = "2025-06-20T09:00+05:00"
MANY = 60
ASKED = RetryLater(timedelta(hours=1), Reason.BUSY, everybody=True)


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    """Sixty citizens whose cards are announced on 20 June."""
    made = World(tmp_path)
    for number in range(1, MANY + 1):
        made.take(*registered(iin(number), LONG_AGO), card(iin(number), "2025-07-20", f"N{number}"))
    made.plan()
    yield made
    made.close()


def by_two(world: World, a: FakeNotifier, b: FakeNotifier) -> None:
    """SMS go by two providers."""
    sms = Route(
        "sms",
        [
            Provider("a", a, weight=100, breaker=Context("a", FAILURES, 1e9)),
            Provider("b", b),
        ],
    )
    world.engine = compose_engine(world.platform, single_routes(world.notifiers) | {"sms": sms})


async def test_one_provider_dies_under_load_and_the_other_takes_over(world: World) -> None:
    """What the dead one did not take goes by the other in the same minute: everybody hears once."""
    told: list[Message] = []
    alive = iter([True] * 10)

    def dying(message: Message) -> None:
        if not next(alive, False):
            raise OSError
        told.append(message)

    by_two(world, FakeNotifier("sms", dying), FakeNotifier("sms", told))
    await world.settle(DUE)
    assert len(told) == len({each.recipient for each in told}) == MANY
    assert {one.state.value for one in world.nudges() if one.intent.step == "month"} == {"sent"}
    providers = Counter(each.fact.provider for each in world.entries() if isinstance(each.fact, NudgeSent))
    assert providers == {"a": 10, "b": MANY - 10}


async def test_what_may_have_gone_by_the_dead_one_is_not_sent_by_the_other(world: World) -> None:
    """An attempt whose provider may have it stays unknown: another provider would send it twice."""
    told: list[Message] = []
    by_two(world, FakeNotifier("sms", told, script=[Unknown(Reason.LINK_LOST)] * 5), FakeNotifier("sms", told))
    await world.settle(DUE)
    assert len(told) == len({each.recipient for each in told}) == MANY
    states = Counter(one.state.value for one in world.nudges() if one.intent.step == "month")
    assert states == {"unknown": 5, "sent": MANY - 5}


async def test_a_provider_that_asks_for_patience_is_not_left(world: World) -> None:
    """Busy is no trouble: the message waits for it as it asked."""
    told: list[Message] = []
    by_two(world, FakeNotifier("sms", told, script=[RetryLater(None, Reason.BUSY)]), FakeNotifier("sms", told))
    await world.settle(DUE)
    assert len(told) == MANY - 1
    attempts = [each.fact for each in world.entries() if isinstance(each.fact, NudgeAttempted)]
    assert len(attempts) == MANY


@pytest.mark.parametrize("asked", [None, timedelta(hours=6)])
async def test_a_provider_that_puts_off_everything_is_passed(world: World, asked: timedelta | None) -> None:
    """Its door closes, and what it put off, for however long, goes by the other one a minute later."""
    told: list[Message] = []
    busy = FakeNotifier("sms", told, script=[RetryLater(asked, Reason.BUSY)] * 1000)
    by_two(world, busy, FakeNotifier("sms", told))
    await world.settle(DUE)
    assert 0 < MANY - len(told) < MANY
    await world.settle(world.clock() + timedelta(minutes=1))
    assert len(told) == len({each.recipient for each in told}) == MANY


async def test_who_asks_for_patience_holds_up_only_what_it_was_given(world: World) -> None:
    """One `Retry-After` closes the door: nobody else runs into it, and all go by the other provider in the minute."""
    told: list[Message] = []
    busy = FakeNotifier("sms", told, script=[ASKED] * MANY)
    by_two(world, busy, FakeNotifier("sms", told))
    await world.settle(DUE)
    assert len(told) == len({each.recipient for each in told}) == MANY
    assert busy.calls == 1


async def test_where_nobody_else_is_the_next_channel_has_its_turn(world: World) -> None:
    """The only provider is not asked again before its time; who cannot wait so long is told by the next channel."""
    busy = FakeNotifier("sms", [], script=[ASKED] * MANY)
    route(world, Provider("a", busy))
    assert [each.channel for each in await world.settle(DUE)] == ["email"] * MANY
    assert busy.calls == 1


def alone(folder: Path) -> World:
    """A platform on which one citizen's card is announced."""
    made = World(folder)
    made.take(*registered(iin(1), LONG_AGO), card(iin(1), "2025-07-20"))
    made.plan()
    return made


def route(world: World, *providers: Provider) -> None:
    """SMS go by these."""
    world.engine = compose_engine(world.platform, single_routes(world.notifiers) | {"sms": Route("sms", providers)})


async def test_what_one_provider_may_have_is_given_to_no_other(tmp_path: Path) -> None:
    """A retry that its provider refuses for trouble waits for it: the other one could not remove the double."""
    world = alone(tmp_path)
    told: list[Message] = []
    script: list[Outcome] = [Unknown(Reason.LINK_LOST), RetryLater(None, Reason.UNREACHABLE)]
    a = Provider("a", FakeNotifier("sms", told, script=script, removes_doubles=True), weight=1e9)
    route(world, a, Provider("b", FakeNotifier("sms", told)))
    for at in ("09:00", "09:01", "09:06", "09:30"):
        await world.settle(f"2025-06-20T{at}+05:00")
    assert len(told) == 1
    providers = [each.fact.provider for each in world.entries() if isinstance(each.fact, NudgeAttempted)]
    assert providers == ["a", "a", "a"]
    assert world.delivery("month").state == "sent"
    world.close()


async def test_a_retry_that_was_put_off_stays_with_its_provider(tmp_path: Path) -> None:
    """What one provider may have goes to that one after the quiet hours too, though another is preferred then."""
    world = alone(tmp_path)
    told: list[Message] = []
    a = Provider("a", FakeNotifier("sms", told, script=[Unknown(Reason.LINK_LOST)], removes_doubles=True), weight=1e9)
    b = Provider("b", FakeNotifier("sms", told))
    route(world, a, b)
    await world.settle(DUE)
    world.take(event("citizen.preferences_changed", iin(1), DUE, {"quiet_from": "08:00", "quiet_to": "12:00"}))
    await world.settle("2025-06-20T09:05+05:00")
    assert world.delivery("month").state == "deferred"
    route(world, replace(a, weight=1.0), replace(b, weight=1e9))
    await world.settle("2025-06-20T12:00+05:00")
    assert [each.fact.provider for each in world.entries() if isinstance(each.fact, NudgeAttempted)] == ["a", "a"]
    assert len(told) == 1
    world.close()


async def test_what_a_provider_may_have_that_is_gone_stays_unknown(tmp_path: Path) -> None:
    """Where it is taken out of the settings before the retry, no other gets the message, and the cascade goes on."""
    world = alone(tmp_path)
    told: list[Message] = []
    a = Provider("a", FakeNotifier("sms", told, script=[Unknown(Reason.LINK_LOST)], removes_doubles=True))
    route(world, a)
    await world.settle(DUE)
    route(world, Provider("b", FakeNotifier("sms", told)))
    await world.settle("2025-06-20T09:01+05:00")
    assert (world.delivery("month").state, len(told)) == ("unknown", 1)
    [email] = await world.settle("2025-06-20T09:11+05:00")
    assert email.channel == "email"
    world.close()
