"""Rows that somebody wrote into the log who has no key: they are named, stop nothing, and are no facts."""

from collections.abc import Callable, Sequence
from hashlib import sha256
from typing import Any
from uuid import UUID

import pytest
from msgspec.structs import replace
from sqlalchemy import Connection, delete, insert, select, update

from app.clock import VirtualClock
from app.jobs.replay_jobs import verify
from domain.facts.chain import CODED
from domain.facts.facts import NudgeCancelled, NudgePlanned
from streams.log import chain as blocks
from streams.log.audit import Audit, Finding
from streams.log.chain import SignedBlock
from streams.log.chain_builder import ChainBuilder
from streams.log.first_codes import CodesLost, FirstCodes, first_codes, give_codes
from streams.log.row_codes import codes_of, row_codes
from streams.log.signing import Signer
from streams.planning.wakeups import WakeUpReader
from streams.storage.tables import blocks as block_table
from streams.storage.tables import log, log_coded
from tests.streams.rebuilding import ended, rebuilt
from tests.streams.storing import KEYRING, NOW, Store, cancelled
from tests.world import LONG_AGO, World, annulled, card, iin, registered

SIGNER = Signer(b"s" * 32)
AIGERIM, BOLAT = iin(1), iin(2)


@pytest.fixture
def lived(world: World) -> World:
    """A world in which two people were planned, and one of whom has a cancelled nudge."""
    for each in (AIGERIM, BOLAT):
        world.take(*registered(each, LONG_AGO), card(each, "2025-07-20"))
    world.plan()
    world.take(annulled(card(AIGERIM, "2025-07-20"), 2))
    world.plan()
    world.platform.replay.follower.drain()
    return world


def rows_of(world: World, topic: str) -> Sequence[Any]:
    """The rows of a topic, as they are stored."""
    with world.platform.database.reading() as connection:
        return connection.execute(select(log).where(log.c.topic == topic).order_by(log.c.position)).all()


def forge(world: World, *rows: dict[str, Any]) -> list[int]:
    """Write rows at the end of the log as somebody can who has no key; returns where they stand."""
    with world.platform.database.reading() as connection:
        last = connection.execute(select(log.c.position).order_by(log.c.position.desc())).scalars().first() or 0
    given = [{"position": last + at, **row} for at, row in enumerate(rows, 1)]
    world.platform.database.write(lambda connection: connection.execute(insert(log), given))
    return [row["position"] for row in given]


def forged_cancellation(world: World, **changes: Any) -> dict[str, Any]:
    """A row that cancels Bolat's planned nudge, with the state of a genuine cancellation."""
    with world.platform.database.reading() as connection:
        taken = set(connection.execute(select(log.c.originator_id).where(log.c.originator_version == 2)).scalars())
    victim = next(row for row in rows_of(world, NudgePlanned.TOPIC) if row.originator_id not in taken)
    state, code = next((row.state, row.code) for row in rows_of(world, NudgeCancelled.TOPIC))
    row = {"originator_id": victim.originator_id, "originator_version": 2, "topic": NudgeCancelled.TOPIC}
    return {**row, "state": state, "code": code, **changes}


def found(world: World) -> list[Finding]:
    """All that an audit finds."""
    return list(Audit(world.platform.database, SIGNER.public).findings())


def chain(world: World) -> None:
    """Put every fact into a signed block."""
    world.platform.database.use_codes(row_codes(world.platform.identity.names.key, SIGNER.public))
    ChainBuilder(world.platform.database, SIGNER, world.clock, 8).finish()


FORGERIES: dict[str, Callable[[World], dict[str, Any]]] = {
    "copied with its code": forged_cancellation,
    "without a code": lambda world: forged_cancellation(world, code=None),
    "with a guessed code": lambda world: forged_cancellation(world, code=bytes(16)),
    "that cannot be read": lambda world: forged_cancellation(world, state=b"\xc1", topic="none/9"),
    "a life event of another stream": lambda world: {
        **dict(rows_of(world, "life/1")[0]._mapping),
        "originator_id": UUID(int=7),
    },
}


@pytest.mark.parametrize("forgery", FORGERIES)
async def test_a_forged_row_is_named_and_changes_nothing(lived: World, forgery: str) -> None:
    """It comes into no block, no replay takes it over, and what was planned is sent as if it were not there."""
    row = FORGERIES[forgery](lived)
    row.pop("position", None)
    chain(lived)
    before = rebuilt(lived.platform), ended(verify(lived.platform, {}))
    [position] = forge(lived, row)
    assert found(lived) == [Finding("forged", 0, position)]
    lived.platform.replay.follower.drain()
    chain(lived)
    assert (rebuilt(lived.platform), ended(verify(lived.platform, {}))) == before
    with lived.platform.database.reading() as connection:
        assert WakeUpReader(lived.platform.identity.names, 100).page_after(connection, position - 1) == (
            lived.platform.log.facts.last_position(connection),
            [],
        )
    sent = await lived.settle("2025-07-01T12:00+05:00")
    assert len(sent) == 1
    chain(lived)
    assert {(each.what, each.position) for each in found(lived)} == {("forged", position)}


