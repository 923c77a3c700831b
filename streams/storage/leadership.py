"""One of several processes is active: whoever holds a lock of the database's, for as long as its session lives.

Turns: of several processes one at a time does a kind of long work; a turn ends with the process that has it.
"""

import fcntl
import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from enum import StrEnum
from pathlib import Path

from sqlalchemy import Connection, text

from streams.storage.database import Database
from streams.storage.errors import ReadOnly
from streams.storage.sqlite_file import OWNER_ONLY

RELAY, UPKEEP, JOBS, SEATS = 0x4841_4252, 0x4841_4255, 0x4841_4A00, 0x4841_5300
"""Arbitrary numbers that all processes of one database share.

From JOBS on, one for each lane (streams/storage/leadership.py); from SEATS on, one for each seat of a role
(streams/kafka/seats.py).
"""


class NeedsPostgres(Exception):
    """Several processes share a PostgreSQL database; on SQLite everything is `habarshy run`."""

    def __init__(self) -> None:
        super().__init__(type(self).__doc__)


class OneActive:
    """A turn that one process has at a time; it ends with the process, and with its connection to the database.

    Raises NeedsPostgres where the database has no such locks.
    """

    def __init__(self, database: Database, lock: int) -> None:
        if database.sqlite:
            raise NeedsPostgres
        self._engine, self._lock = database.engine, lock
        self._session: Connection | None = None

    def take(self) -> Connection | None:
        """The session that holds the lock, or None where another process holds it.

        What is written in this session is written only for as long as the turn lasts.
        """
        if self._session is not None:
            return self._session
        session = self._engine.connect().execution_options(isolation_level="AUTOCOMMIT")
        if session.execute(text("SELECT pg_try_advisory_lock(:lock)"), {"lock": self._lock}).scalar():
            self._session = session
        else:
            session.close()
        return self._session

    def look(self) -> None:
        """Nothing, while the session lives, and with it the turn.

        Raises:
            ReadOnly: the server takes no writes any more, so that the turn is perhaps another one's elsewhere.
            OperationalError: the session has ended.
        """
        if self._session is not None and self._session.execute(text("SHOW transaction_read_only")).scalar() == "on":
            raise ReadOnly("the session that has the turn is read only")

    def give_up(self) -> None:
        """Let another process have its turn; also where the connection is lost."""
        if self._session is not None:
            self._session.invalidate()  # the lock goes with the connection, which must not go back to the pool
            self._session.close()
            self._session = None


class Lane(StrEnum):
    """What gets in each other's way: two jobs of one lane never run at once."""

    VIEWS = "views"
    KAFKA = "kafka"
    NUDGES = "nudges"
    BACKTEST = "backtest"
    AUDIT = "audit"


TRIES, PAUSE_S = 5, 0.02
"""Whoever only looks who has the turn has it for a moment."""


@contextmanager
def turn(database: Database, lane: Lane, tries: int = 1) -> Iterator[bool]:
    """Whether it is ours: if so, nobody else's until the block has ended, or the process."""
    pause = threading.Event()
    for left in range(tries)[::-1]:
        with _tried(database, lane) as ours:
            if ours or not left:
                yield ours
                return
        pause.wait(PAUSE_S)


@contextmanager
def _tried(database: Database, lane: Lane) -> Iterator[bool]:
    if database.sqlite:
        with _locked_file(Path(f"{database.engine.url.database}.{lane}")) as ours:
            yield ours
        return
    active = OneActive(database, JOBS + list(Lane).index(lane))
    try:
        yield active.take() is not None
    finally:
        active.give_up()


@contextmanager
def _locked_file(path: Path) -> Iterator[bool]:
    """A lock that goes with the process; its file goes with the block."""
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC, OWNER_ONLY), "w") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            yield False
            return
        if not _still_there(path, file.fileno()):  # whoever had it took the file away in the moment of our opening it
            yield False
            return
        try:
            yield True
        finally:
            path.unlink()


def _still_there(path: Path, descriptor: int) -> bool:
    try:
        return os.path.samestat(path.stat(), os.fstat(descriptor))
    except FileNotFoundError:
        return False
