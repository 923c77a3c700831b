"""Locks among processes: the leader lock of a role, the job lock of a lane, and the attendance of the role jobs.

Both end with the process that holds them, so a crash leaves nothing to clean up.
"""

import fcntl
import os
import threading
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from enum import StrEnum
from pathlib import Path

from sqlalchemy import URL, Connection, text

from streams.storage.database import Database
from streams.storage.errors import ReadOnly
from streams.storage.sqlite_file import OWNER_ONLY

RELAY_LOCK, UPKEEP_LOCK, JOB_LOCKS, SEAT_LOCKS = 0x4841_4252, 0x4841_4255, 0x4841_4A00, 0x4841_5300
ATTENDANCE_LOCK, SCHEDULE_LOCKS = 0x4841_4A80, 0x4841_4B00
"""Arbitrary numbers that all processes of one database share.

From JOB_LOCKS on there is one for each lane, from SEAT_LOCKS on one for each seat of a role (streams/kafka/seats.py),
from SCHEDULE_LOCKS on one for each job of the schedule.
"""


class NeedsPostgres(Exception):
    """Raised where several processes would share a SQLite database."""

    def __init__(self) -> None:
        super().__init__("Several processes share a PostgreSQL database; on SQLite everything is `habarshy run`.")


class LeaderLock:
    """A lock that one process holds at a time, by an advisory lock of a PostgreSQL session of its own.

    Raises NeedsPostgres on SQLite.
    """

    def __init__(self, database: Database, lock: int) -> None:
        if database.sqlite:
            raise NeedsPostgres
        self._engine, self._lock = database.engine, lock
        self._session: Connection | None = None

    def acquire(self) -> Connection | None:
        """Return the session that holds the lock, or None where another process holds it.

        What is written in this session is written only while the lock is held.
        """
        if self._session is not None:
            return self._session
        session = self._engine.connect().execution_options(isolation_level="AUTOCOMMIT")
        if session.execute(text("SELECT pg_try_advisory_lock(:lock)"), {"lock": self._lock}).scalar():
            self._session = session
        else:
            session.close()
        return self._session

    def check(self) -> None:
        """Do nothing while the session lives, and with it the lock.

        Raises:
            ReadOnly: the server takes no writes any more; another process may hold the lock on the new primary.
            OperationalError: the session has ended.
        """
        if self._session is not None and self._session.execute(text("SHOW transaction_read_only")).scalar() == "on":
            raise ReadOnly("the session that has the turn is read only")

    def release(self) -> None:
        """Let another process have the lock; also where the connection is lost."""
        if self._session is not None:
            self._session.invalidate()  # the lock goes with the connection, which must not go back to the pool
            self._session.close()
            self._session = None


class Lane(StrEnum):
    """The lane of a job: two jobs of one lane never run at once."""

    VIEWS = "views"
    KAFKA = "kafka"
    NUDGES = "nudges"
    BACKTEST = "backtest"
    AUDIT = "audit"
    ERASURE = "erasure"
    SAMPLE = "sample"


class Attendance:
    """Tells other processes, as long as this one lives, that it works at jobs. Any number may."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._session: Connection | None = None
        self._file: int | None = None

    def keep(self) -> None:
        """Begin to tell so, or go on after the connection was lost.

        Raises:
            OperationalError: the database does not answer.
        """
        if self._database.sqlite:
            if self._file is None:
                self._file = os.open(
                    _attended_file(self._database), os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, OWNER_ONLY
                )
                fcntl.flock(self._file, fcntl.LOCK_SH)
            return
        try:
            if self._session is None:
                self._session = self._database.engine.connect().execution_options(isolation_level="AUTOCOMMIT")
                self._session.execute(text("SELECT pg_advisory_lock_shared(:lock)"), {"lock": ATTENDANCE_LOCK})
            else:
                self._session.execute(text("SELECT 1"))
        except BaseException:
            self.release()
            raise

    def release(self) -> None:
        """Tell so no longer."""
        if self._file is not None:
            os.close(self._file)
            self._file = None
        if self._session is not None:
            self._session.invalidate()  # the lock goes with the connection
            self._session.close()
            self._session = None


def attended(database: Database) -> bool:
    """Return whether a process works at jobs."""
    if not database.sqlite:
        holders = text(
            "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND granted AND mode = 'ShareLock'"
            " AND database = (SELECT oid FROM pg_database WHERE datname = current_database()) AND classid = 0"
            " AND objid = :lock"
        )
        with database.reading() as connection:
            return bool(connection.execute(holders, {"lock": ATTENDANCE_LOCK}).scalar_one())
    return bool(_is_locked(_attended_file(database), fcntl.LOCK_EX))


def run_goes_on(database: Database) -> bool | None:
    """Return whether a `run` works on this file; None if none ever did, and on PostgreSQL."""
    return _is_locked(run_file(database.engine.url), fcntl.LOCK_SH) if database.sqlite else None


def _is_locked(path: Path, kind: int) -> bool | None:
    """Return whether another process has a lock on the file that keeps out one of that kind; None without a file."""
    try:
        with path.open() as file:
            fcntl.flock(file, kind | fcntl.LOCK_NB)
    except FileNotFoundError:
        return None
    except BlockingIOError:
        return True
    return False


def run_file(url: URL) -> Path:
    """Return the file that a `run` on a SQLite file locks."""
    return Path(f"{url.database}.run")


def _attended_file(database: Database) -> Path:
    return Path(f"{database.engine.url.database}.jobs")


TRIES, PAUSE_S = 5, 0.02
"""A process that only looks whether the lock is free holds it for a moment; others try again."""


def job_lock(database: Database, lane: Lane, tries: int = 1) -> AbstractContextManager[bool]:
    """Tell whether this process holds the lane's lock, for the length of the block."""
    return _lock(database, lane, JOB_LOCKS + list(Lane).index(lane), tries)


def schedule_lock(database: Database, job: str, number: int) -> AbstractContextManager[bool]:
    """Tell whether this process holds the lock of that job of the schedule, for the length of the block."""
    return _lock(database, f"schedule-{job}", SCHEDULE_LOCKS + number, TRIES)


@contextmanager
def _lock(database: Database, name: str, number: int, tries: int) -> Iterator[bool]:
    pause = threading.Event()
    for left in range(tries)[::-1]:
        with _try_lock(database, name, number) as ours:
            if ours or not left:
                yield ours
                return
        pause.wait(PAUSE_S)


@contextmanager
def _try_lock(database: Database, name: str, number: int) -> Iterator[bool]:
    if database.sqlite:
        with _locked_file(Path(f"{database.engine.url.database}.{name}")) as ours:
            yield ours
        return
    lock = LeaderLock(database, number)
    try:
        yield lock.acquire() is not None
    finally:
        lock.release()


@contextmanager
def _locked_file(path: Path) -> Iterator[bool]:
    """Yield whether this process locked the file. The lock ends with the process; the block removes the file."""
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC, OWNER_ONLY), "w") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            yield False
            return
        if not _still_there(path, file.fileno()):  # its last holder removed it between our opening and locking it
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
