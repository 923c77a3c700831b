"""The database of the log and the views: SQLite or PostgreSQL, behind the same `reading` and `write`."""

import sqlite3
import threading
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from datetime import datetime
from typing import Any, TypeAlias, TypeVar

from eventsourcing.persistence import IntegrityError
from sqlalchemy import Connection, Engine, create_engine, event
from sqlalchemy.engine import make_url
from sqlalchemy.exc import ArgumentError, DBAPIError, OperationalError
from sqlalchemy.pool import ConnectionPoolEntry

from streams.storage.advisory_locks import hold_in_use
from streams.storage.arrays import use_fast_arrays
from streams.storage.errors import DatabaseUnavailable, refused_by_server, translate_error, translated
from streams.storage.measures import wait_histogram
from streams.storage.postgres_connection import set_planner_costs, set_server_keepalive, tcp_keepalive
from streams.storage.server_clock import ServerClock
from streams.storage.sqlite_file import SeveralNames, close_to_others, names_a_file, real_place
from streams.storage.sqlite_writer import CLOSED, WRITING, NestedWrite, Priority, Writer

__all__ = ["WRITING", "Database", "NestedWrite", "Priority"]

T = TypeVar("T")
DriverPart: TypeAlias = Any
"""A connection or cursor of the driver: sqlite3 or psycopg."""

CONFLICTS = IntegrityError
"""May carry a `clear_forged`, which removes the rows in the way (streams.log.recorder)."""
BUSY_TIMEOUT_MS, RETRY_MS = 30_000, 20
SNAPSHOT = "REPEATABLE READ"
"""PostgreSQL's isolation level for reads; SQLite always reads a snapshot."""
RETRYABLE = frozenset({"40001", "40P01"})
"""PostgreSQL's codes for serialization_failure and deadlock_detected."""
RETRIES = 5
CACHE_KIB = 26 * 1024  # of each connection
CHECKPOINT_PAGES = 128_000  # 512 MB of 4 KiB pages: only where streams/storage/sqlite_writer.py does not get through


class Database:
    """Reads in snapshots and writes in transactions; on SQLite all writes go through one thread, most urgent first.

    `lasting`: a commit survives a loss of power; otherwise SQLite, which then waits for no disk, may lose the latest
    commits. `at_work`: no migration may alter PostgreSQL's tables meanwhile. `clock`: compared with PostgreSQL's.
    Raises DatabaseUnavailable where the URL cannot be read or its driver is not installed.
    """

    def __init__(
        self, url: str, *, lasting: bool = True, at_work: bool = False, clock: Callable[[], datetime] | None = None
    ) -> None:
        try:
            self.engine = _engine(url)
        except (ArgumentError, ImportError) as error:
            raise DatabaseUnavailable(str(error)) from None
        self.sqlite = self.engine.dialect.name == "sqlite"
        if self.sqlite and not lasting:
            event.listen(self.engine, "connect", _wait_less)
        if at_work and not self.sqlite:
            event.listen(self.engine, "connect", hold_in_use)
        self._snapshots = self.engine if self.sqlite else self.engine.execution_options(isolation_level=SNAPSHOT)
        self._writer = Writer(self.engine) if self.sqlite else None
        self._closed = False
        event.listen(self.engine, "checkin", self._end_if_closed)
        self.waits = wait_histogram()
        self.server_clock = ServerClock(None if self.sqlite else clock)

    def use_codes(self, codes: object) -> None:
        """Give every later connection the codes of the log's rows (streams.log.row_codes).

        To be called before the first connection is used.
        """
        for engine in (self.engine, self._snapshots):
            engine.update_execution_options(habarshy_row_codes=codes)

    @contextmanager
    def altering(self) -> Iterator[Connection]:
        """Yield a connection in a transaction that may alter tables; makes SQLite's file where it is missing.

        Raises:
            DatabaseUnavailable: it cannot be opened.
        """
        with translated():
            if self.sqlite:
                close_to_others(self.engine.url, make=True)
                _log_ahead(self.engine)
            with self.engine.connect().execution_options(**{WRITING: True}) as connection, connection.begin():
                yield connection

    @contextmanager
    def reading(self) -> Iterator[Connection]:
        """Yield a connection in a read transaction: all its queries see the same snapshot."""
        with self._connected(self._snapshots) as connection, connection.begin():
            yield connection

    def _connected(self, engine: Engine) -> Connection:
        """Return a connection of the pool, and measure how long that took."""
        with self.waits.labels("connection").time():
            return engine.connect()

    def write(self, work: Callable[[Connection], T], priority: Priority = Priority.INTAKE) -> T:
        """Run the work in a transaction of its own and return what it returns; its exception rolls it back.

        Raises:
            DatabaseUnavailable: the database was closed, is read only, or refuses this user.
        """
        for _ in range(RETRIES):
            try:
                return self._write(work, priority)
            except CONFLICTS as error:
                cleared = getattr(error, "clear_forged", None)
                if cleared is None or not self._write(cleared, priority):
                    raise
        return self._write(work, priority)

    def _write(self, work: Callable[[Connection], T], priority: Priority) -> T:
        if self._writer is not None:
            self._writer.refuse_nested()
            return self._writer.submit(work, priority).result()
        if self._closed:
            raise DatabaseUnavailable(CLOSED)
        return _retried(lambda: self._once(work))

    def _once(self, work: Callable[[Connection], T]) -> T:
        try:
            with self._connected(self.engine) as connection, connection.begin():
                return work(connection)
        except DBAPIError as error:  # of a COPY, which SQLAlchemy does not see
            if (found := refused_by_server(error.orig)) is not None:
                raise found from None
            raise

    def tidy(self) -> bool:
        """Empty SQLite's write-ahead log and return whether that succeeded: it does not while somebody reads it.

        Then deleted rows are in no file any more; in the database file itself they are overwritten at once.
        PostgreSQL has a log and a vacuum of its own, and nothing is done.
        """
        if not self.sqlite:
            return True
        with closing(self.engine.raw_connection()) as driver:
            cursor: DriverPart = driver.cursor()
            cursor.execute("PRAGMA wal_checkpoint(TRUNCATE)")  # waits for readers as long as for any lock
            return not cursor.fetchone()[0]

    def _end_if_closed(self, _driver: object, record: ConnectionPoolEntry) -> None:
        """End a connection that was in use when the database was closed: its pool is gone."""
        if self._closed:
            record.invalidate()

    def close(self) -> None:
        """Finish the waiting writes, then close all connections; one in use is closed when it is given back."""
        self._closed = True
        if self._writer is not None:
            self._writer.close()
        self.engine.dispose()


