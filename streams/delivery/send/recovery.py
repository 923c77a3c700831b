"""Recovery: end the attempts that dead processes left open."""

from collections.abc import Sequence
from collections.abc import Set as AbstractSet
from datetime import datetime

from domain.facts.facts import NudgeFact, NudgeFailed
from domain.nudges.settle import Settlement
from projections import nudges
from projections.handed_over import AttemptId
from projections.tables import micros
from streams.delivery.admission.routing import Routing
from streams.delivery.decide.decision_inputs import DecisionInputs
from streams.delivery.decide.digesting import Decided
from streams.delivery.decide.restore_doubt import outcome_lost_by_restore
from streams.delivery.outcomes import outcome_facts
from streams.delivery.outcomes.hand_over_journal import NOTHING_UNFINISHED, OpenAttempt, Unfinished
from streams.delivery.outcomes.recording import Recorder
from streams.delivery.outcomes.references import Parts
from streams.delivery.send.claiming import Claims
from streams.rules.context import WriteContext
from streams.rules.in_force import Rules

TRIES = 5
NOT_HANDED_OVER = "not_handed_over"
"""The reason of an attempt whose process died before the hand-over."""


class Recovery:
    """Ends attempts whose process has died: by its journal where there is one, else their outcome is unknown."""

    def __init__(self, context: WriteContext, routing: Routing, recorder: Recorder, claims: Claims) -> None:
        self._database, self._log, self._library = context.database, context.log, context.library
        self._clock, self._routing, self._recorder, self._claims = context.clock, routing, recorder, claims

    def take_over(self) -> int:
        """End the attempts and claims of all others, which are dead; return how many attempts there were."""
        with self._recorder.journal.unfinished() as left:
            self._claims.release_all()
            return self._end_open(left, None)

    def recover(self) -> int:
        """End the attempts of dead processes of this machine, as their journals say; return how many there were."""
        with self._recorder.journal.unfinished() as left:
            return self._end_open(left, left.all_attempts) if left.all_attempts else 0

    def lost(self, cases: Sequence[Settlement], rules: Rules, now: datetime) -> tuple[list[Decided], Parts]:
        """Return the outcomes of attempts whose lease is over, with the providers' names for parts of them.

        Whatever a journal of this machine has the answer to is known: its process may live, and have a database that
        does not take it.
        """
        if not cases:
            return [], {}
        self.recover()
        known, these = self._recorder.journal.answers(), {_attempt_of(case).attempt for case in cases}
        parts = {name: attempt for name, attempt in known.parts.items() if attempt._replace(part=False) in these}
        return [(case.nudge, self.outcome(case, rules, now, known)) for case in cases], parts

    def _end_open(self, left: Unfinished, only: AbstractSet[OpenAttempt] | None) -> int:
        """End open attempts, all or `only` some; those that change meanwhile are read again."""
        ended = 0
        for _ in range(TRIES):
            now, rules = self._clock(), self._library.rules()
            cases = [case for case in self._open_attempts(rules, now) if only is None or _attempt_of(case) in only]
            if not cases:
                break
            ended = ended or len(cases)
            self._recorder.append_decisions(
                [(case.nudge, self.outcome(case, rules, now, left)) for case in cases], None, left.parts
            )
        return ended

    def _open_attempts(self, rules: Rules, now: datetime) -> list[Settlement]:
        with self._database.reading() as connection:
            rows = nudges.attempted(connection)
            found = nudges.by_id(connection, [row.nudge for row in rows])
            open_ = [(found[row.nudge], row.recipient) for row in rows]
            return DecisionInputs(connection, self._log, rules, now).settlements(open_)

    def outcome(
        self, case: Settlement, rules: Rules, now: datetime, left: Unfinished = NOTHING_UNFINISHED
    ) -> NudgeFact:
        """Return the outcome of such an attempt; `left`: what its journal says."""
        if (before := outcome_lost_by_restore(case, rules.governed.doubt_until, now)) is not None:
            return before
        attempt, delivery = _attempt_of(case), case.nudge.to(case.person.pseudonym)
        if attempt in left.answered:
            return left.answered[attempt]
        if attempt in left.kept_back:
            return NudgeFailed(now, delivery.recipient, delivery.attempt, NOT_HANDED_OVER, now)
        attempted = outcome_facts.Attempted(case, delivery, self._routing.last_provider(delivery))
        return outcome_facts.unknown_fact(attempted, "no_outcome", now)


def _attempt_of(case: Settlement) -> OpenAttempt:
    delivery = case.nudge.to(case.person.pseudonym)
    lease_over = delivery.due or case.nudge.intent.due  # an open attempt is due when its lease is over
    return OpenAttempt(AttemptId(case.nudge.intent.id, delivery.recipient, delivery.attempt), micros(lease_over))
