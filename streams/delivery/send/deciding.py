"""Deciding: settle claimed deliveries by the rules in force, and record what is not sent."""

from collections.abc import Sequence
from datetime import datetime

from msgspec import Struct, field

from domain.nudges.delivery import Due
from domain.nudges.settle import Settlement
from streams.delivery.decide.case import Case
from streams.delivery.decide.settling import decide, read_claim
from streams.delivery.outcomes.recording import Recorder
from streams.delivery.send.claiming import Claims, DispatchLane
from streams.delivery.send.message import Messages
from streams.delivery.send.recovery import Recovery
from streams.planning.person_plans import RulesMoved
from streams.rules.context import WriteContext
from streams.rules.in_force import Rules


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
    """Decides on claimed deliveries by the rules in force. `recovery`: ends attempts whose process has died."""

    def __init__(self, context: WriteContext, recorder: Recorder, claims: Claims, recovery: Recovery) -> None:
        self._database, self._log, self._library = context.database, context.log, context.library
        self._clock, self._recorder, self._claims, self._recovery = context.clock, recorder, claims, recovery

    def claim(self, lane: DispatchLane, limit: int) -> Sequence[Due]:
        """Claim due deliveries, after the attempts whose commit is unconfirmed are settled."""
        self._recorder.unconfirmed.settle()
        return self._claims.claim(lane, limit)

    def decide(self, due: Sequence[Due]) -> Batch:
        """Decide on claimed deliveries; record at once what is not sent, if the rules still hold by then."""
        now, rules = self._clock(), self._library.rules()
        with self._database.reading() as connection:
            claimed = read_claim(connection, self._log, rules, due, now)
        lost, parts = self._recovery.lost(claimed.lease_ended, rules, now)
        decisions = decide(claimed, rules, now)
        facts = [*lost, *decisions.facts]
        if facts:
            try:
                self._recorder.append_decisions(facts, rules.position, parts)
            except RulesMoved:
                decided = {nudge.intent.id for nudge, _ in facts}
                self._claims.release([each for each in due if each.nudge in decided])
        self._claims.release(claimed.changed)
        self._claims.postpone(claimed.awaiting_plans)
        return Batch(len(due), decisions.cases, decisions.questions, rules, self._clock())
