"""Health: what is stored, what waits, and for how long."""

from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import event

from notifiers.port.fake import FakeNotifier
from notifiers.port.interface import Message
from streams.queries.health import read_status
from tests.world import LONG_AGO, NOON, World, card, corrected, iin, registered

AIGERIM, DANA = iin(1), iin(2)
CARD = card(AIGERIM, "2025-07-20")
DUE = datetime.fromisoformat("2025-06-20T09:00+05:00")


def test_a_new_platform_has_nothing_waiting(world: World) -> None:
    """With only the packs in it, nothing waits and nothing is due."""
    found = world.health()
    assert found.facts > 0
    assert (found.unplanned, found.unplanned_for_seconds, found.due_now, found.overdue_for_seconds) == (
        0,
        0.0,
        0,
        0.0,
    )
    assert (found.revisions_waiting, found.next_due, found.open_attempts, found.nudges) == (0, None, 0, {})


def test_what_waits_for_a_plan_is_counted_with_its_age(world: World) -> None:
    """Facts without a plan are counted, and how long the oldest of them waits."""
    world.take(*registered(AIGERIM, LONG_AGO))
    world.at(NOON + timedelta(seconds=90))
    world.take(CARD)
    assert (world.health().unplanned, world.health().unplanned_for_seconds) == (4, 90.0)
    world.plan()
    assert (world.health().unplanned, world.health().unplanned_for_seconds) == (0, 0.0)


def test_who_waits_for_a_human_is_no_sign_that_nobody_plans(world: World) -> None:
    """A person who cannot be planned is counted, and not how long they wait: only others' waiting calls somebody."""
    world.take(*registered(AIGERIM, LONG_AGO))
    world.platform.planning.quarantine.keep((), {world.name(AIGERIM): "ValueError"})
    world.at(NOON + timedelta(hours=1))
    assert (world.health().unplanned, world.health().unplanned_for_seconds) == (3, 0.0)
    world.take(*registered(DANA, LONG_AGO))
    world.at(NOON + timedelta(hours=2))
    assert (world.health().unplanned, world.health().unplanned_for_seconds) == (6, 3600.0)


async def test_what_is_due_is_counted_with_its_age(world: World) -> None:
    """Deliveries whose turn has come are counted, and how late the first of them is; then when the next is due."""
    world.take(*registered(AIGERIM, LONG_AGO), CARD)
    world.plan()
    assert (world.health().due_now, world.health().next_due) == (0, DUE)
    world.at(DUE + timedelta(hours=1))
    assert (world.health().due_now, world.health().overdue_for_seconds) == (1, 3600.0)
    await world.settle()
    assert (world.health().due_now, world.health().overdue_for_seconds) == (0, 0.0)
    assert world.health().next_due == datetime.fromisoformat("2025-07-13T09:00+05:00")
    assert world.health().nudges == {"sent": 1, "planned": 2}


async def test_an_old_event_that_is_reported_late_is_not_overdue_when_it_comes(world: World) -> None:
    """What was due long ago waits since it was planned, for nobody could send it before."""
    world.at(DUE + timedelta(days=10))
    world.take(*registered(AIGERIM, LONG_AGO), CARD)
    world.plan()
    assert (world.health().due_now, world.health().overdue_for_seconds) == (1, 0.0)
    world.at(DUE + timedelta(days=10, seconds=400))
    assert (world.health().due_now, world.health().overdue_for_seconds) == (1, 400.0)


async def test_what_is_deferred_is_due_later(world: World) -> None:
    """A nudge that a switch holds is not overdue; what is due next is the next that nothing holds."""
    world.take(*registered(AIGERIM, LONG_AGO), CARD)
    world.control("all", "", stopped=True)
    await world.settle(DUE)
    assert (world.health().due_now, world.health().next_due) == (0, datetime.fromisoformat("2025-07-13T09:00+05:00"))
    assert world.health().nudges == {"deferred": 1, "planned": 2}


async def test_what_is_held_back_is_not_due_next(world: World) -> None:
    """Where the only message that is left is held back, nothing is due next."""
    world.take(*registered(AIGERIM, LONG_AGO), CARD)
    for day in ("2025-06-20T09:00+05:00", "2025-07-13T09:00+05:00"):
        await world.settle(day)
    world.control("all", "", stopped=True)
    await world.settle("2025-07-19T09:00+05:00")
    assert (world.health().held_back, world.health().next_due) == (1, None)


async def test_attempts_without_an_outcome_are_counted(tmp_path: Path) -> None:
    """What a dead process had in its hands shows as open."""

    def fail(_: Message) -> None:
        raise ZeroDivisionError

    world = World(tmp_path, notifiers={"sms": FakeNotifier("sms", fail)})
    world.take(*registered(AIGERIM, LONG_AGO), CARD)
    with pytest.raises(ZeroDivisionError):
        await world.settle(DUE)
    assert (world.health().open_attempts, world.health().nudges["attempted"]) == (1, 1)
    world.close()


def test_corrections_that_wait_are_counted_by_their_original(world: World) -> None:
    """Two corrections of one missing event are one event that is missing."""
    world.take(corrected(CARD, 2), corrected(CARD, 3), corrected(card(DANA, "2025-07-20"), 2))
    assert world.health().revisions_waiting == 2
    world.take(CARD)
    assert world.health().revisions_waiting == 1


def test_views_that_follow_say_how_far_behind_they_are(world: World) -> None:
    """The distance of the following views to the end of the log is counted, and gone once they have followed."""
    world.platform.replay.follower.drain()
    assert world.health().views_behind == 0
    world.take(*registered(AIGERIM, LONG_AGO))
    assert world.health().views_behind == 3
    assert world.platform.replay.follower.drain() == 3
    assert world.health().views_behind == 0


def test_who_is_woken_by_a_correction_waits_since_the_correction(world: World) -> None:
    """How long the oldest fact waits for its plan counts from when it came, not from when its original did."""
    world.take(*registered(AIGERIM, LONG_AGO), CARD)
    world.plan()
    world.at(NOON + timedelta(days=10))
    world.take(corrected(CARD, 2, expires_on="2025-08-20"))
    assert world.health().unplanned_for_seconds == 0


def test_no_figure_of_the_console_walks_through_all_that_is_planned(world: World) -> None:
    """What is stopped and what is open is counted by the indexes of these few, however many wait for their day."""
    database, plans = world.platform.database, list[str]()

    @event.listens_for(database.engine, "before_cursor_execute")
    def _explain(_connection: Any, cursor: Any, statement: str, parameters: Any, *_: Any) -> None:
        if statement.startswith("SELECT"):
            explained = cursor.connection.cursor()
            explained.execute(f"EXPLAIN QUERY PLAN {statement}", parameters)
            plans.extend(row[3] for row in explained.fetchall())

    read_status(database, world.platform.log, world.platform.replay.follower, world.clock())
    walks = [each for each in plans if each.startswith("SCAN due")]
    assert {each.rpartition(" ")[2] for each in walks} <= {"due_stopped", "due_attempted"}
    assert len(walks) == 2
