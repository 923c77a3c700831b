"""Edges of the log, its keys and its views where it once went wrong: other processes, damaged files, late writes."""

import itertools
import json
import os
import sqlite3
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor, wait
from datetime import timedelta
from pathlib import Path
from uuid import NAMESPACE_OID, uuid5

import pytest
from msgspec.structs import replace
from sqlalchemy import Connection, select

from app.clock import fixed
from app.identity.key_file import BadKeyFile, load_keyring
from domain.nudges.delivery import Due
from domain.rules.event_types import Catalogue, event_type_of
from projections import claims, history, nudges, positions, statistics
from projections.bulk import insert_rows
from projections.history import Concerns
from projections.tables import due, micros, trail
from projections.tables import history as history_table
from streams.intake.cloudevents import read_envelope
from streams.intake.intake import Intake
from streams.intake.validation import Checker
from streams.log.mapper import decode_life, seal, unseal
from streams.log.master_key import KEY_BYTES, Keyring
from streams.log.person_keys import PersonKey, PersonKeys
from streams.replay.follower import READER, Follower
from streams.storage.database import Database, Priority
from streams.storage.errors import DatabaseUnavailable
from streams.storage.schema import migrate
from streams.storage.tables import log, person_keys
from tests.streams.rebuilding import rebuild
from tests.streams.storing import (
    AIDA,
    BOLAT,
    DANA,
    KEYRING,
    NAMES,
    NOW,
    PATIENCE,
    Store,
    counted,
    life,
    only_sqlite,
    person_key,
    save_position,
    stored,
    submitted,
    to_guardians,
    url_in,
    writer_held,
)

# keys


def ensured(store: Store, keys: PersonKeys, person: str) -> PersonKey:
    """A person's key as intake gets it."""
    known, made = store.database.write(lambda connection: keys.ensure(connection, [person]))
    keys.remember(made)
    return known[person]


def loaded(store: Store, keys: PersonKeys, person: str) -> PersonKey | None:
    """A person's key as a reader gets it."""
    with store.database.reading() as connection:
        return keys.load(connection, [person]).get(person)


def erase(store: Store, keys: PersonKeys, person: str) -> None:
    """Destroy a person's key, as one process does it."""
    store.database.write(lambda connection: keys.destroy(connection, person))


def read_by_anybody(store: Store, sealed: bytes) -> bytes | None:
    """What a process that starts now reads of a part of Aida's."""
    key = loaded(store, PersonKeys(KEYRING), AIDA)
    return None if key is None else key.open(sealed, b"about")


def test_a_key_looked_up_in_a_failed_transaction_seals_nothing(store: Store) -> None:
    """A transaction that made a key, looked it up (as for corrections) and then failed leaves no key behind."""

    def fail(connection: Connection) -> None:
        store.keys.ensure(connection, [AIDA])
        store.keys.load(connection, [AIDA])
        raise LookupError

    with pytest.raises(LookupError):
        store.database.write(fail)

    sealed = ensured(store, store.keys, AIDA).seal(b"plain", b"about")
    assert read_by_anybody(store, sealed) == b"plain"


def test_nothing_is_sealed_with_a_key_that_another_process_destroyed(store: Store) -> None:
    """After an erasure by another process, a later event of the person is sealed with a key that exists."""
    other = PersonKeys(KEYRING)
    ensured(store, store.keys, AIDA)
    ensured(store, other, AIDA)
    erase(store, other, AIDA)

    sealed = ensured(store, store.keys, AIDA).seal(b"plain", b"about")
    assert read_by_anybody(store, sealed) == b"plain"


def test_erased_in_one_process_is_erased_in_all(store: Store) -> None:
    """After an erasure by another process, nobody reads the person's part, though they had the key at hand."""
    other = PersonKeys(KEYRING)
    ensured(store, store.keys, AIDA)
    erase(store, other, AIDA)

    assert loaded(store, store.keys, AIDA) is None


