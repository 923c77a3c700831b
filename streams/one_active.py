"""One of several processes is active: whoever holds a lock of the database's, for as long as its session lives."""

from sqlalchemy import Connection, text

from streams.database import Database

RELAY, UPKEEP, JOBS = 0x4841_4252, 0x4841_4255, 0x4841_4A00
"""Arbitrary numbers that all processes of one database share; from JOBS on, one for each lane (streams/turns.py)."""


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
        """Nothing, while the session lives; where it has ended, and the turn with it, what the database says."""
        if self._session is not None:
            self._session.execute(text("SELECT 1"))

    def give_up(self) -> None:
        """Let another process have its turn; also where the connection is lost."""
        if self._session is not None:
            self._session.invalidate()  # the lock goes with the connection, which must not go back to the pool
            self._session.close()
            self._session = None