def _retried(transaction: Callable[[], T]) -> T:
    """Run the transaction again where PostgreSQL gave it up for another one (a deadlock, a conflict)."""
    for _ in range(RETRIES):
        try:
            return transaction()
        except OperationalError as error:
            if getattr(error.orig, "sqlstate", None) not in RETRYABLE:
                raise
    return transaction()


def _engine(url: str) -> Engine:
    parsed = make_url(url)
    if parsed.get_backend_name() != "sqlite":
        # A database in another encoding is refused (schema.py).
        arguments = {"client_encoding": "utf8"} | tcp_keepalive(parsed)
        engine = create_engine(url, pool_pre_ping=True, hide_parameters=True, connect_args=arguments)
        event.listen(engine, "connect", use_fast_arrays)
        event.listen(engine, "connect", set_server_keepalive)
        event.listen(engine, "connect", set_planner_costs)
        event.listen(engine, "handle_error", translate_error, retval=True)
        return engine
    if not names_a_file(parsed):
        raise DatabaseUnavailable("SQLite keeps it in a file; name one, as in sqlite:////var/lib/habarshy/log.sqlite")
    try:
        parsed = real_place(parsed)
    except SeveralNames as error:
        raise DatabaseUnavailable(str(error)) from None
    # An error must not show parameters, which are personal data. The connection used last has a warm page cache.
    engine = create_engine(parsed, hide_parameters=True, pool_use_lifo=True)
    event.listen(engine, "connect", _prepare_sqlite)
    event.listen(engine, "begin", _begin_sqlite)
    return engine


def _prepare_sqlite(connection: DriverPart, _record: object) -> None:
    connection.isolation_level = None  # we issue BEGIN ourselves: the driver would start a write too late
    cursor = connection.cursor()
    cursor.execute(f"PRAGMA busy_timeout = {BUSY_TIMEOUT_MS}")
    cursor.execute("PRAGMA synchronous = FULL")
    cursor.execute(f"PRAGMA cache_size = -{CACHE_KIB}")
    cursor.execute(f"PRAGMA wal_autocheckpoint = {CHECKPOINT_PAGES}")
    cursor.execute("PRAGMA secure_delete = ON")
    cursor.close()


def _wait_less(connection: DriverPart, _record: object) -> None:
    connection.execute("PRAGMA synchronous = NORMAL").close()


def _log_ahead(engine: Engine) -> None:
    """Switch a new file to write-ahead logging; waits for other processes, which SQLite itself does not do here."""
    try:
        with closing(engine.raw_connection()) as driver:
            _switch(driver.cursor())
    except sqlite3.DatabaseError as error:
        raise DatabaseUnavailable(str(error)) from None


def _switch(cursor: DriverPart) -> None:
    pause = threading.Event()
    for _ in range(BUSY_TIMEOUT_MS // RETRY_MS):
        try:
            cursor.execute("PRAGMA journal_mode = WAL")
        except sqlite3.OperationalError as error:
            if "locked" not in str(error):
                raise
            pause.wait(RETRY_MS / 1000)
        else:
            return
    raise DatabaseUnavailable("another process keeps it locked")


def _begin_sqlite(connection: Connection) -> None:
    writing = connection.get_execution_options().get(WRITING, False)
    connection.exec_driver_sql("BEGIN IMMEDIATE" if writing else "BEGIN")
