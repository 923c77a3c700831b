"""SQLite's write-ahead log is brought into the file beside the writer, so that nobody who commits waits for it."""

import sqlite3
import threading
from contextlib import closing, suppress

from sqlalchemy import URL, NullPool, create_engine
from sqlalchemy.exc import DatabaseError

AFTER = 60_000
"""Rows changed until the next checkpoint: some 200 MB of pages where a million events are."""


class Checkpoints:
    """A thread that makes a checkpoint whenever enough was committed.

    It is one long call of SQLite, which lets Python's lock go and hinders no reader and no writer. What it leaves
    because somebody reads an older moment, the next one takes; where none gets through, SQLite makes one in a commit
    (`CHECKPOINT_PAGES` of streams/database.py).
    """

    def __init__(self, url: URL, after: int = AFTER) -> None:
        self._engine = create_engine(url, poolclass=NullPool)  # no connection whose pages somebody still needs
        self._after = after
        self._changes = 0
        self._told = threading.Event()
        self._wanted = self._closed = False
        self._thread = threading.Thread(target=self._run, name="checkpoints", daemon=True)

    def committed(self, changes: int) -> None:
        """So many rows were changed by a commit; called by the writer alone."""
        self._changes += changes
        if self._changes >= self._after:
            self._changes, self._wanted = 0, True
            with suppress(RuntimeError):  # a process that may have no more threads: SQLite makes them in its commits
                if not self._thread.is_alive():
                    self._thread.start()
            self._told.set()

    def close(self) -> None:
        """Finish the checkpoint that is wanted, and make no other."""
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
