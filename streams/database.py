"""One database for log and views: SQLite with one writer, or PostgreSQL, behind the same two verbs."""

import itertools
import queue
import sqlite3
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from contextlib import closing, contextmanager
from enum import IntEnum
from typing import Any, TypeVar

from sqlalchemy import Connection, Engine, create_engine, event
from sqlalchemy.engine import make_url
from sqlalchemy.exc import ArgumentError, DatabaseError

from projections.tables import metadata
from streams import tables

T = TypeVar("T")

WRITING = "habarshy_writing"
BUSY_TIMEOUT_MS, RETRY_MS = 30_000, 20
GROUP = 64
CACHE_KIB = 32 * 1024  # of each connection
CHECKPOINT_PAGES = 32_000  # 128 MB of 4 KiB pages: one that many commits wrote goes into the file once


class Priority(IntEnum):
    """Who writes first when several want to: what citizens wait for goes before what fills the log."""

    DISPATCH = 0
    PLANNING = 1
    INTAKE = 2
    FOLLOWING = 3


class DatabaseUnavailable(Exception):
    """The database cannot be used: {reason}. Check HABARSHY_DATABASE and whether the server runs."""

    def __init__(self, reason: str) -> None:
        super().__init__((type(self).__doc__ or "").format(reason=reason))


class NestedWrite(RuntimeError):
    """A write was begun within another and would wait for itself; use the connection that the outer one got."""

    def __init__(self) -> None:
        super().__init__(type(self).__doc__)


class Database:
    """Reads in snapshots, writes in transactions; on SQLite all writes go through one thread, most urgent first.

    Raises DatabaseUnavailable where the URL cannot be read or its driver is not installed.
    """

    def __init__(self, url: str) -> None:
        try:
            self.engine = _engine(url)
        except (ArgumentError, ImportError) as error:
            raise DatabaseUnavailable(str(error)) from None
        self.sqlite = self.engine.dialect.name == "sqlite"
        self._writer = _Writer(self.engine) if self.sqlite else None

    def create(self) -> None:
        """Make the tables that are missing.

        Raises:
            DatabaseUnavailable: it cannot be opened.
        """
        assert tables.log.metadata is metadata
        try:
            if self.sqlite:
                _log_ahead(self.engine)
            with self.engine.connect().execution_options(**{WRITING: True}) as connection, connection.begin():
                metadata.create_all(connection)
        except DatabaseError as error:
            raise DatabaseUnavailable(str(error.orig)) from None

    @contextmanager
    def reading(self) -> Iterator[Connection]:
        """A connection in a read transaction: all its queries see the same moment."""
        with self.engine.connect() as connection, connection.begin():
            yield connection

    def write(self, work: Callable[[Connection], T], priority: Priority = Priority.INTAKE) -> T:
        """Run the work in a transaction of its own and return what it returns; its exception rolls it back.

        Raises:
            DatabaseUnavailable: it was closed.
        """
        if self._writer is not None:
            self._writer.refuse_nested()
            return self._writer.submit(work, priority).result()
        with self.engine.begin() as connection:
            return work(connection)

    def close(self) -> None:
        """Finish the writes that wait, then let go of the file or the server."""
        if self._writer is not None:
            self._writer.close()
        self.engine.dispose()


class _Writer:
    """The one thread that writes to SQLite: takes the most urgent work, and whatever else waits, into one commit."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._queue: queue.PriorityQueue[tuple[int, int, Callable[[Connection], Any] | None, Future[Any]]]
        self._queue = queue.PriorityQueue()
        self._order = itertools.count()
        self._thread = threading.Thread(target=self._run, name="writer", daemon=True)
        self._lock = threading.Lock()
        self._closed = False

    def submit(self, work: Callable[[Connection], T], priority: int) -> "Future[T]":
        future: Future[T] = Future()
        with self._lock:
            if self._closed:
                raise DatabaseUnavailable("it was closed by this process")
            if not self._thread.is_alive():
                self._thread.start()
            self._queue.put((priority, next(self._order), work, future))
        return future

    def refuse_nested(self) -> None:
        if threading.current_thread() is self._thread:
            raise NestedWrite

    def close(self) -> None:
        with self._lock:
            self._closed = True
            self._queue.put((len(Priority), next(self._order), None, Future()))
        if self._thread.is_alive():
            self._thread.join()

    def _run(self) -> None:
        while True:
            group = self._next_group()
            works = [(work, future) for _, _, work, future in group if work is not None]
            if works:
                self._commit(works)
            if len(works) < len(group):
                return

    def _next_group(self) -> list[tuple[int, int, Callable[[Connection], Any] | None, Future[Any]]]:
        group = [self._queue.get()]
        while len(group) < GROUP and group[-1][2] is not None:
            try:
                group.append(self._queue.get_nowait())
            except queue.Empty:
                break
        return group

    def _commit(self, works: list[tuple[Callable[[Connection], Any], Future[Any]]]) -> None:
        done: list[tuple[Future[Any], Any]] = []
        apart = len(works) > 1
        try:
            with self._engine.connect().execution_options(**{WRITING: True}) as connection, connection.begin():
                for work, future in works:
                    if apart:
                        self._one(connection, work, future, done)
                    else:
                        done.append((future, work(connection)))
        except BaseException as error:  # noqa: BLE001  (whoever waits must learn of it)
            for _, future in works:
                if not future.done():
                    future.set_exception(error)
        else:
            for future, result in done:
                future.set_result(result)

    @staticmethod
    def _one(connection: Connection, work: Callable[[Connection], Any], future: Future[Any], done: list[Any]) -> None:
        """One of several: its failure is its own. One alone has no savepoint, which keeps every page twice."""
        savepoint = connection.begin_nested()
        try:
            result = work(connection)
        except Exception as error:  # noqa: BLE001  (it belongs to whoever submitted the work)
            savepoint.rollback()
            future.set_exception(error)
        else:
            savepoint.commit()
            done.append((future, result))


def _engine(url: str) -> Engine:
    parsed = make_url(url)
    if parsed.get_backend_name() != "sqlite":
        return create_engine(url, pool_pre_ping=True, hide_parameters=True)
    if parsed.database in (None, "", ":memory:"):
        raise DatabaseUnavailable("SQLite keeps it in a file; name one, as in sqlite:////var/lib/habarshy/log.sqlite")
    engine = create_engine(url, hide_parameters=True)  # parameters in an error would be people's data
    event.listen(engine, "connect", _prepare_sqlite)
    event.listen(engine, "begin", _begin_sqlite)
    return engine


def _prepare_sqlite(connection: Any, _record: object) -> None:  # noqa: ANN401  (the driver's connection)
    connection.isolation_level = None  # we say BEGIN ourselves: the driver's own would start a write too late
    cursor = connection.cursor()
    cursor.execute(f"PRAGMA busy_timeout = {BUSY_TIMEOUT_MS}")
    cursor.execute("PRAGMA synchronous = FULL")
    cursor.execute(f"PRAGMA cache_size = -{CACHE_KIB}")
    cursor.execute(f"PRAGMA wal_autocheckpoint = {CHECKPOINT_PAGES}")
    cursor.execute("PRAGMA secure_delete = ON")
    cursor.close()


def _log_ahead(engine: Engine) -> None:
    """Switch a new file to write-ahead logging; SQLite itself does not wait for others in doing so."""
    try:
        with closing(engine.raw_connection()) as driver:
            _switch(driver.cursor())
    except sqlite3.DatabaseError as error:
        raise DatabaseUnavailable(str(error)) from None


def _switch(cursor: Any) -> None:  # noqa: ANN401  (the driver's cursor)
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