def test_reading_makes_no_key(store: Store) -> None:
    """Who reads an erased person's events gives the person no new key."""
    event = life(persons={"child": (AIDA,)}, fields={"child": {"given_name": "Айда"}})
    store.take(event)
    erase(store, store.keys, AIDA)

    with store.database.reading() as connection:
        assert store.log.streams(connection, [event.stream])
    assert counted(store.database, person_keys) == 0


@pytest.mark.parametrize("wrapping", [{1: b"x" * KEY_BYTES}, {2: b"w" * KEY_BYTES}], ids=["other", "version gone"])
def test_a_wrong_key_file_is_named(store: Store, wrapping: dict[int, bytes]) -> None:
    """Whoever starts with another key file, or one that lost a version, is told that the key file is wrong."""
    ensured(store, store.keys, AIDA)

    with pytest.raises(Exception, match="key file"):
        loaded(store, PersonKeys(Keyring(KEYRING.names, wrapping)), AIDA)


# mapper


def test_a_part_that_was_cut_off_is_absent() -> None:
    """A sealed part shorter than its nonce is read as absent, never as an exception."""
    event = life(persons={"child": (AIDA,)}, fields={"child": {"given_name": "Айда"}})
    keys = {AIDA: person_key(b"A")}
    state = decode_life(seal(event, keys, NOW))

    cut = replace(state, sealed={"child": state.sealed["child"][:11]})
    assert unseal(event.stream, cut, keys).fields == {}


def test_the_time_of_recording_comes_back_by_every_way(store: Store) -> None:
    """A life event read by its stream says when it was recorded, as it does in a scan."""
    event = life()
    store.take(event)

    with store.database.reading() as connection:
        found = store.log.streams(connection, [event.stream])
    assert [entry.recorded for entry in found] == [NOW]


def test_a_number_too_large_to_store_is_refused(store: Store) -> None:
    """Of a batch, only the event with a number beyond 64 bits is refused; the others are stored."""
    type_ = event_type_of(
        {
            "type": "test.paid",
            "title": {},
            "agency": "test",
            "subject": "citizen",
            "data": {"type": "object", "properties": {"amount": {"type": "integer"}}},
        }
    )
    checker = Checker(Catalogue({type_.name: type_}, {}), NAMES, lambda _: True)
    intake = Intake(store.database, store.log, NAMES, lambda: checker, fixed(NOW))

    outcomes = intake.accept([read_envelope(paid(amount)) for amount in (1, 10**30, 2)])
    assert [one.accepted for one in outcomes] == [True, False, True]
    assert [one.refused.field for one in outcomes if one.refused] == ["data.amount"]


def paid(amount: int) -> bytes:
    """An event with a number in it."""
    return json.dumps(
        {
            "specversion": "1.0",
            "id": str(amount),
            "source": "/test",
            "type": "test.paid",
            "subject": "someone",
            "time": "2025-06-01T00:00:00Z",
            "data": {"amount": amount},
        }
    ).encode()


# database


def test_a_write_that_comes_while_closing_ends(tmp_path: Path) -> None:
    """Whoever writes while the database is being closed gets a result or an error: nobody waits for ever."""
    database = Database(url_in(tmp_path))
    migrate(database)
    under_way, go = threading.Event(), threading.Event()

    def last(_: Connection) -> None:
        under_way.set()
        assert go.wait(PATIENCE)

    with writer_held(database):
        submitted(database, last, Priority.FOLLOWING)
        closing = threading.Thread(target=database.close, daemon=True)
        closing.start()
        until(lambda: waiting(database) == 2)
    assert under_way.wait(PATIENCE)
    try:
        late = submitted(database, save_position("late", 1), Priority.INTAKE)
    except DatabaseUnavailable:
        late = None
    go.set()

    assert late is None or wait([late], PATIENCE).done


def waiting(database: Database) -> int:
    """How many works, or the end, wait for SQLite's writer."""
    assert database._writer is not None
    return database._writer._queue.qsize()


def until(true: Callable[[], bool]) -> None:
    """Wait for another thread."""
    pause = threading.Event()
    assert any(true() or pause.wait(0.002) for _ in range(30_000))


