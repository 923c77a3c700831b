"""A log on SQLite for these tests, facts to put into it, and a second process that writes to the same file."""

import multiprocessing
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Future
from contextlib import contextmanager
from datetime import UTC, datetime
from multiprocessing.synchronize import Barrier
from multiprocessing.synchronize import Event as ProcessEvent
from pathlib import Path
from typing import Any, TypeVar
from uuid import UUID

import pytest
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from eventsourcing.persistence import StoredEvent
from hypothesis import settings
from sqlalchemy import Connection, event, func, select
from sqlalchemy import Table as SqlTable

from app.clock import fixed
from app.identity.log_codes import codes_by
from domain.core.events import LifeEvent
from domain.core.ids import Names
from domain.facts.facts import NudgeCancelled, NudgePlanned
from domain.nudges.delivery import Delivery, State
from domain.nudges.nudge import Nudge, evolve
from projections.positions import save
from streams.log.first_codes import give_codes
from streams.log.log import Log
from streams.log.mapper import Entry, seal
from streams.log.master_key import KEY_BYTES, Keyring
from streams.log.person_keys import KEY_ID_BYTES, PersonKey, PersonKeys
from streams.log.recorder import FactRecorder
from streams.storage.database import Database, Priority
from streams.storage.schema import make_ready
from tests.beginnings import lay_tables

T = TypeVar("T")

KEYRING = Keyring(b"n" * KEY_BYTES, {1: b"w" * KEY_BYTES})
NAMES = Names(KEYRING.names)
CODES = codes_by(KEYRING)
"""What the log's rows are coded with."""
NOW = datetime(2025, 6, 2, 7, tzinfo=UTC)
AIDA, BOLAT, DANA = "a" * 32, "b" * 32, "d" * 32
PATIENCE = 60
"""Seconds after which a test that waits for another thread or process has failed."""

modest = settings(deadline=None, max_examples=60, derandomize=True, database=None)
"""How the properties of storage are tried: the same few examples every time."""


only_sqlite = pytest.mark.parametrize("url", ["sqlite"], indirect=True)
"""A test of what only SQLite has: its file, its one writer, its settings."""


class Store:
    """A database with its keys and its log, as one process has them."""

    def __init__(self, url: str, keyring: Keyring = KEYRING) -> None:
        lay_tables(url)
        self.database = Database(url)
        make_ready(self.database)
        self.keys = PersonKeys(keyring)
        self.log = Log(self.database, self.keys, fixed(NOW), CODES)
        self.database.write(give_codes)

    def take(self, *events: LifeEvent) -> int:
        """Store life events with the keys of their persons; returns the position before the first."""
        before, made = self.database.write(lambda connection: self._append(connection, events))
        self.keys.remember(made)
        return before

    def _append(self, connection: Connection, events: Sequence[LifeEvent]) -> tuple[int, Mapping[str, PersonKey]]:
        keys, made = self.keys.ensure(connection, [person for one in events for person in one.everybody])
        rows = [(one.stream, 1, one.TOPIC, seal(one, keys, NOW)) for one in events]
        return self.log.facts.append(connection, rows), made

    def append(self, *entries: Entry) -> int:
        """Store other facts; returns the position before the first."""
        return self.database.write(lambda connection: self.log.append(connection, entries))

    def read(self, *positions: int) -> list[Entry]:
        """The entries at those positions."""
        with self.database.reading() as connection:
            return self.log.read(connection, positions)

    def scanned(self, **limits: Any) -> list[Entry]:
        """The whole log, or the part of it within the limits."""
        return [entry for page in self.log.scan(**limits) for entry in page]


def url_in(folder: Path) -> str:
    """A database file in the folder."""
    return f"sqlite:///{folder}/log.sqlite"


def life(id_: str = "1", **parts: Any) -> LifeEvent:
    """A life event that names Aida and her mother Dana, with a part for each and one for nobody."""
    whole: dict[str, Any] = {
        "stream": NAMES.stream("/registry", id_),
        "source": "/registry",
        "id": id_,
        "type": "kz.civil.birth_registered",
        "time": datetime(2025, 5, 30, 6, tzinfo=UTC),
        "persons": {"child": (AIDA,), "mother": (DANA,)},
        "fields": {"child": {"given_name": "Айда"}, "mother": {"address": "Абай көшесі 7"}, "public": {"area": "75"}},
        "digest": b"digest",
    }
    return LifeEvent(**whole | parts)


