"""Tidying: what is kept for a while is let go of when its time is over."""

from collections.abc import Callable
from datetime import datetime

from sqlalchemy import Connection

from streams import conversations
from streams.database import Database, Priority
from streams.receipts import Receipts


class Tidying:
    """Lets go of conversations that nobody speaks of any more, and of receipts for messages of nobody."""

    def __init__(self, database: Database, receipts: Receipts, clock: Callable[[], datetime]) -> None:
        self._database, self._receipts, self._clock = database, receipts, clock

    def run(self) -> None:
        """Do it once."""
        self._database.write(self._tidy, Priority.INTAKE)

    def _tidy(self, connection: Connection) -> None:
        conversations.forget(connection, self._clock())
        self._receipts.forget(connection)