def test_a_closed_database_says_so(store: Store) -> None:
    """Writing after the end is refused in words, not by an error of the thread library."""
    store.database.write(save_position("reader", 1))
    store.database.close()

    with pytest.raises(DatabaseUnavailable, match="closed"):
        store.database.write(save_position("reader", 2))


def test_a_file_that_is_no_database_is_explained(tmp_path: Path) -> None:
    """A damaged or wrong file is reported like every other database that cannot be opened."""
    (tmp_path / "log.sqlite").write_bytes(b"no database" * 1000)

    with pytest.raises(DatabaseUnavailable, match="not a database"):
        migrate(Database(url_in(tmp_path)))


def test_two_processes_may_create_the_database_at_once(tmp_path: Path) -> None:
    """Whoever opens a new file while another process is setting it up waits for that, and does not fail."""
    other = sqlite3.connect(tmp_path / "log.sqlite", isolation_level=None)
    other.execute("CREATE TABLE being_set_up (x)")
    other.execute("BEGIN IMMEDIATE")
    database = Database(url_in(tmp_path))

    with ThreadPoolExecutor(1) as thread:
        creating = thread.submit(migrate, database)
        failed_at_once = wait([creating], 0.3).done
        other.execute("COMMIT")
        creating.result(PATIENCE)
    other.close()
    database.close()
    assert not failed_at_once


# recorder and views


def test_a_stream_may_be_asked_for_by_its_text(store: Store) -> None:
    """The port allows ids as text: what is stored by such an id is found by it."""
    store.log.facts.insert_events([stored(7)])

    found = store.log.facts.select_events(str(stored(7).originator_id))
    assert [one.state for one in found] == [stored(7).state]


def test_rows_may_be_given_as_a_tuple(store: Store) -> None:
    """`insert_rows` takes any sequence, as it says."""
    store.database.write(lambda connection: insert_rows(connection, trail, ((AIDA, 1, "a/1"), (AIDA, 2, "b/1"))))

    assert counted(store.database, trail) == 2


def claim(database: Database, limit: int) -> list[Due]:
    """What is due now, for three minutes."""
    now, end = micros(NOW), micros(NOW + timedelta(minutes=3))
    return database.write(lambda connection: claims.claim(connection, now=now, until=end, holder="one", limit=limit))


@pytest.mark.parametrize("many", [3, 500, 503])
def test_rows_come_back_as_they_went_in(store: Store, many: int) -> None:
    """However many rows go in at once, each is read back with its id, its bytes, its marks and what it lacks."""
    kinds = [(None, None), (NAMES.pseudonym("1"), 7)] if many % 2 else [(None, None)]
    rows = [
        (at, at % 3, uuid5(NAMESPACE_OID, str(at)), AIDA, at % 2 == 0, False, *kinds[at % len(kinds)], 1, at + 5)
        for at in range(many)
    ]
    keys = [(f"{at:032x}", at.to_bytes(8), bytes(range(at % 256)), 1) for at in range(many)]
    store.database.write(lambda connection: insert_rows(connection, due, rows))
    store.database.write(lambda connection: insert_rows(connection, person_keys, keys))
    with store.database.reading() as connection:
        assert [tuple(row) for row in connection.execute(select(due).order_by(due.c.due_at))] == rows
        assert [tuple(row) for row in connection.execute(select(person_keys).order_by(person_keys.c.person))] == keys


def test_a_claim_holds_only_what_it_gives(database: Database) -> None:
    """A guardian whose delivery lay behind the limit is given by the next claim, not after a lease."""
    both = to_guardians(1, BOLAT, DANA)
    database.write(lambda connection: nudges.store(connection, [both], {}))

    given = [row.recipient for row in (*claim(database, 1), *claim(database, 1))]
    assert sorted(given) == [BOLAT, DANA]


