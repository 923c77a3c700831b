"""Claiming: take due deliveries, so that each is with one dispatcher at a time."""

from collections.abc import Iterable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from datetime import datetime, timedelta

from msgspec import Struct
from sqlalchemy import Connection

from domain.nudges.delivery import Due
from domain.nudges.settle import Controls
from projections import claims, nudges
from projections.front import Front
from projections.lanes import Shares
from projections.tables import micros
from streams.delivery.admission.concurrency import IN_FLIGHT, Budgets, Bulkheads
from streams.delivery.decide.case import Case
from streams.rules.context import WriteContext
from streams.storage.database import Priority

LEASE = timedelta(minutes=3)
"""The time that an attempt may stay without an outcome; every notifier's send limit is less than a third of it."""
LOOK_EVERY, LOOK_LASTS = timedelta(hours=1), timedelta(minutes=1)


class Claimant(Struct, frozen=True):
    """The name under which a dispatcher claims, for how long, and how many attempts it may have open."""

    name: str
    lease: timedelta = LEASE
    in_flight: int = IN_FLIGHT


class DispatchLane:
    """One of the two streams of work of a dispatcher: urgent deliveries have their own, past all others."""

    def __init__(self, budgets: Budgets, *, urgent: bool) -> None:
        self.urgent, self.bulkheads = urgent, Bulkheads(budgets)
        self.front, self.shares = Front(), Shares()

    def claim_less_of(self, not_sent: Iterable[Case]) -> None:
        """Claim less of the triggers of which cases had to be given back."""
        self.shares.adjust(nudges.lane(case.nudge.intent) for case in not_sent)


class Claims:
    """Claims deliveries for one dispatcher. `fair`: rates apply, so each trigger gets its share of a claim."""

    def __init__(self, context: WriteContext, holder: str, lease: timedelta, *, fair: bool) -> None:
        self._database, self._library, self._clock = context.database, context.library, context.clock
        self._holder, self._lease, self._fair = holder, lease, fair
        self._stopped = _StoppedDeliveries()
        self._postponed: dict[Due, datetime] = {}

    def claim(self, lane: DispatchLane, limit: int) -> list[Due]:
        """Claim due deliveries until the lease ends; if there are none, some that a stop holds back."""
        return self._claim(lane, limit) or ([] if lane.urgent else self._claim_stopped(lane, limit))

    def release(self, these: Sequence[Due]) -> None:
        """Release deliveries that are not sent now, so that they can be claimed again at once."""
        if these:
            self._database.write(lambda connection: nudges.release(connection, these), Priority.DISPATCH)

    def postpone(self, these: Mapping[Due, datetime]) -> None:
        """Release deliveries that are not sent now; nobody claims them before the time of each."""

        def work(connection: Connection) -> None:
            for until in set(these.values()):
                claims.postpone(connection, [each for each, at in these.items() if at == until], micros(until))

        if these:
            self._database.write(work, Priority.DISPATCH)
            self._postponed = {**self._still_postponed(), **these}

    def release_postponed(self) -> None:
        """Release what was left for a later time, so that it can be claimed again at once."""
        self.release(list(self._still_postponed()))
        self._postponed = {}

    def _still_postponed(self) -> dict[Due, datetime]:
        now = self._clock()
        return {each: until for each, until in self._postponed.items() if until > now}

    def release_all(self) -> None:
        """Release every claim, also those of other dispatchers."""
        self._database.write(nudges.release_all, Priority.DISPATCH)

    def _claim(self, lane: DispatchLane, limit: int, *, stopped: bool = False) -> list[Due]:
        def work(connection: Connection) -> list[Due]:
            self._database.server_clock.check(connection)
            now = self._clock()
            return claims.claim(
                connection,
                now=micros(now),
                until=micros(now + self._lease),
                holder=self._holder,
                limit=limit,
                stopped=stopped,
                urgent=lane.urgent,
                front=None if stopped else lane.front,
                shares=lane.shares if self._fair and not stopped else None,
            )

        return self._database.write(work, Priority.DISPATCH)

    def _claim_stopped(self, lane: DispatchLane, limit: int) -> list[Due]:
        """Claim what kill switches and pauses hold back, each once a look, to see whether they still do."""
        now = self._clock()
        if self._stopped.look_begins(self._library.rules().controls, now):
            self._database.write(nudges.release_stopped, Priority.DISPATCH)
        claimed = self._claim(lane, limit, stopped=True) if self._stopped.looking else []
        self._stopped.note(now, found=bool(claimed))
        return claimed


class _StoppedDeliveries:
    """Times the looks at what switches and pauses hold back: at the start, when one is cleared, and every hour.

    (The process that looked before may have crashed.) A look lasts a while longer than it finds something: what
    another dispatcher was quicker with is released, and looked at again.
    """

    def __init__(self) -> None:
        self.looking = False
        self._controls: AbstractSet[tuple[str, str]] = frozenset()
        self._looked: datetime | None = None
        self._found: datetime | None = None

    def look_begins(self, controls: Controls, now: datetime) -> bool:
        """Return whether another look begins now."""
        cleared = self._controls - controls.stopped
        self._controls = controls.stopped
        if not cleared and _is_within(LOOK_EVERY, self._looked, now):
            return False
        self.looking, self._looked, self._found = True, now, now
        return True

    def note(self, now: datetime, *, found: bool) -> None:
        """Note whether the look has found something now; it ends before a claim of it runs out."""
        self._found = now if found else self._found
        self.looking = _is_within(LOOK_LASTS, self._found, now)


def _is_within(span: timedelta, since: datetime | None, now: datetime) -> bool:
    """Return whether less than that has passed; not where the clock was set back."""
    return since is not None and timedelta() <= now - since < span
