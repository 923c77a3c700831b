"""The limit of what a person changes by themselves: each change is an event that all later plans of them read."""

from collections.abc import Callable
from datetime import timedelta

import pytest

from streams.delivery.inbound.devices import NewDevice
from streams.delivery.inbound.own_limits import MOST_A_DAY, TooManyChanges
from tests.world import LONG_AGO, NOON, World, fine, iin, registered

AIGERIM, DANA = iin(1), iin(2)
Change = Callable[[World, str, int], None]


def prefers(world: World, person: str, number: int) -> None:
    """They choose another language each time."""
    world.platform.delivery.inbound.preferences.prefer(person, {"language": ("ru", "kk")[number % 2]})


def renames(world: World, person: str, number: int) -> None:
    """They register a device, or give it another name."""
    devices = world.platform.delivery.inbound.devices
    if number:
        devices.rename(person, "a", f"phone {number}")
    else:
        devices.add(person, NewDevice("a", "phone", "https://push.example.org/a"))


def disputes(world: World, person: str, number: int) -> None:
    """They write of a message that it is not right, in other words each time."""
    nudge = world.nudge("issued").intent.id
    world.platform.delivery.inbound.preferences.dispute(person, nudge, f"wrong {number}")


@pytest.mark.parametrize("change", [prefers, renames, disputes])
async def test_nobody_changes_without_end(world: World, change: Change) -> None:
    """After so many changes a person waits a day, others do not; stopping a topic by its link is always possible."""
    world.take(*registered(AIGERIM, LONG_AGO)[:2], *registered(DANA, LONG_AGO)[:2])
    world.take(fine(AIGERIM, "F1", "2025-06-02T10:00:00+05:00"))
    await world.settle()
    aigerim, dana = world.name(AIGERIM), world.name(DANA)
    for number in range(MOST_A_DAY):
        change(world, aigerim, number)
    with pytest.raises(TooManyChanges):
        change(world, aigerim, MOST_A_DAY)
    change(world, dana, 0)
    links, nudge = world.platform.delivery.inbound.opt_outs, world.nudge("issued").intent.id
    links.stop(nudge, aigerim)
    assert links.topic(nudge, aigerim).stopped
    world.at(NOON + timedelta(days=1, minutes=1))
    change(world, aigerim, MOST_A_DAY)