def test_planned_is_only_what_the_planner_saw(database: Database) -> None:
    """A fact that came after the mark was taken still waits for its plan."""

    def row(position: int) -> Concerns:
        return Concerns(AIDA, position, 50, "kz.a", None, planned=False, recorded=position, woken=position)

    database.write(lambda connection: history.add(connection, [row(1)]))
    with database.reading() as connection:
        seen = history.versions(connection, [AIDA])
    database.write(lambda connection: history.add(connection, [row(2)]))
    database.write(lambda connection: history.mark_planned(connection, seen))

    with database.reading() as connection:
        assert history.unplanned(connection, 10) == [AIDA]
        assert history.waiting(connection) == (1, 2)


def test_two_followers_count_every_fact_once(store: Store, tmp_path: Path) -> None:
    """Two processes that follow at once (`run` and `trail`), while facts arrive, count every fact exactly once."""
    other = Store(url_in(tmp_path))
    arrived = threading.Event()

    def follow(process: Store) -> None:
        follower, last_look = Follower(process.database, process.log), False
        while not last_look:
            last_look = arrived.is_set()
            follower.drain()

    with ThreadPoolExecutor(2) as threads:
        following = [threads.submit(follow, process) for process in (store, other)]
        try:
            for number in range(150):
                store.take(life(str(number)))
        finally:
            arrived.set()
        for each in following:
            each.result(PATIENCE)
    other.database.close()

    with store.database.reading() as connection:
        assert positions.position_of(connection, READER) == 150
        assert statistics.totals(connection) == {("", life().type): 150}


ARRIVALS = {
    "history": life("1", persons={"child": (AIDA,)}, fields={}, ahead_from=NOW),
    "live": life("1", persons={"child": (AIDA,)}, fields={}),
    "correction": life("2", persons={"child": (AIDA,), "mother": (DANA,)}, fields={}, corrects="1", revision=2),
}


@pytest.mark.parametrize("order", list(itertools.permutations(ARRIVALS)), ids="-".join)
def test_whose_load_counts_does_not_depend_on_the_order(store: Store, order: Sequence[str]) -> None:
    """An event that came both live and by a load came live, also for whom only a correction names."""
    intake = Intake(store.database, store.log, NAMES, lambda: pytest.fail("not asked"), fixed(NOW))
    for name in order:
        intake.store([ARRIVALS[name]])

    original = ARRIVALS["live"].stream
    query = (
        select(history_table.c.person, history_table.c.ahead_from)
        .join_from(history_table, log, history_table.c.position == log.c.position)
        .where(log.c.originator_id == original)
    )
    with store.database.reading() as connection:
        assert {row.person: row.ahead_from for row in connection.execute(query)} == {AIDA: None, DANA: None}


@only_sqlite
def test_a_rebuild_leaves_no_thread(store: Store) -> None:
    """A rebuild ends the writer of its shadow."""
    store.take(life())
    before = threading.enumerate()
    rebuild(store.database, store.log, NAMES, Catalogue({}, {}), swap=False)

    assert threading.enumerate() == before


# key file


def test_the_draft_of_a_dead_process_is_no_obstacle(tmp_path: Path) -> None:
    """In a container every process is number 1: a draft that a killed one left does not stop the next start."""
    (tmp_path / f"key.{os.getpid()}").write_text("half a key")

    assert load_keyring(tmp_path / "key", create=True) == load_keyring(tmp_path / "key", create=False)


def test_a_file_without_a_wrapping_key_is_damaged(tmp_path: Path) -> None:
    """A key file that could wrap nothing is refused at the start, not at the first person."""
    path = tmp_path / "key"
    path.write_text(json.dumps({"names": "11" * KEY_BYTES, "wrapping": {}}))
    path.chmod(0o600)

    with pytest.raises(BadKeyFile):
        load_keyring(path, create=False)


def test_a_folder_is_no_key_file(tmp_path: Path) -> None:
    """A path that cannot be read as a file is refused in words."""
    path = tmp_path / "key"
    path.mkdir(mode=0o700)

    with pytest.raises(BadKeyFile):
        load_keyring(path, create=True)
