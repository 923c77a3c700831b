"""Late acceptances: a provider accepts a message after its attempt was given up as unknown."""

from msgspec.structs import replace
from sqlalchemy import Connection

from domain.facts.facts import NudgeSent
from domain.nudges.delivery import Delivery
from notifiers.port.interface import Accepted
from projections import nudges
from projections.handed_over import AttemptId
from streams.delivery.decide.decision_inputs import DecisionInputs
from streams.delivery.outcomes import outcome_facts, references
from streams.delivery.outcomes.outcome_facts import Outcomes
from streams.delivery.outcomes.receipt_facts import Receipt
from streams.delivery.outcomes.receipts import Receipts
from streams.delivery.outcomes.references import parts_of
from streams.log.appending import record
from streams.rules.context import WriteContext
from streams.rules.in_force import Rules
from streams.storage.database import Priority


class LateAcceptances:
    """Records late acceptances, each once."""

    def __init__(self, context: WriteContext, receipts: Receipts) -> None:
        self._database, self._log = context.database, context.log
        self._library, self._clock = context.library, context.clock
        self._receipts = receipts

    def record(self, provider: str, name: str, taken: Accepted, *, reports: bool) -> list[Receipt]:
        """Record that the provider accepted the message we named so; return its earlier receipts about it."""
        rules = self._library.rules()

        def work(connection: Connection) -> list[Receipt]:
            attempt_id = references.find_own(connection, self._log, provider, [name], include_open=True).get(name)
            if attempt_id is None:
                return []
            fact = self._fact(connection, attempt_id, rules, provider, taken.reference, reports=reports)
            if fact is None:
                return []
            record(connection, self._log, [(attempt_id.nudge, fact)])
            parts = parts_of(provider, attempt_id, taken.parts)
            return self._receipts.record_early(connection, Outcomes([(attempt_id.nudge, fact)], parts))

        return self._database.write(work, Priority.DISPATCH)

    def _fact(
        self,
        connection: Connection,
        attempt_id: AttemptId,
        rules: Rules,
        provider: str,
        reference: str,
        *,
        reports: bool,
    ) -> NudgeSent | None:
        """Return the fact; None if it is known already, or if the attempt was reported as failed for good since."""
        nudge = nudges.held(connection, [attempt_id.nudge])[attempt_id.nudge]
        delivery = nudge.to(attempt_id.recipient)
        if self._is_known(connection, attempt_id) or _gave_up(delivery, attempt_id):
            return None
        now = self._clock()
        [case] = DecisionInputs(connection, self._log, rules, now).settlements([(nudge, attempt_id.recipient)])
        attempted = outcome_facts.Attempted(case, replace(delivery, attempt=attempt_id.attempt), None)
        return outcome_facts.sent_fact(attempted, reference, now, provider, reports=reports)

    def _is_known(self, connection: Connection, attempt_id: AttemptId) -> bool:
        entries = self._log.streams(connection, [attempt_id.nudge], [NudgeSent.TOPIC])
        return attempt_id._replace(part=False) in map(references.attempt_id_of, entries)


def _gave_up(delivery: Delivery, attempt_id: AttemptId) -> bool:
    return delivery.attempt == attempt_id.attempt and delivery.channel in delivery.exhausted
