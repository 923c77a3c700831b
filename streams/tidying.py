"""Tidying: what is kept for a while is let go of when its time is over."""

from collections.abc import Callable
from datetime import datetime, timedelta

from sqlalchemy import Connection

from streams import conversations, outbox, pieces, repeats, sent_parts
from streams.database import Database, Priority
from streams.receipts import Receipts

UNTOLD = timedelta(days=30)
"""How long an answer waits for a process that knows its agency."""


class Tidying:
    """Lets go of old conversations, of receipts for messages of nobody, and what nobody asks for or sends again."""

    def __init__(self, database: Database, receipts: Receipts, clock: Callable[[], datetime]) -> None:
        self._database, self._receipts, self._clock = database, receipts, clock

    def run(self) -> None:
        """Do it once."""
        self._database.write(self._tidy, Priority.INTAKE)

    def _tidy(self, connection: Connection) -> None:
        conversations.forget(connection, self._clock())
        self._receipts.forget(connection)
        repeats.tidy(connection, self._clock())
        pieces.tidy(connection, self._clock())
        sent_parts.tidy(connection, self._clock())
        outbox.forget(connection, self._clock() - UNTOLD)
