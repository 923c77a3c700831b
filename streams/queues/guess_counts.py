"""The guesses and requests of each caller in the minute that runs, counted over all processes of one database."""

from datetime import datetime
from hashlib import blake2b

from sqlalchemy import Connection, delete

from projections.bulk import inserting
from streams.storage.database import Database, Priority
from streams.storage.tables import guesses

WINDOW = 60
"""The seconds over which guesses are counted: a minute of the clock."""


class GuessCounts:
    """Counts guesses, and requests in lots. Callers are kept as keyed hashes: the table holds nobody's address."""

    def __init__(self, database: Database, secret: bytes) -> None:
        self._database, self._secret = database, secret

    def add(self, caller: str, minute: int, many: int = 1) -> int:
        """Count so many more (or fewer, below 0) of the caller in that minute; return how many there are.

        Raises:
            DatabaseUnavailable, OperationalError: the database cannot be reached.
        """
        key = blake2b(caller.encode(), key=self._secret[:64], digest_size=16).digest()
        return self._database.write(lambda connection: _added(connection, key, minute, many), Priority.INTAKE)


def _added(connection: Connection, caller: bytes, minute: int, many: int) -> int:
    row = inserting(connection, guesses).values(caller=caller, minute=minute, count=max(many, 0))
    counted = row.on_conflict_do_update(
        index_elements=[guesses.c.caller, guesses.c.minute], set_={"count": guesses.c.count + many}
    )
    return int(connection.execute(counted.returning(guesses.c.count)).scalar_one())


def tidy(connection: Connection, now: datetime) -> None:
    """Delete the counts of earlier minutes."""
    connection.execute(delete(guesses).where(guesses.c.minute < int(now.timestamp()) // WINDOW))
