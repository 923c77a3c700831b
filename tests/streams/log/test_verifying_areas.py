"""A verification while an area event waits for its plan: all else is compared, and what is not is counted."""

from collections.abc import Iterator
from pathlib import Path
from uuid import UUID

import pytest
from sqlalchemy import delete, insert, select

from app.jobs.replay_jobs import views
from domain.facts.facts import NudgeCancelled
from domain.nudges.delivery import State
from projections import tables
from streams.log.appending import record
from tests.streams.rebuilding import ended, verified
from tests.streams.weather import ALMATY, ASTANA, DISTRICT, TRIGGERS, settled, storm, write_weather
from tests.world import LONG_AGO, World, card, iin

STAYS, RESIDENT = 1, 2
"""Somebody who lives where there is no storm, and somebody who lives where there is one."""


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    """Two people, each told of their card; then a storm is announced, and nobody has planned it yet."""
    made = World(tmp_path, packs=write_weather(tmp_path, {"at_event": TRIGGERS["at_event"]}))
    for number, home in ((STAYS, ASTANA), (RESIDENT, DISTRICT)):
        made.take(*settled(number, home, LONG_AGO), card(iin(number), "2025-12-20"))
    made.plan()
    made.take(storm(ALMATY))
    yield made
    made.close()


def cancel(world: World, number: int, trigger: str) -> None:
    """One pending nudge of that person and trigger is cancelled, although their plan has it."""
    [*_, one] = [
        each
        for each in world.nudges()
        if (each.intent.person, each.intent.trigger) == (world.name(iin(number)), trigger)
        and each.state is State.PLANNED
    ]
    facts = [(one.intent.id, NudgeCancelled(world.clock()))]
    world.platform.database.write(lambda connection: record(connection, world.platform.log, facts))


def test_what_waits_is_no_difference_and_is_counted(world: World) -> None:
    """The storm and whoever lives there are counted; that they are not warned yet is no difference."""
    found = verified(world.platform)
    assert (found.equal, found.waiting, found.areas, found.residents) == (True, 0, 1, 1)


@pytest.mark.parametrize("number", [STAYS, RESIDENT])
def test_a_waiting_area_event_hides_nothing_else(world: World, number: int) -> None:
    """A nudge that is not as planned is found while an area event waits: elsewhere, and where it is about that."""
    cancel(world, number, "identity_card_expiry")
    found = verified(world.platform)
    assert (found.equal, found.unlike, found.areas) == (False, 1, 1)


def test_what_was_planned_of_it_is_compared(world: World) -> None:
    """Once the storm is planned, a warning that is not as planned is found, and nothing is left out."""
    world.plan()
    cancel(world, RESIDENT, "at_event")
    found = verified(world.platform)
    assert (found.unlike, found.waiting, found.areas, found.residents) == (1, 0, 0, 0)


def test_an_area_event_that_waited_no_longer_waits_again(world: World) -> None:
    """Where it is lost that a storm has to be planned, a comparison finds it; mended, its residents are warned."""
    world.platform.database.write(lambda connection: connection.execute(delete(tables.area_plans)))
    world.plan()
    assert "at_event" not in {each.intent.trigger for each in world.nudges()}
    assert verified(world.platform).views["area_plans"] == 1
    ended(views(world.platform, {"views": ["area_plans"]}))
    world.plan()
    warned = {each.intent.person for each in world.nudges() if each.intent.trigger == "at_event"}
    assert warned == {world.name(iin(RESIDENT))}
    world.platform.replay.follower.drain()
    assert verified(world.platform).equal


def test_an_area_event_of_which_the_log_knows_nothing_is_gone(world: World) -> None:
    """A row of no event is a difference and goes; how far the others have come stays as it is."""
    world.plan()
    stray = insert(tables.area_plans).values(original=UUID(int=1), position=1, waiting=False, home="", person="")
    world.platform.database.write(lambda connection: connection.execute(stray))
    ended(views(world.platform, {"views": ["area_plans"]}))
    with world.platform.database.reading() as connection:
        [row] = connection.execute(select(tables.area_plans)).all()
    assert (row.original == UUID(int=1), row.waiting) == (False, False)
