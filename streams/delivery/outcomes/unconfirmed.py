"""Claims and attempts of work that ended as the database went away: nothing of it was handed to a provider.

Whether an attempt was committed may be unknown by then.
"""

import threading
from collections import deque
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import partial

from sqlalchemy import Connection

from domain.nudges.delivery import Due
from domain.nudges.nudge import Nudge
from projections import nudges
from streams.delivery.outcomes.attempts import Attempt, not_handed_over
from streams.log.appending import record
from streams.rules.context import WriteContext
from streams.storage.database import Priority
from streams.storage.errors import UNAVAILABLE_ERRORS

REASON = "commit_unanswered"


class UnconfirmedCommits:
    """Remembers them until the database answers again: only the process that made them knows that they did not go.

    Without this they would wait until their lease ends. `settled`: the attempts that are open no more.
    """

    def __init__(self, context: WriteContext) -> None:
        self._database, self._log, self._clock = context.database, context.log, context.clock
        self._noted: deque[tuple[Sequence[Due], Sequence[Attempt]]] = deque()
        self._settling = threading.Lock()
        self.settled: deque[Attempt] = deque()

    @contextmanager
    def remembering(self, claimed: Sequence[Due], attempts: Sequence[Attempt] = ()) -> Iterator[None]:
        """Remember these claimed deliveries and attempts if the database goes away within the block."""
        try:
            yield
        except UNAVAILABLE_ERRORS:
            if claimed:
                self._noted.append((claimed, attempts))
            raise

    def settle(self) -> None:
        """Hand back the attempts that are in the log and release all claims, so that all is due at once."""
        with self._settling:
            while self._noted:
                claimed, attempts = self._noted[0]
                self._database.write(partial(self._settle, claimed=claimed, attempts=attempts), Priority.DISPATCH)
                self._noted.popleft()
                self.settled.extend(attempts)

    def _settle(self, connection: Connection, claimed: Sequence[Due], attempts: Sequence[Attempt]) -> None:
        """Holding the nudges proves that the transaction in question is over."""
        found, now = nudges.held(connection, {each.nudge for each in claimed}), self._clock()
        there = [attempt for attempt in attempts if _is_open(attempt, found.get(attempt.nudge))]
        record(connection, self._log, [(attempt.nudge, not_handed_over(attempt, now, REASON)) for attempt in there])
        nudges.release(connection, claimed)


def _is_open(attempt: Attempt, nudge: Nudge | None) -> bool:
    """Return True if the attempt was committed and no outcome was recorded since."""
    return nudge is not None and nudge.to(attempt.message.recipient) == attempt.delivery