def nudge_id(number: int) -> UUID:
    """The id of the number-th nudge; they sort by number."""
    return UUID(int=number << 64)


def planned(person: str = AIDA, **parts: Any) -> NudgePlanned:
    """That a nudge to the person was planned, due now."""
    whole: dict[str, Any] = {
        "at": NOW,
        "person": person,
        "trigger": "identity_card",
        "version": "v1",
        "occurrence": UUID(int=7),
        "step": "month",
        "due": NOW,
        "expires": None,
        "klass": "reminder",
        "channels": ("push", "sms"),
        "cause": UUID(int=8),
    }
    return NudgePlanned(**whole | parts)


def nudge(number: int = 1, person: str = AIDA, **parts: Any) -> Nudge:
    """A nudge that was just planned."""
    return evolve(None, nudge_id(number), 1, planned(person, **parts))


def to_guardians(number: int, *guardians: str) -> Nudge:
    """A nudge of Aida's that is due now to each of the guardians."""
    one = nudge(number)
    return Nudge(one.intent, 2, one.planned_at, tuple(Delivery(each, State.DEFERRED, NOW) for each in guardians))


def stored(stream: int, version: int = 1, topic: str = "t/1", state: bytes = b"state") -> StoredEvent:
    """An event in the shape of eventsourcing's port."""
    return StoredEvent(UUID(int=stream), version, topic, state)


def cancelled(stream: int, version: int = 1) -> Entry:
    """The smallest fact there is."""
    return Entry(UUID(int=stream), version, NudgeCancelled(NOW))


def person_key(letter: bytes) -> PersonKey:
    """A person's key that is the same every time."""
    return PersonKey(letter * KEY_ID_BYTES, AESGCM(letter * KEY_BYTES))


def counted(database: Database, table: SqlTable) -> int:
    """How many rows the table has."""
    with database.reading() as connection:
        return connection.execute(select(func.count()).select_from(table)).scalar_one()


def save_position(reader: str, position: int) -> Callable[[Connection], None]:
    """A work that writes one row, for tests of writing itself."""
    return lambda connection: save(connection, reader, position)


def submitted(database: Database, work: Callable[[Connection], T], priority: Priority) -> "Future[T]":
    """Give the work to SQLite's writer and go on: `Database.write` would wait for its end."""
    assert database._writer is not None
    return database._writer.submit(work, priority)


@contextmanager
def writer_held(database: Database) -> Iterator[None]:
    """Whatever is submitted in the block waits in the queue until the block has ended."""
    started, go = threading.Event(), threading.Event()

    def hold(_: Connection) -> None:
        started.set()
        assert go.wait(PATIENCE)

    held = submitted(database, hold, Priority.DISPATCH)
    assert started.wait(PATIENCE)
    try:
        yield
    finally:
        go.set()
    held.result(PATIENCE)


@contextmanager
def commits(database: Database) -> Iterator[list[Connection]]:
    """The commits that happen in the block."""
    found: list[Connection] = []

    def note(connection: Connection) -> None:
        found.append(connection)

    event.listen(database.engine, "commit", note)
    yield found
    event.remove(database.engine, "commit", note)


@contextmanager
def second_process(target: Callable[..., None], *arguments: object) -> Iterator[None]:
    """Another process runs the function during the block, and ends well by itself."""
    process = multiprocessing.get_context("spawn").Process(target=target, args=arguments)
    process.start()
    try:
        yield
        process.join(PATIENCE)
        assert process.exitcode == 0
    finally:
        process.kill()
        process.join()
        process.close()


def append_each(url: str, first: int, streams: int, together: Barrier) -> None:
    """Append that many streams of one fact, one at a time, from the moment when the other process is there too."""
    database = Database(url)
    database.use_codes(CODES)
    recorder = FactRecorder(database)
    together.wait(PATIENCE)
    for stream in range(first, first + streams):
        recorder.insert_events([stored(stream)])
    database.close()


def hold_the_lock(url: str, holding: ProcessEvent, release: ProcessEvent) -> None:
    """In a second process: write one row, and stay in the transaction until released."""

    def work(connection: Connection) -> None:
        save(connection, "second", 7)
        holding.set()
        assert release.wait(PATIENCE)

    database = Database(url)
    database.write(work)
    database.close()
