"""What `restored` means for each nudge, on SQLite and on PostgreSQL: what may have gone is not sent again."""

import itertools
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import delete, event, func, select

from app.identity.key_file import load_keyring
from domain.facts.facts import NudgeAttempted, NudgeUnknown
from domain.facts.principals import Principal, Role
from domain.facts.receipts import ReceiptStatus
from domain.nudges.delivery import State
from notifiers.port.fake import FakeNotifier
from notifiers.port.interface import Message
from streams.delivery.outcomes.receipt_facts import Receipt
from streams.log.appending import record
from streams.log.watermark import OlderLog, Watermark
from streams.storage.tables import log
from tests.services import postgres
from tests.streams.storing import url_in
from tests.world import LONG_AGO, NOON, World, card, fine, iin, registered

OMAR = Principal("omar", "platform", frozenset({Role.OPERATOR}))
ONE, TWO = iin(1), iin(2)
HOUR, MINUTES = timedelta(hours=1), timedelta(minutes=20)


@pytest.fixture(params=["sqlite", "postgresql"])
def world(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[World]:
    """A platform that came back from a backup, of which nothing was said yet; push and SMS report."""
    if request.param == "sqlite":
        yield from _reporting(tmp_path, url_in(tmp_path))
        return
    with postgres.fresh(request.getfixturevalue("server")) as at:
        yield from _reporting(tmp_path, at.render_as_string(hide_password=False))


def _reporting(folder: Path, url: str) -> Iterator[World]:
    kept: list[Message] = []
    made = World(
        folder,
        url=url,
        notifiers={channel: FakeNotifier(channel, kept, reports=True) for channel in ("sms", "email")},
    )
    made.sent = kept
    yield made
    made.close()


def say(world: World, until: datetime) -> None:
    """What `habarshy restored --until` does."""
    world.platform.runtime.restore.declare(world.platform.runtime.restore.scope(until), OMAR)


def told(world: World, number: str, time: str) -> None:
    """Somebody is fined, and to be told an hour later."""
    world.take(*registered(ONE, LONG_AGO), fine(ONE, number, time))
    world.plan()


async def test_what_was_due_meanwhile_ends_as_unknown(world: World) -> None:
    """No channel gets it, nor a later one; a receipt that names the attempt settles it."""
    told(world, "F1", "2025-06-02T11:30:00+05:00")
    say(world, NOON + HOUR)
    await world.settle(NOON + 2 * HOUR)

    one = world.delivery("issued")
    assert (one.state, one.reason, one.due, one.attempt, len(world.sent)) == (State.UNKNOWN, "restored", None, 1, 0)
    nudge = world.nudge("issued").intent.id
    assert [type(fact) for fact in world.facts(nudge)[1:]] == [NudgeAttempted, NudgeUnknown]
    assert world.platform.delivery.receipts.record(Receipt(nudge, world.name(ONE), 1, ReceiptStatus.DELIVERED))
    assert world.delivery("issued").state is State.DELIVERED
    await world.settle(NOON + timedelta(days=3))
    assert len(world.sent) == 0


async def test_what_registries_report_again_is_in_doubt_and_what_is_new_is_not(world: World) -> None:
    """The same event once more does not send again; what happened or is due later goes as ever."""
    say(world, NOON + HOUR)
    world.at(NOON + 2 * HOUR)
    told(world, "F1", "2025-06-02T11:30:00+05:00")  # due at 12:30, and reported again
    late = card(TWO, "2025-07-02", time="2025-06-02T13:30:00+05:00")  # due this morning, but issued afterwards
    world.take(fine(ONE, "F2", "2025-06-02T13:00:00+05:00"), *registered(TWO, LONG_AGO), late)
    await world.settle(NOON + 2 * HOUR)
    issued = [one for one in world.nudges() if one.intent.step == "issued"]
    assert [one.state for one in issued] == [State.UNKNOWN, State.SENT]
    assert (len(world.sent), world.delivery("month").state) == (2, State.SENT)


async def test_a_silence_says_nothing_where_receipts_were_lost(world: World) -> None:
    """What was sent before the backup is not sent on the next channel either."""
    told(world, "F1", "2025-06-02T10:30:00+05:00")
    await world.settle(NOON)
    assert len(world.sent) == 1
    say(world, NOON + timedelta(minutes=1))
    await world.settle(NOON + HOUR)
    assert (len(world.sent), world.delivery("issued").state) == (1, State.SENT)
    assert world.delivery("issued").due is None


async def test_what_quiet_hours_held_back_goes_in_the_morning(world: World) -> None:
    """It cannot have gone by then, so it is not in doubt."""
    told(world, "F1", "2025-06-02T22:00:00+05:00")
    say(world, datetime.fromisoformat("2025-06-03T03:00:00+05:00"))
    await world.settle("2025-06-03T09:30:00+05:00")
    assert (len(world.sent), world.delivery("issued").state) == (1, State.SENT)


async def test_an_attempt_that_was_open_in_the_copy_is_not_made_again(world: World) -> None:
    """Its outcome may be in what is lost, and so may what followed."""
    world.take(*registered(TWO, LONG_AGO), card(TWO, "2025-07-02"))
    world.plan()
    nudge = world.nudge("month").intent.id
    open_ = NudgeAttempted(NOON, world.name(TWO), 1, "sms", "", NOON + MINUTES)
    world.platform.database.write(lambda connection: record(connection, world.platform.log, [(nudge, open_)]))
    say(world, NOON + HOUR)
    await world.settle(NOON + 2 * HOUR)
    one = world.delivery("month")
    assert (one.state, one.reason, one.due, len(world.sent)) == (State.UNKNOWN, "restored", None, 0)


async def test_views_agree_with_the_log_of_a_restored_platform(world: World) -> None:
    """What `restored` appends is a fact as any other: a rebuild gives the same views."""
    from tests.streams.rebuilding import rebuild  # noqa: PLC0415  (only here)

    await test_what_was_due_meanwhile_ends_as_unknown(world)
    on = world.platform
    found = rebuild(on.database, on.log, on.identity.names, on.rules.library.rules().catalogue, swap=True)
    assert {name: count for name, count in found.differences.items() if count} == {}


def test_a_running_platform_notices_an_older_log(world: World, tmp_path: Path) -> None:
    """Whoever sends stops in the moment in which the database under it is an older one, until it was said."""
    load_keyring(tmp_path / "key", create=True)
    on = world.platform
    marks = [Watermark(on.database, on.log, tmp_path / "key", world.clock) for _ in range(2)]
    marks[0].look()
    told(world, "F1", "2025-06-02T11:30:00+05:00")
    marks[0].look()
    with on.database.reading() as connection:
        newest = connection.execute(select(func.max(log.c.position))).scalar_one()
    on.database.write(lambda connection: connection.execute(delete(log).where(log.c.position == newest)))
    for mark in marks:
        with pytest.raises(OlderLog, match=f"fact {newest} .*habarshy restored"):
            mark.look()
    world.at(NOON + MINUTES)
    say(world, NOON)
    for mark in marks:
        mark.look()
    marks[1].look()
    [file] = tmp_path.glob("key.known-*")
    assert file.stat().st_mode & 0o777 == 0o600
    file.write_text("nonsense")
    Watermark(on.database, on.log, tmp_path / "key", world.clock).look()


@pytest.mark.parametrize("statement", range(1, 4))
def test_what_another_process_sends_and_notes_meanwhile_is_no_older_log(
    world: World, tmp_path: Path, statement: int
) -> None:
    """Who starts while others send finds in the file a fact that its own transaction may not see yet, and goes on."""
    load_keyring(tmp_path / "key", create=True)
    on = world.platform
    ours, theirs = (Watermark(on.database, on.log, tmp_path / "key", world.clock) for _ in range(2))
    theirs.look()
    counted = itertools.count(1)

    def sends(*_: object) -> None:
        if next(counted) == statement:
            told(world, "F1", "2025-06-02T11:30:00+05:00")
            theirs.look()

    event.listen(on.database.engine, "after_cursor_execute", sends)
    try:
        ours.look()
    finally:
        event.remove(on.database.engine, "after_cursor_execute", sends)
    assert next(counted) > statement
    ours.look()
