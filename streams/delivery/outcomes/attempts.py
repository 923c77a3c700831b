"""Attempts: a message with its provider, from when it is prepared until its outcome is recorded."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from uuid import UUID

from msgspec import Struct

from domain.core.sms import segments
from domain.facts.facts import NudgeAttempted, NudgeFact, NudgeFailed
from domain.nudges.delivery import Delivery
from domain.nudges.nudge import Nudge, evolve
from domain.persons.channels import PUSH, addresses
from notifiers.port.interface import Accepted, Message, Outcome, Unknown
from notifiers.port.routes import Provider
from projections.handed_over import AttemptId
from streams.delivery.decide.case import Case
from streams.delivery.decide.overflow import Overflow
from streams.delivery.outcomes.outcome_facts import Outcomes
from streams.delivery.outcomes.references import SMS, parts_of


class RoutedCase(Struct, frozen=True):
    """A case and the provider chosen for it.

    None: the case is not sent and only ends together with another, or no provider may be given it.
    """

    case: Case
    provider: Provider | None


class Attempt(Struct, frozen=True):
    """A case that is sent: its message, the attempt as a fact, and its provider.

    `mark`: tells its question by SMS from others at the same number; `committed`: the nudge as of the commit, None
    before it.
    """

    case: Case
    message: Message
    fact: NudgeAttempted
    provider: Provider
    mark: str = ""
    committed: Nudge | None = None

    @property
    def nudge(self) -> UUID:
        """Return the id of its nudge."""
        return self.case.nudge.intent.id

    @property
    def id(self) -> AttemptId:
        """Return its identity."""
        return AttemptId(self.nudge, self.fact.recipient, self.fact.attempt)

    @property
    def delivery(self) -> Delivery:
        """Return the delivery as of the attempt."""
        nudge = self.committed or evolve(self.case.nudge, self.nudge, self.case.nudge.version + 1, self.fact)
        return nudge.to(self.message.recipient)

    @property
    def copies(self) -> Sequence[Message]:
        """Return its messages: one, or of a push message one for each device that its provider reaches."""
        message = self.message
        known = addresses(self.case.recipient, message.channel)
        if message.channel != PUSH or len(known) <= 1:
            return [message]
        reaches = self.provider.notifier.reaches
        made = [replace(message, device=each, address=address) for each, address in known.items() if reaches(address)]
        return made or [message]

    @property
    def pieces(self) -> int:
        """Return how many messages its provider counts: an SMS centre counts each part of a long one."""
        return len(segments(self.message.text).parts) if self.message.channel == SMS else len(self.copies)


Intention = Attempt | NudgeFact | Overflow
"""The fact to commit for a case: an attempt, or the reason why there is none."""


def outcomes_of(
    facts: Sequence[tuple[UUID, NudgeFact]], attempts: Sequence[Attempt], results: Sequence[Outcome]
) -> Outcomes:
    """Return the facts with the providers' names for the parts of what may arrive."""
    parts: dict[tuple[str, str], AttemptId] = {}
    for attempt, result in zip(attempts, results, strict=True):
        if isinstance(result, Accepted | Unknown) and result.parts:
            parts |= parts_of(attempt.provider.name, attempt.id, result.parts)
    return Outcomes(
        facts,
        parts,
        may_be_reported_early=any(each.message.channel == SMS and each.provider.may_report for each in attempts),
    )


def not_handed_over(attempt: Attempt, now: datetime, reason: str = "lease_over") -> NudgeFailed:
    """Return the fact that nothing was handed to the provider, so that another attempt may follow at once."""
    return NudgeFailed(now, attempt.message.recipient, attempt.message.attempt, reason, now)
