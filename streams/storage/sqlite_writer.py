"""SQLite's only writer: a thread that commits the most urgent work first, together with the rest of the queue.

A second thread checkpoints SQLite's write-ahead log, so that no commit waits for it.
"""

import itertools
import queue
import sqlite3
import threading
from collections.abc import Callable
from concurrent.futures import Future
from contextlib import closing, suppress
from enum import IntEnum
from typing import Any, TypeVar

from sqlalchemy import URL, Connection, Engine, NullPool, create_engine
from sqlalchemy.exc import DatabaseError

from streams.storage.errors import DatabaseUnavailable

AFTER = 60_000
"""Rows changed between two checkpoints: some 200 MB of pages in a database of a million events."""


class Checkpoints:
    """A thread that makes a checkpoint whenever enough was committed.

    A checkpoint is one long call of SQLite, which releases Python's lock and blocks no reader and no writer. Pages
    that a reader of an older snapshot still needs are left for the next one. Where no checkpoint gets through, SQLite
    makes one within a commit (`CHECKPOINT_PAGES` of streams/storage/database.py).
    """

    def __init__(self, url: URL, after: int = AFTER) -> None:
        self._engine = create_engine(url, poolclass=NullPool)  # no connection whose pages somebody still needs
        self._after = after
        self._changes = 0
        self._told = threading.Event()
        self._wanted = self._closed = False
        self._thread = threading.Thread(target=self._run, name="checkpoints", daemon=True)

    def committed(self, changes: int) -> None:
        """Count the rows that a commit changed; called by the writer alone."""
        self._changes += changes
        if self._changes >= self._after:
            self._changes, self._wanted = 0, True
            with suppress(RuntimeError):  # a process that may have no more threads: SQLite makes them in its commits
                if not self._thread.is_alive():
                    self._thread.start()
            self._told.set()

    def close(self) -> None:
        """Finish a checkpoint that is due, and make no other."""
        self._closed = True
        self._told.set()
        if self._thread.is_alive():
            self._thread.join()

    def _run(self) -> None:
        while not self._closed or self._wanted:
            self._told.wait()
            self._told.clear()
            if self._wanted:
                self._wanted = False
                self._checkpoint()

    def _checkpoint(self) -> None:
        try:
            with closing(self._engine.raw_connection()) as driver:
                driver.cursor().execute("PRAGMA wal_checkpoint(PASSIVE)")
        except (DatabaseError, sqlite3.DatabaseError):
            return  # nothing is lost: what is in the log stays there until the next one


T = TypeVar("T")

WRITING = "habarshy_writing"
CLOSED = "it was closed by this process"
GROUP = 64


class Priority(IntEnum):
    """The order of waiting writes, lowest first: what citizens wait for goes before what fills the log."""

    DISPATCH = 0
    PLANNING = 1
    INTAKE = 2
    FOLLOWING = 3
    AREAS = 4


class NestedWrite(RuntimeError):
    """Raised for a write within a write, which would wait for itself."""


class Writer:
    """The only thread that writes to SQLite: it commits the most urgent work and up to GROUP of the queue at once."""

    def __init__(self, engine: Engine) -> None:
        self._engine, self._checkpoints = engine, Checkpoints(engine.url)
        self._queue: queue.PriorityQueue[tuple[int, int, Callable[[Connection], Any] | None, Future[Any]]]
        self._queue = queue.PriorityQueue()
        self._order = itertools.count()
        self._thread = threading.Thread(target=self._run, name="writer", daemon=True)
        self._lock = threading.Lock()
        self._closed = False

    def submit(self, work: Callable[[Connection], T], priority: int) -> "Future[T]":
        """Queue the work; the future has its result once it is committed, or its exception.

        Raises:
            DatabaseUnavailable: the writer was closed.
        """
        future: Future[T] = Future()
        with self._lock:
            if self._closed:
                raise DatabaseUnavailable(CLOSED)
            if not self._thread.is_alive():
                self._thread.start()
            self._queue.put((priority, next(self._order), work, future))
        return future

    def refuse_nested(self) -> None:
        """Raise NestedWrite in the writer's own thread."""
        if threading.current_thread() is self._thread:
            raise NestedWrite(
                "A write was begun within another and would wait for itself; use the connection that the outer one"
                " got."
            )

    def close(self) -> None:
        """Finish the queued work, and take nothing more."""
        with self._lock:
            self._closed = True
            self._queue.put((len(Priority), next(self._order), None, Future()))
        if self._thread.is_alive():
            self._thread.join()
        self._checkpoints.close()

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
                following = self._queue.get_nowait()
            except queue.Empty:
                break
            if following[0] == Priority.AREAS:  # large: others in the same commit would wait for it
                self._queue.put(following)
                break
            group.append(following)
        return group

    def _commit(self, works: list[tuple[Callable[[Connection], Any], Future[Any]]]) -> None:
        done: list[tuple[Future[Any], Any]] = []
        apart = len(works) > 1
        try:
            with self._engine.connect().execution_options(**{WRITING: True}) as connection, connection.begin():
                driver: Any = connection.connection.driver_connection
                before = driver.total_changes
                for work, future in works:
                    if apart:
                        self._one(connection, work, future, done)
                    else:
                        done.append((future, work(connection)))
                changes = driver.total_changes - before  # read now: the pool may close it afterwards
        except BaseException as error:  # noqa: BLE001  (the waiting callers must learn of it)
            for _, future in works:
                if not future.done():
                    future.set_exception(error)
        else:
            for future, result in done:
                future.set_result(result)
            self._checkpoints.committed(changes)

    @staticmethod
    def _one(connection: Connection, work: Callable[[Connection], Any], future: Future[Any], done: list[Any]) -> None:
        """Run one of several works in a savepoint, so that its failure harms no other.

        A single work runs without a savepoint, which keeps every page twice.
        """
        savepoint = connection.begin_nested()
        try:
            result = work(connection)
        except Exception as error:  # noqa: BLE001  (it belongs to the caller that submitted the work)
            savepoint.rollback()
            future.set_exception(error)
        else:
            savepoint.commit()
            done.append((future, result))
