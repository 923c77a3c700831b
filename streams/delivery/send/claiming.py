"""Claiming: take due deliveries, so that each is with one dispatcher at a time, and decide on them."""

from collections.abc import Iterable, Sequence
from collections.abc import Set as AbstractSet
from datetime import datetime, timedelta
from uuid import UUID

from msgspec import Struct, field
from sqlalchemy import Connection

from domain.facts.facts import NudgeFact, NudgeFailed
from domain.nudges.settle import Controls, Settlement
from projections import claims, nudges
from projections.front import Front
from projections.handed_over import AttemptId
from projections.lanes import Shares
from projections.nudges import Due
from projections.tables import micros
from streams.delivery.decide.case import Case
from streams.delivery.decide.decision_inputs import DecisionInputs
from streams.delivery.decide.restore_doubt import lost_before
from streams.delivery.decide.settling import decide, read_claim
from streams.delivery.outcomes import outcome_facts
from streams.delivery.outcomes.hand_over_journal import NOTHING_LEFT, Unfinished
from streams.delivery.outcomes.recording import Recorder
from streams.delivery.send.concurrency import IN_FLIGHT, Budgets, Bulkheads
from streams.delivery.send.message import Messages
from streams.delivery.send.routing import Routing
from streams.planning.person_plans import RulesMoved
from streams.rules.context import WriteContext
from streams.rules.in_force import Rules
from streams.storage.database import Priority

LEASE = timedelta(minutes=3)
"""The time that an attempt may stay without an outcome; every notifier's send limit is less than a third of it."""
STOPPED_EVERY, LOOK_LASTS = timedelta(hours=1), timedelta(minutes=1)
TRIES = 5
NOT_HANDED_OVER = "not_handed_over"
"""The reason of an attempt whose process died before the hand-over."""


class Claimant(Struct, frozen=True):
    """The name under which a dispatcher claims, for how long, and how many attempts it may have open."""

    name: str
    lease: timedelta = LEASE
    in_flight: int = IN_FLIGHT


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
        """Claim due deliveries until the lease ends; if there are none, some that a stop holds back."""
        return self._claim(lane, limit) or ([] if lane.urgent else self._claim_stopped(lane, limit))

    def release(self, ids: Sequence[UUID]) -> None:
        """Release nudges that are not sent now, so that they can be claimed again at once."""
        if ids:
            self._database.write(lambda connection: nudges.release(connection, ids), Priority.DISPATCH)

    def release_all(self) -> None:
        """Release every claim, also those of other dispatchers."""
        self._database.write(nudges.release_all, Priority.DISPATCH)

    def _claim(self, lane: Lane, limit: int, *, stopped: bool = False) -> list[Due]:
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

    def _claim_stopped(self, lane: Lane, limit: int) -> list[Due]:
        """Claim what kill switches and pauses hold back, each once a look, to see whether they still do."""
        now = self._clock()
        if self._stopped.look_begins(self._library.rules().controls, now):
            self._database.write(nudges.release_stopped, Priority.DISPATCH)
        claimed = self._claim(lane, limit, stopped=True) if self._stopped.looking else []
        self._stopped.note(now, found=bool(claimed))
        return claimed


class Batch(Struct, frozen=True):
    """Claimed deliveries that were decided on: their number, the cases to send, the questions to ask providers.

    `messages`: of the cases that are sent.
    """

    claimed: int
    cases: list[Case]
    questions: list[Settlement]
    rules: Rules
    decided_at: datetime
    messages: Messages = field(default_factory=dict)


class Decider:
    """Decides on claimed deliveries by the rules in force."""

    def __init__(self, context: WriteContext, routing: Routing, recorder: Recorder, claims: Claims) -> None:
        self._database, self._log, self._library = context.database, context.log, context.library
        self._clock, self._routing, self._recorder, self._claims = context.clock, routing, recorder, claims

    def claim(self, lane: Lane, limit: int) -> Sequence[Due]:
        """Claim due deliveries, after the attempts whose commit is unconfirmed are settled."""
        self._recorder.unconfirmed.settle()
        return self._claims.claim(lane, limit)

    def decide(self, due: Sequence[Due]) -> Batch:
        """Decide on claimed deliveries; record at once what is not sent, if the rules still hold by then."""
        now, rules = self._clock(), self._library.rules()
        with self._database.reading() as connection:
            claimed = read_claim(connection, self._log, rules, due, now)
        if claimed.lost:
            self.recover()
        decisions = decide(claimed, rules, now)
        facts = [*((case.nudge, self._lost(case, rules, now)) for case in claimed.lost), *decisions.facts]
        if facts:
            try:
                self._recorder.decisions(facts, rules.position)
            except RulesMoved:
                self._claims.release([nudge.intent.id for nudge, _ in facts])
        self._claims.release(claimed.moved_on)
        return Batch(len(due), decisions.cases, decisions.questions, rules, self._clock())

    def take_over(self) -> int:
        """End the attempts and claims of all others, which are dead; return how many attempts there were."""
        with self._recorder.journal.unfinished() as left:
            self._claims.release_all()
            return self._end_open(left, None)

    def recover(self) -> int:
        """End the attempts of dead processes of this machine, as their journals say; return how many there were."""
        with self._recorder.journal.unfinished() as left:
            return self._end_open(left, left.every) if left.every else 0

    def _end_open(self, left: Unfinished, only: AbstractSet[AttemptId] | None) -> int:
        """End open attempts, all or `only` some; those that change meanwhile are read again."""
        ended = 0
        for _ in range(TRIES):
            now, rules = self._clock(), self._library.rules()
            cases = [case for case in self._open_attempts(rules, now) if only is None or _attempt_of(case) in only]
            if not cases:
                break
            ended = ended or len(cases)
            self._recorder.decisions(
                [(case.nudge, self._lost(case, rules, now, left)) for case in cases], None, left.parts
            )
        return ended

    def _open_attempts(self, rules: Rules, now: datetime) -> list[Settlement]:
        with self._database.reading() as connection:
            rows = nudges.attempted(connection)
            found = nudges.by_id(connection, [row.nudge for row in rows])
            open_ = [(found[row.nudge], row.recipient) for row in rows]
            return DecisionInputs(connection, self._log, rules, now).settlements(open_)

    def _lost(self, case: Settlement, rules: Rules, now: datetime, left: Unfinished = NOTHING_LEFT) -> NudgeFact:
        """Return the outcome of an attempt whose process has died; `left`: what its journal says."""
        if (before := lost_before(case, rules.governed.doubt_until, now)) is not None:
            return before
        attempt, delivery = _attempt_of(case), case.nudge.to(case.person.pseudonym)
        if attempt in left.answered:
            return left.answered[attempt]
        if attempt in left.kept_back:
            return NudgeFailed(now, delivery.recipient, delivery.attempt, NOT_HANDED_OVER, now)
        attempted = outcome_facts.Attempted(case, delivery, self._routing.provider(delivery))
        return outcome_facts.unknown(attempted, "no_outcome", now)


def _attempt_of(case: Settlement) -> AttemptId:
    delivery = case.nudge.to(case.person.pseudonym)
    return AttemptId(case.nudge.intent.id, delivery.recipient, delivery.attempt)


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
        if not cleared and _is_within(STOPPED_EVERY, self._looked, now):
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
