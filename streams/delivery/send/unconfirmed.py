"""Attempts whose commit was not answered: it may have come through, and nobody has handed them to a provider."""

import threading
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from functools import partial
from uuid import UUID

from sqlalchemy import Connection

from domain.nudges.nudge import Nudge
from projections import nudges
from streams.delivery.outcomes.attempts import Attempt, as_attempted, handed_back
from streams.log.appending import record
from streams.log.log import Log
from streams.storage.database import Database, Priority
from streams.storage.errors import UNAVAILABLE_ERRORS

REASON = "commit_unanswered"


class Unanswered:
    """Keeps them until the database answers again: whoever made them knows that they did not go."""

    def __init__(self, database: Database, log: Log, clock: Callable[[], datetime]) -> None:
        self._database, self._log, self._clock = database, log, clock
        self._noted: deque[tuple[Sequence[UUID], Sequence[Attempt]]] = deque()
        self._settling = threading.Lock()

    @contextmanager
    def watching(self, ids: Sequence[UUID], attempts: Sequence[Attempt]) -> Iterator[None]:
        """These nudges, and their attempts, are committed here."""
        try:
            yield
        except UNAVAILABLE_ERRORS:
            self._noted.append((ids, attempts))
            raise

    def settle(self) -> None:
        """Hand back the attempts that are in the log, and let go of the rest: all have their turn again at once."""
        with self._settling:
            while self._noted:
                ids, attempts = self._noted[0]
                self._database.write(partial(self._settle, ids=ids, attempts=attempts), Priority.DISPATCH)
                self._noted.popleft()

    def _settle(self, connection: Connection, ids: Sequence[UUID], attempts: Sequence[Attempt]) -> None:
        """Whoever holds the nudges knows that the transaction in question is over."""
        found, now = nudges.held(connection, ids), self._clock()
        there = [each for each in attempts if _stands(each, found.get(each.nudge))]
        record(connection, self._log, [(each.nudge, handed_back(each, now, REASON)) for each in there])
        nudges.release(connection, ids)


def _stands(attempt: Attempt, nudge: Nudge | None) -> bool:
    """Whether it was committed, and nobody has given it an end since."""
    return nudge is not None and nudge.to(attempt.message.recipient) == as_attempted(attempt)
