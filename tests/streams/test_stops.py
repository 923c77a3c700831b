"""Kill switches and the log: a stop says once what it holds back, however long it lasts."""

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from domain.facts.facts import NudgeDeferred, NudgePlanned
from tests.streams.calls import BOLAT, NOON, call, calls_world, states
from tests.streams.dispatching import dispatcher
from tests.world import World

HOUR = timedelta(hours=1)


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    """Two calls are due, and everything is stopped."""
    made = calls_world(tmp_path)
    made.take(call(1), call(2, "offer", to=BOLAT))
    made.control("all", "", stopped=True)
    yield made
    made.close()


async def test_a_long_stop_is_one_deferral(world: World) -> None:
    """Days of a stop append one fact for each nudge that it holds back."""
    for hours in range(0, 200, 5):
        assert await world.settle(NOON + hours * HOUR) == []
    for nudge in world.nudges():
        assert [type(fact) for fact in world.facts(nudge.intent.id)] == [NudgePlanned, NudgeDeferred]


async def test_what_was_stopped_goes_as_soon_as_the_switch_is_cleared(world: World) -> None:
    """Whoever clears a switch waits for nothing, neither shortly after the stop nor long after it."""
    await world.settle()
    world.control("all", "", stopped=False)
    assert len(await world.settle(NOON + timedelta(seconds=1))) == 2


async def test_a_switch_that_is_cleared_wakes_only_what_nothing_else_stops(world: World) -> None:
    """What another switch still holds waits on, and no fact says it again."""
    await world.settle()
    world.control("agency", "north", stopped=True)
    world.control("all", "", stopped=False)
    assert [message.recipient for message in await world.settle(NOON + HOUR)] == [world.name(BOLAT)]
    assert sorted(states(world).values()) == ["deferred stopped", "sent"]
    held = next(each for each in world.nudges() if each.state == "deferred")
    assert held.version == 2
    world.control("agency", "north", stopped=False)
    assert len(await world.settle(NOON + 2 * HOUR)) == 1


async def test_another_process_that_starts_later_wakes_what_was_stopped(world: World) -> None:
    """A switch that was cleared while nobody dispatched is noticed by whoever starts."""
    await world.settle()
    world.control("all", "", stopped=False)
    await dispatcher(world).drain()
    assert len(world.sent) == 2


async def test_what_expires_in_a_stop_ends(tmp_path: Path) -> None:
    """A stop that outlasts a nudge ends it as expired, and not as lost."""
    world = calls_world(tmp_path, expires="P2D")
    world.take(call(1))
    world.control("trigger", "reminder_call", stopped=True)
    await world.settle()
    await world.settle(NOON + 48 * HOUR)
    assert states(world) == {"1": "expired stopped"}
    world.close()
