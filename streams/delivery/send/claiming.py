"""Claiming due deliveries, so that each is with one dispatcher at a time."""

from collections.abc import Iterable, Sequence
from collections.abc import Set as AbstractSet
from datetime import datetime, timedelta
from uuid import UUID

from domain.nudges.settle import Controls
from projections import claims, nudges
from projections.front import Front
from projections.lanes import Shares
from projections.nudges import Due
from projections.tables import micros
from streams.delivery.decide.case import Case
from streams.delivery.send.concurrency import Budgets, Bulkheads
from streams.rules.context import WriteContext
from streams.storage.database import Priority

STOPPED_EVERY = timedelta(hours=1)


class Lane:
    """One of the two streams of work of a dispatcher: urgent deliveries have their own, past all others."""

    def __init__(self, budgets: Budgets, *, urgent: bool) -> None:
        self.urgent, self.bulkheads = urgent, Bulkheads(budgets)
        self.front, self.shares = Front(), Shares()

    def learn(self, back: Iterable[Case]) -> None:
        """Claim less of the triggers of which cases had to be given back."""
        self.shares.learn(nudges.lane(case.nudge.intent) for case in back)


class Claims:
    """Claims deliveries for one dispatcher. `fair`: rates apply, so each trigger gets its share of a claim."""

    def __init__(self, context: WriteContext, holder: str, lease: timedelta, *, fair: bool) -> None:
        self._database, self._library, self._clock = context.database, context.library, context.clock
        self._holder, self._lease, self._fair = holder, lease, fair
        self._stopped = _StoppedDeliveries()

    def claim(self, lane: Lane, limit: int) -> list[Due]:
        """Claim due deliveries until the lease ends; if there are none, some that a kill switch stopped."""
        return self._claim(lane, limit) or ([] if lane.urgent else self._claim_stopped(lane, limit))

    def release(self, ids: Sequence[UUID]) -> None:
        """Release nudges that are not sent now, so that they can be claimed again at once."""
        if ids:
            self._database.write(lambda connection: nudges.release(connection, ids), Priority.DISPATCH)

    def release_all(self) -> None:
        """Release every claim, also those of other dispatchers."""
        self._database.write(nudges.release_all, Priority.DISPATCH)

    def _claim(self, lane: Lane, limit: int, *, stopped: bool = False) -> list[Due]:
        now = self._clock()
        return self._database.write(
            lambda connection: claims.claim(
                connection,
                now=micros(now),
                until=micros(now + self._lease),
                holder=self._holder,
                limit=limit,
                stopped=stopped,
                urgent=lane.urgent,
                front=None if stopped else lane.front,
                shares=lane.shares if self._fair and not stopped else None,
            ),
            Priority.DISPATCH,
        )

    def _claim_stopped(self, lane: Lane, limit: int) -> list[Due]:
        """Claim what kill switches hold back, each once a look, to see whether they still do."""
        if self._stopped.look_begins(self._library.rules().controls, self._clock()):
            self._database.write(nudges.release_stopped, Priority.DISPATCH)
        claimed = self._claim(lane, limit, stopped=True) if self._stopped.looking else []
        self._stopped.looking = bool(claimed)
        return claimed


class _StoppedDeliveries:
    """Times the looks at what kill switches hold back: at the start, when one is cleared, and every hour.

    (The process that looked before may have crashed.)
    """

    def __init__(self) -> None:
        self.looking = False
        self._controls: AbstractSet[tuple[str, str]] = frozenset()
        self._looked: datetime | None = None

    def look_begins(self, controls: Controls, now: datetime) -> bool:
        """Return whether another look begins now."""
        cleared = self._controls - controls.stopped
        self._controls = controls.stopped
        if not cleared and self._looked is not None and now - self._looked < STOPPED_EVERY:
            return False
        self.looking, self._looked = True, now
        return True
