"""Done afterwards, on a real log: noted with the plan, counted once, the same after a rebuild, found by a repair."""

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from msgspec.structs import replace
from sqlalchemy import delete

from domain.facts.facts import NudgeDone, NudgeUndone
from domain.nudges.nudge import Nudge
from projections import statistics
from streams.replay.repair import ChangeKind, GapFilter, GapReason
from streams.storage.tables import log
from tests.streams.dispatching import AIGERIM, DANA, DUE, with_card
from tests.streams.rebuilding import rebuilt, verified
from tests.world import World, annulled, card, registered

NEW = card(AIGERIM, "2035-07-01", number="N2", time="2025-07-01T10:00:00+05:00")
TRIGGER = "identity_card_expiry"


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    """A platform on which Aigerim is about to be told of her card."""
    made = with_card(tmp_path)
    yield made
    made.close()


def done(world: World) -> dict[str, int]:
    """The trigger's figures of what was done afterwards, by day and way."""
    world.platform.replay.follower.drain()
    with world.platform.database.reading() as connection:
        found = statistics.of_trigger(connection, TRIGGER, DUE.date(), world.clock().date())
    return {f"{day} {what}": count for day, what, count in found if what.startswith("done")}


def told(world: World) -> Nudge:
    """The message that went."""
    [found] = [one for one in world.nudges() if one.maybe_sent]
    return found


async def renewed(world: World) -> None:
    """She was told of her card, and got a new one eleven days later, which is reported late."""
    await world.settle(DUE)
    world.at("2025-07-05T12:00:00+05:00")
    world.take(NEW)
    await world.settle()


async def test_what_was_done_after_the_message_is_counted_on_its_day(world: World) -> None:
    """It counts once, by the way of the message and on the day when it was done; the page of why says it."""
    await renewed(world)
    world.take(NEW)
    await world.settle()
    assert done(world) == {"2025-07-01 done.sms.kk": 1}
    nudge = told(world)
    assert nudge.state.value == "sent"
    assert [each.what for each in world.why(nudge.intent.id).facts][-1] == "done"


async def test_what_was_done_before_the_message_is_not(world: World) -> None:
    """Reported late, but done before it went: nobody did it afterwards."""
    await world.settle(DUE)
    world.take(card(AIGERIM, "2035-07-01", number="N2", time="2025-06-19T10:00:00+05:00"))
    await world.settle()
    assert done(world) == {}


async def test_an_annulled_report_is_taken_back(world: World) -> None:
    """Once the report is annulled the figure is as if it had never come, and both facts are in the log."""
    await renewed(world)
    world.take(annulled(NEW, 2))
    await world.settle()
    assert done(world) == {}
    facts = world.facts(told(world).intent.id)
    assert [type(each) for each in facts[-2:]] == [NudgeDone, NudgeUndone]


async def test_a_rebuild_has_the_same(world: World) -> None:
    """Rebuilt from the log, views and figures are the same, also where something was taken back."""
    await renewed(world)
    assert done(world)
    assert rebuilt(world.platform).equal
    world.take(annulled(NEW, 2))
    await world.settle()
    assert done(world) == {}
    assert rebuilt(world.platform).equal
    assert not verified(world.platform).unlike


async def test_a_log_from_before_is_valid_and_a_repair_notes_it(world: World) -> None:
    """Where nothing was noted nothing is wrong; repair says exactly what it would note, and notes it once."""
    await renewed(world)
    id_ = told(world).intent.id
    before = told(world)
    forget(world)
    assert (done(world), verified(world.platform).unlike, rebuilt(world.platform).equal) == ({}, 0, True)
    repairing = world.platform.replay.repair
    [gap] = [gap for each in repairing.look(GapFilter()) for gap in each.gaps]
    assert (gap.nudge, gap.what, gap.why) == (id_, ChangeKind.DONE, GapReason.UNNOTED)
    assert verified(world.platform).unnoted == 1
    assert [len(each.gaps) for each in repairing.repair(GapFilter())] == [1]
    assert [len(each.gaps) for each in repairing.repair(GapFilter())] == [0]
    assert (done(world), told(world).done) == ({"2025-07-01 done.sms.kk": 1}, before.done)


async def test_what_is_done_by_a_report_from_the_future_is_no_missing_nudge(world: World) -> None:
    """Repair and verify agree on a report dated later than the sending: nothing is missing but the note of it."""
    world.at(DUE - timedelta(hours=1))
    world.take(replace(NEW, time=(DUE + timedelta(hours=8)).isoformat()))
    world.plan()
    await world.settle(DUE)
    found = verified(world.platform)
    gaps = [gap for each in world.platform.replay.repair.look(GapFilter()) for gap in each.gaps]
    assert (found.equal, found.unlike, found.unnoted) == (True, 0, 1)
    assert [(gap.nudge, gap.what, gap.why) for gap in gaps] == [
        (told(world).intent.id, ChangeKind.DONE, GapReason.UNNOTED)
    ]
    assert [len(each.gaps) for each in world.platform.replay.repair.repair(GapFilter())] == [1]
    assert [each.gaps for each in world.platform.replay.repair.look(GapFilter())] == [[]]
    assert verified(world.platform).unnoted == 0


def forget(world: World) -> None:
    """As if it had happened on a platform that noted nothing of the kind."""
    world.take(*registered(DANA))
    world.platform.replay.follower.drain()
    of_it = delete(log).where(log.c.topic == NudgeDone.TOPIC)
    world.platform.database.write(lambda connection: connection.execute(of_it))
    assert not rebuilt(world.platform, swap=True).equal
    world.plan()
