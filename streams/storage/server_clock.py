"""The clock of the database's server, with which that of each machine is compared."""

from collections.abc import Callable
from datetime import datetime, timedelta

from sqlalchemy import Connection, text

from streams.storage.errors import DatabaseUnavailable

MOST_APART = timedelta(minutes=1)
"""A process whose clock differs by more waits: a lease of three minutes still outlasts a hand-over of one."""
_SECONDS = text("SELECT extract(epoch FROM clock_timestamp())::float8")


class WrongClock(DatabaseUnavailable):
    """Raised where our clock and that of the database's server are too far apart. Roles wait until they agree."""

    def _sentence(self, reason: str) -> str:
        return (
            f"The clock of this machine is more than a minute {reason} the database's. Set both by NTP; until then"
            " this process plans, sends and deletes nothing."
        )


class ServerClock:
    """Compares our clock with the server's. `ours`: None on SQLite, and for a clock that is not the machine's."""

    def __init__(self, ours: Callable[[], datetime] | None) -> None:
        self._ours = ours

    @property
    def compared(self) -> bool:
        """Return whether clocks are compared."""
        return self._ours is not None

    def ahead(self, connection: Connection) -> timedelta:
        """Return by how much our clock is ahead of the server's; 0 where they are not compared."""
        if self._ours is None:
            return timedelta()
        return timedelta(seconds=self._ours().timestamp() - connection.execute(_SECONDS).scalar_one())

    def check(self, connection: Connection) -> None:
        """Check that the clocks agree; for whatever sends, plans or deletes by the time.

        Raises:
            WrongClock: they are more than a minute apart.
        """
        if abs(ahead := self.ahead(connection)) > MOST_APART:
            raise WrongClock("ahead of" if ahead > timedelta() else "behind")
