"""The processes that run. Each gives a sign of life, so that an operator sees what lives and whose clock is wrong.

On PostgreSQL the times are the server's, so a process whose clock is wrong does not look dead or alive by mistake.
"""

from collections.abc import Callable
from datetime import datetime, timedelta

from msgspec import Struct
from msgspec.structs import asdict
from sqlalchemy import Connection, delete, select

from projections.tables import micros, moment
from streams.storage.database import Database, Priority
from streams.storage.tables import processes

EVERY = timedelta(seconds=15)
"""The interval of the signs of life."""
SILENT = timedelta(minutes=1)
"""Without a sign for so long, a process counts as gone."""
KEPT = timedelta(hours=1)
"""A process that is gone without taking leave stays in the list for so long."""


class Process(Struct, frozen=True):
    """A process as it describes itself."""

    id: str
    role: str
    host: str
    pid: int
    version: str

    @property
    def name(self) -> str:
        """Return its role and its place."""
        return f"{self.role} on {self.host} (pid {self.pid})"


class LiveProcess(Struct, frozen=True):
    """A process with its start and its last sign of life. `ahead`: of the database's clock, negative if behind.

    `silent`: how long ago the last sign was.
    """

    process: Process
    started_at: datetime
    seen_at: datetime
    ahead: timedelta
    silent: timedelta

    @property
    def lives(self) -> bool:
        """Return whether the last sign of life is recent."""
        return self.silent < SILENT


class Processes:
    """The list of processes."""

    def __init__(self, database: Database, clock: Callable[[], datetime]) -> None:
        self._database, self._clock = database, clock

    def sign(self, process: Process) -> None:
        """Give a sign of life of this process.

        Raises: what says that the database is away.
        """
        self._database.write(lambda connection: self._sign(connection, process), Priority.FOLLOWING)

    def _sign(self, connection: Connection, process: Process) -> None:
        ahead = self._database.server_clock.ahead(connection)
        now = micros(self._clock() - ahead)
        signed = {"seen_at": now, "ahead": micros_of(ahead)}
        update = processes.update().where(processes.c.id == process.id).values(**signed)
        if connection.execute(update).rowcount == 0:
            connection.execute(processes.insert().values(**asdict(process), **signed, started_at=now))
        connection.execute(delete(processes).where(processes.c.seen_at < now - micros_of(KEPT)))

    def leave(self, id_: str) -> None:
        """Take a process from the list, because it ends.

        Raises: what says that the database is away.
        """
        gone = delete(processes).where(processes.c.id == id_)
        self._database.write(lambda connection: connection.execute(gone), Priority.FOLLOWING)

    def known(self, connection: Connection) -> list[LiveProcess]:
        """Return the processes that live, and those that lately ended without taking leave."""
        now = self._clock() - self._database.server_clock.ahead(connection)
        rows = connection.execute(select(processes).order_by(processes.c.role, processes.c.host, processes.c.pid))
        return [
            LiveProcess(
                Process(row.id, row.role, row.host, row.pid, row.version),
                moment(row.started_at),
                moment(row.seen_at),
                timedelta(microseconds=row.ahead),
                max(timedelta(), now - moment(row.seen_at)),
            )
            for row in rows
        ]


def micros_of(span: timedelta) -> int:
    """Return a span in microseconds."""
    return round(span / timedelta(microseconds=1))