def test_a_row_that_stands_in_the_way_is_moved_and_still_named(store: Store) -> None:
    """A forged second version of a stream keeps its real one from nothing: it is moved away, and the fact goes in."""
    store.append(cancelled(1))
    stream, topic = cancelled(1).originator_id, cancelled(1).fact.TOPIC
    row = {"position": 2, "originator_id": stream, "originator_version": 2, "topic": topic, "state": b"x"}
    store.database.write(lambda connection: connection.execute(insert(log), [row]))
    highest = row | {"position": 2**53, "originator_version": 9}
    store.database.write(lambda connection: connection.execute(insert(log), [highest]))
    store.append(cancelled(1, version=2))
    assert [entry.originator_version for entry in store.scanned()] == [1, 2]
    ChainBuilder(store.database, SIGNER, VirtualClock(NOW)).finish()
    assert list(Audit(store.database, SIGNER.public).findings()) == [
        Finding("forged", 0, position) for position in (2**53, 2)
    ]


def test_more_forged_rows_than_a_page_hide_nothing(store: Store) -> None:
    """Whoever reads page by page goes past pages that hold nothing but forged rows."""
    store.append(cancelled(1))
    rows = [
        {"position": at, "originator_id": UUID(int=at), "originator_version": 1, "topic": "none/1", "state": b""}
        for at in range(2, 60)
    ]
    store.database.write(lambda connection: connection.execute(insert(log), rows))
    with store.database.reading() as connection:
        assert store.log.facts.last_position(connection) == 1
    store.append(cancelled(2))
    assert [entry.position for entry in store.scanned(page=7)] == [1, 60]
    assert ChainBuilder(store.database, SIGNER, VirtualClock(NOW), 8).finish() == 2


MOVES: dict[str, dict[str, Any]] = {
    "moved": {"position": 99},
    "uncoded": {"code": None},
    "copied": {"code": bytes(16)},
}


@pytest.mark.parametrize("what", MOVES)
def test_a_fact_of_a_signed_block_that_lost_its_place_or_code_is_named(store: Store, what: str) -> None:
    """To move a fact, or to take its code away, is found as surely as to change it."""
    store.append(cancelled(1), cancelled(2), cancelled(3))
    ChainBuilder(store.database, SIGNER, VirtualClock(NOW)).finish()
    work = update(log).where(log.c.position == 2).values(MOVES[what])
    store.database.write(lambda connection: connection.execute(work))
    expected = {Finding("missing", 1, 2), Finding("forged", 0, 99)} if what == "moved" else {Finding("uncoded", 1, 2)}
    assert set(Audit(store.database, SIGNER.public).findings()) == expected


def older(store: Store, *, before: bool) -> None:
    """Take all codes away, the last fact being in no block; `before`: as a version without codes left the log."""
    store.append(*map(cancelled, range(1, 10)))
    ChainBuilder(store.database, SIGNER, VirtualClock(NOW), 8).drain()

    def work(connection: Connection) -> None:
        connection.execute(update(log).values(code=None))
        connection.execute(delete(log_coded))
        [one] = blocks.blocks_from(connection, 1, 9)
        marks = blocks.marks_of(connection, 1)
        marks = marks.removesuffix(CODED) if before else marks
        block = replace(one.block, marks=sha256(marks).digest())
        connection.execute(delete(block_table))
        blocks.store(connection, SignedBlock(block, SIGNER.sign(block.head), SIGNER.id), marks)

    store.database.write(work)
    store.database.use_codes(row_codes(KEYRING.names, SIGNER.public))


def test_a_log_from_before_gets_its_codes_and_says_what_is_proven(store: Store) -> None:
    """Facts that are as a signed block says are proven; what was added to or changed in one gets no code."""
    older(store, before=True)

    def tamper(connection: Connection) -> None:
        connection.execute(update(log).where(log.c.position == 3).values(state=b"x"))
        connection.execute(update(log).where(log.c.position == 9).values(position=8 + 2**20))
        connection.execute(update(log).where(log.c.position == 5).values(position=2**19))

    store.database.write(tamper)
    done = store.database.write(give_codes)
    assert done == FirstCodes(8 + 2**20, 8, 2)
    assert store.database.write(give_codes) is None
    with store.database.reading() as connection:
        assert first_codes(connection) == done
        valid = codes_of(connection).is_valid
        assert [row[0] for row in connection.execute(select(log).order_by(log.c.position)) if not valid(row)] == [3]
    assert list(Audit(store.database, SIGNER.public).findings()) == [
        Finding("changed", 1, 3),
        Finding("missing", 1, 5),
    ]


@pytest.mark.parametrize("codes_left", [True, False])
def test_codes_are_given_once(store: Store, codes_left: bool) -> None:  # noqa: FBT001  (a parameter of the test)
    """Whoever takes away the note, and the codes with it, does not have what they wrote adopted."""
    older(store, before=False)
    if codes_left:
        store.database.write(lambda connection: connection.execute(delete(block_table)))
        code = update(log).where(log.c.position == 1).values(code=bytes(16))
        store.database.write(lambda connection: connection.execute(code))
    with pytest.raises(CodesLost, match="somebody altered the database"):
        store.database.write(give_codes)


def test_a_note_that_is_not_ours_is_found(store: Store) -> None:
    """Whoever writes another number of facts that nothing proves is found out."""
    store.append(cancelled(1))
    ChainBuilder(store.database, SIGNER, VirtualClock(NOW)).finish()
    store.database.write(lambda connection: connection.execute(update(log_coded).values(unproven=7)))
    assert list(Audit(store.database, SIGNER.public).findings()) == [Finding("no-note", 0)]
