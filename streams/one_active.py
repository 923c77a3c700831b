"""One of several processes is active: whoever holds a lock of the database's, for as long as its session lives."""

from sqlalchemy import Connection, text

from streams.database import Database
from streams.not_here import ReadOnly

RELAY, UPKEEP, JOBS, SEATS = 0x4841_4252, 0x4841_4255, 0x4841_4A00, 0x4841_5300
"""Arbitrary numbers that all processes of one database share.

From JOBS on, one for each lane (streams/turns.py); from SEATS on, one for each seat of a role (streams/seats.py).
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
