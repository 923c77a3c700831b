"""Whoever alters the log by SQL is found out, and where; on SQLite and PostgreSQL."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from hashlib import sha256
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from msgspec.structs import replace
from sqlalchemy import Connection, Table, insert, select, text, update
from sqlalchemy.engine import URL

from app.clock import VirtualClock
from projections.bulk import insert_rows
from streams.log import chain as blocks
from streams.log.audit import Audit, Finding
from streams.log.chain import SignedBlock
from streams.log.chain_builder import LONGEST_WAIT, ChainBuilder
from streams.log.signing import Signer
from streams.storage.database import Database
from streams.storage.tables import blocks as block_table
from streams.storage.tables import log
from tests.services import postgres
from tests.streams.storing import AIDA, CODES, DANA, NOW, Store, cancelled, life, modest, only_sqlite, url_in

SIGNER, OTHER = Signer(b"s" * 32), Signer(b"o" * 32)
SIZE = 8
POSITIONS = [position for position in range(1, 41) if position % 7]
"""Where there are facts: every seventh position is a gap."""
GAPS = [position for position in range(1, POSITIONS[-1]) if not position % 7]
BLOCK_OF: Mapping[int, int] = {position: 1 + at // SIZE for at, position in enumerate(POSITIONS)}


def chain_builder(
    database: Database, signer: Signer | None = SIGNER, clock: VirtualClock | None = None
) -> ChainBuilder:
    """What makes blocks of eight facts."""
    return ChainBuilder(database, signer, clock or VirtualClock(NOW), SIZE)


def audited(database: Database, *deposited: SignedBlock, signer: Signer = SIGNER, start: int = 1) -> list[Finding]:
    """All that an audit finds."""
    return list(Audit(database, signer.public, start).findings(deposited))


def heads(database: Database) -> list[SignedBlock]:
    """All blocks."""
    with database.reading() as connection:
        return blocks.blocks_from(connection, 1, 1000)


@pytest.fixture
def chain(store: Store) -> Database:
    """A log with gaps, all of it in the chain."""
    rows = [(position, _stream(position), 1, "t/1", b"state %d" % position) for position in POSITIONS]
    coded = [(*row, CODES.code(*row)) for row in rows]
    store.database.write(lambda connection: insert_rows(connection, log, coded))
    chain_builder(store.database).finish()
    return store.database


def _stream(position: int) -> UUID:
    return UUID(bytes=sha256(b"%d" % position).digest()[:16])


@contextmanager
def tampered(database: Database, *works: Callable[[Connection], object]) -> Iterator[None]:
    """The database as somebody left it who can write to its tables; afterwards it is as it was."""
    kept = {table.name: f"kept_{table.name}" for table in (log, block_table)}

    def keep(connection: Connection) -> None:
        for name, copy in kept.items():
            connection.execute(text(f"CREATE TABLE {copy} AS SELECT * FROM {name}"))  # noqa: S608  (our own names)
        for work in works:
            work(connection)

    def restore(connection: Connection) -> None:
        for name, copy in kept.items():
            connection.execute(text(f"DELETE FROM {name}"))  # noqa: S608  (our own names)
            connection.execute(text(f"INSERT INTO {name} SELECT * FROM {copy}"))  # noqa: S608  (our own names)
            connection.execute(text(f"DROP TABLE {copy}"))

    database.write(keep)
    try:
        yield
    finally:
        database.write(restore)


def setting(position: int, /, **values: Any) -> Callable[[Connection], object]:
    """Set columns of the fact at that position."""
    return lambda connection: connection.execute(update(log).where(log.c.position == position).values(values))


def written(position: int, state: bytes) -> Callable[[Connection], object]:
    """Write the state of the fact at that position anew, as who has the key file can."""
    return setting(position, state=state, code=CODES.code(position, _stream(position), 1, "t/1", state))


def flipped(position: int, column: str, bit: int) -> Callable[[Connection], object]:
    """Flip one bit of the fact at that position."""

    def work(connection: Connection) -> None:
        value = connection.execute(select(log.c[column]).where(log.c.position == position)).scalar_one()
        setting(position, **{column: _flipped(value, bit)})(connection)

    return work


def _flipped(value: Any, bit: int) -> Any:
    if isinstance(value, int):
        return value ^ 1 << bit % 31
    if isinstance(value, UUID):
        return UUID(bytes=_flipped(value.bytes, bit))
    if isinstance(value, str):
        return value[:-1] + chr(ord(value[-1]) ^ 1 << bit % 6)
    changed = bytearray(value)
    changed[bit // 8 % len(value)] ^= 1 << bit % 8
    return bytes(changed)


def gone(table: Table, number: int) -> Callable[[Connection], object]:
    """Delete a row."""
    [key] = table.primary_key
    return lambda connection: connection.execute(table.delete().where(key == number))


def put(position: int) -> Callable[[Connection], object]:
    """A fact that never was."""
    return lambda connection: connection.execute(
        insert(log).values(
            position=position, originator_id=UUID(int=1000), originator_version=1, topic="t/1", state=b"x"
        )
    )


Case = tuple[Sequence[Callable[[Connection], object]], list[tuple[str, int, int]]]
"""What is done, and what is to be found: (what, block, position)."""

facts, gaps, bits = st.sampled_from(POSITIONS), st.sampled_from(GAPS), st.integers(0, 200)
columns = st.sampled_from(["originator_id", "originator_version", "topic", "state"])


def _changed(position: int, column: str, bit: int) -> Case:
    return [flipped(position, column, bit)], [("changed", BLOCK_OF[position], position)]


def _missing(position: int) -> Case:
    return [gone(log, position)], [("missing", BLOCK_OF[position], position)]


def _block_over(gap: int) -> int:
    return BLOCK_OF[min(position for position in POSITIONS if position > gap)]


def _added(gap: int) -> Case:
    return [put(gap)], [("forged", _block_over(gap), gap)]


def _before_all(position: int) -> Case:
    return [put(-position)], [("added", 0, -position)]


def _swapped(positions: tuple[int, int]) -> Case:
    one, other = sorted(positions)
    works = [setting(one, position=999), setting(other, position=one), setting(999, position=other)]
    return works, [("changed", BLOCK_OF[each], each) for each in (one, other)]


def _shifted(position: int, gap: int) -> Case:
    found = sorted([(position, "missing", BLOCK_OF[position]), (gap, "forged", _block_over(gap))])
    return [setting(position, position=gap)], [(what, block, at) for at, what, block in found]


cases: st.SearchStrategy[Case] = st.one_of(
    st.builds(_changed, facts, columns, bits),
    st.builds(_missing, facts),
    st.builds(_added, gaps),
    st.builds(_before_all, st.integers(0, 99)),
    st.tuples(facts, facts).filter(lambda pair: pair[0] != pair[1]).map(_swapped),
    st.builds(_shifted, facts, gaps),
)


@given(case=cases)
@settings(parent=modest, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_whatever_is_done_to_a_fact_is_found_where_it_was_done(chain: Database, case: Case) -> None:
    """A flipped bit, a missing, an added, a swapped or a moved fact is found at its position, and nothing else is."""
    works, expected = case
    with tampered(chain, *works):
        found = [(each.what, each.block, each.position) for each in audited(chain)]
    assert found == expected


@pytest.mark.parametrize("column", [name for name in block_table.columns.keys() if name not in ("number", "marks")])  # noqa: SIM118  (a collection, not a mapping)
@pytest.mark.parametrize("number", [1, 3, 5])
def test_whatever_is_done_to_a_block_is_found(chain: Database, column: str, number: int) -> None:
    """Any column of a block that is altered is found, and named with its block."""

    def work(connection: Connection) -> None:
        where = block_table.c.number == number
        value = connection.execute(select(block_table.c[column]).where(where)).scalar_one()
        connection.execute(update(block_table).where(where).values({column: _flipped(value, 3)}))

    with tampered(chain, work):
        assert audited(chain) == [Finding("other-key" if column == "signer" else "not-signed", number)]


def test_a_block_that_is_gone_is_missed(chain: Database) -> None:
    """The chain has no gap: what lies before and after it goes on being checked."""
    with tampered(chain, gone(block_table, 3), setting(1, state=b"x"), setting(40, state=b"x")):
        assert audited(chain) == [Finding("changed", 1, 1), Finding("no-block", 3), Finding("changed", 5, 40)]


def test_a_fact_altered_with_its_marks_is_found_in_its_block(chain: Database) -> None:
    """Who alters the marks as well leaves only the block to be named."""
    marks = update(block_table).where(block_table.c.number == 2).values(marks=b"m" * 128)
    with tampered(chain, setting(10, state=b"x"), lambda connection: connection.execute(marks)):
        assert audited(chain) == [Finding("altered", 2)]


@only_sqlite
@pytest.mark.parametrize("column", ["state", "topic", "originator_version", "originator_id"])
@pytest.mark.parametrize("value", ["'t/1'", "x'742f31'", "CAST(x'ff' AS TEXT)", "1.5"])
def test_a_value_of_another_kind_is_a_change(chain: Database, column: str, value: str) -> None:
    """SQLite keeps any kind of value in any column: a fact that became one of another kind is found."""
    if (column, value) == ("topic", "'t/1'"):
        value = "NULLIF('t/2', 't/1')"
    work = text(f"UPDATE log SET {column} = {value} WHERE position = 10")  # noqa: S608  (our own)
    with tampered(chain, lambda connection: connection.execute(work)):
        assert audited(chain) == [Finding("changed", 2, 10)]


def test_only_what_a_deposited_head_knows_is_missed_at_the_end(chain: Database) -> None:
    """A log cut off together with its blocks passes, and is found by a head deposited before."""
    deposited = heads(chain)[-1]
    cut = [gone(block_table, 5), *(gone(log, each) for each in POSITIONS if BLOCK_OF[each] == 5)]
    with tampered(chain, *cut):
        assert audited(chain) == []
        assert audited(chain, deposited) == [Finding("cut-off", 5)]
    assert audited(chain, deposited) == []


def test_a_log_written_anew_with_the_key_is_found_by_a_deposited_head(chain: Database) -> None:
    """Who has the key file as well makes a chain without a fault, but never again the one that was deposited."""
    deposited = heads(chain)
    with tampered(chain, *(gone(block_table, number) for number in range(2, 6)), written(10, b"x")):
        chain_builder(chain).finish()
        assert audited(chain) == []
        assert audited(chain, *deposited) == [Finding("rewritten", number) for number in range(2, 6)]


def test_a_head_that_was_not_signed_is_none(chain: Database) -> None:
    """A deposited head that was altered, or that another key signed, is told from one that the log does not fit."""
    block, signature, signer = heads(chain)[0]
    forged = SignedBlock(block, OTHER.sign(block.head), OTHER.id)
    assert audited(chain, SignedBlock(replace(block, at=7), signature, signer), forged) == [Finding("no-head", 1)] * 2


def test_a_block_of_another_chain_does_not_follow(chain: Database) -> None:
    """A block that this very key signed, but after another one, is found."""
    block = heads(chain)[2].block
    other = replace(block, previous=b"p" * 32)
    changes = {"previous": other.previous, "signature": SIGNER.sign(other.head)}
    work = update(block_table).where(block_table.c.number == 3).values(changes)
    with tampered(chain, lambda connection: connection.execute(work)):
        assert audited(chain)[0] == Finding("not-next", 3)


def test_another_key_is_named(chain: Database) -> None:
    """With another key file every block is said to be signed by another key."""
    assert audited(chain, signer=OTHER) == [Finding("other-key", number) for number in range(1, 6)]


def test_an_audit_may_begin_later(chain: Database) -> None:
    """From a position on, its block and all later ones are checked, and what lies before is not."""
    with tampered(chain, setting(1, state=b"x"), setting(20, state=b"x")):
        assert audited(chain, start=15) == [Finding("changed", 3, 20)]
        assert audited(chain, start=40) == []


def test_a_log_without_a_chain_passes_no_audit(store: Store) -> None:
    """Nothing to check is a finding, unless there is nothing at all."""
    assert audited(store.database) == []
    store.append(cancelled(1))
    assert audited(store.database) == [Finding("no-chain", 0)]


def test_facts_at_the_end_wait_for_their_block(store: Store) -> None:
    """A block is made when it is full, and of fewer facts after a minute; until then they count as unchained."""
    clock = VirtualClock(NOW)
    made = chain_builder(store.database, clock=clock)
    store.append(*map(cancelled, range(1, 12)))
    assert made.drain() == 8
    store.append(cancelled(99))
    audit = Audit(store.database, SIGNER.public)
    assert (list(audit.findings()), audit.facts, audit.unchained) == ([], 8, 4)
    clock.advance_to(NOW + LONGEST_WAIT)
    assert made.drain() == 4
    assert audit.unchained == 0


def test_without_a_key_there_are_no_blocks(store: Store) -> None:
    """Where the key file has nothing to sign with, nothing is chained and nothing fails."""
    store.append(cancelled(1))
    assert chain_builder(store.database, signer=None).finish() == 0
    assert heads(store.database) == []


def test_two_who_chain_make_one_chain(store: Store) -> None:
    """Several processes that make blocks at once make each of them once."""
    store.append(*map(cancelled, range(1, 200)))
    with ThreadPoolExecutor(3) as pool:
        done = list(pool.map(lambda _: chain_builder(store.database).finish(), range(3)))
    assert sum(done) == 199
    assert audited(store.database) == []


def test_erasing_a_person_leaves_the_chain_as_it_is(store: Store) -> None:
    """What nobody can read any more is still the fact that was recorded."""
    store.take(*(life(str(number)) for number in range(20)))
    chain_builder(store.database).finish()
    before = heads(store.database)
    store.database.write(lambda connection: store.keys.destroy(connection, AIDA))
    store.database.write(lambda connection: store.keys.destroy(connection, DANA))
    chain_builder(store.database).finish()
    assert audited(store.database, *before) == []
    assert heads(store.database) == before


def test_both_databases_chain_the_same_bytes(server: URL, tmp_path: Path) -> None:
    """The same facts give the same digests on SQLite and PostgreSQL."""
    found = []
    with postgres.fresh(server) as at:
        for url in (url_in(tmp_path), at.render_as_string(hide_password=False)):
            store = Store(url)
            store.append(*map(cancelled, range(1, 30)))
            chain_builder(store.database).finish()
            found.append(heads(store.database))
            store.database.close()
    assert found[0] == found[1]
