"""People say and registries report something while messages to the same people are on their way to a provider."""

import random
import threading
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

from domain.core.events import LifeEvent
from domain.facts.facts import NudgeAttempted
from tests.streams.dispatching import DUE, dispatcher
from tests.world import LONG_AGO, World, card, event, iin, registered

PEOPLE = 60
TOLD: Mapping[str, tuple[str, Mapping[str, Any]]] = {
    "opted out": ("citizen.preferences_changed", {"opted_out": ["documents"]}),
    "died": ("kz.civil.death_registered", {"died_on": "2025-06-19"}),
    "moved": ("citizen.contact_changed", {"phone": "+77019999999"}),
    "email only": ("citizen.preferences_changed", {"channels": ["email"]}),
}


class Late(NamedTuple):
    """A message whose attempt is in the log behind what forbids or changes it."""

    told: str
    channel: str
    address: str


def late_messages(world: World, says: Mapping[str, str]) -> list[Late]:
    """The messages to people who had said something before the attempt; `says`: what each says, by pseudonym."""
    addresses = {message.recipient: message.address for message in world.sent}
    told: set[str] = set()
    found = []
    for entry in world.entries():
        if isinstance(entry.fact, LifeEvent) and entry.fact.id.startswith("told-"):
            told.update(*entry.fact.persons.values())
        if isinstance(entry.fact, NudgeAttempted) and entry.fact.recipient in told:
            recipient = entry.fact.recipient
            found.append(Late(says[recipient], entry.fact.channel, addresses[recipient]))
    assert told == set(says)
    return found


async def test_no_attempt_follows_what_forbids_it(tmp_path: Path, url: str) -> None:
    """What is in the log before an attempt is obeyed by it, at whatever moment of the sending it came."""
    world, draw = World(tmp_path, url=url), random.Random(7)  # noqa: S311  (a seeded test)
    people = [iin(number) for number in range(1, PEOPLE + 1)]
    for person in people:
        world.take(*registered(person, LONG_AGO), card(person, "2025-07-20", f"N{person[6:11]}"))
    world.plan()
    world.at(DUE)
    says = {person: draw.choice(list(TOLD)) for person in people}

    def tell() -> None:
        for person in draw.sample(people, PEOPLE):
            type_, data = TOLD[says[person]]
            world.take(event(type_, person, "2025-06-20T08:59:00+05:00", data, id=f"told-{person[6:11]}"))

    telling = threading.Thread(target=tell)
    telling.start()
    while telling.is_alive():
        await dispatcher(world).drain_batch(10)
    telling.join()
    await world.settle()

    late = late_messages(world, {world.name(person): what for person, what in says.items()})
    assert {one.told for one in late} <= {"moved", "email only"}
    assert {one.address for one in late if one.told == "moved"} <= {"+77019999999"}
    assert {one.channel for one in late if one.told == "email only"} <= {"email"}
    world.close()
