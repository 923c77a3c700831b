"""What a decision about a delivery is as a fact, and an attempt that is about to be handed over."""

from collections.abc import Sequence
from datetime import datetime
from itertools import chain, groupby
from uuid import UUID

from msgspec import Struct

from domain.core.sms import segments
from domain.facts.facts import (
    NudgeAttempted,
    NudgeDeferred,
    NudgeExpired,
    NudgeFact,
    NudgeFailed,
    NudgeWithheld,
)
from domain.nudges.class_overrides import OVERRIDES
from domain.nudges.delivery import Delivery
from domain.nudges.nudge import Nudge, evolve
from domain.nudges.settle import Defer, Digest, Reason, Withhold, is_stopped
from notifiers.port.interface import Accepted, Message, Outcome, Unknown
from notifiers.port.routes import Provider
from projections.references import Tried
from streams.delivery.decide.case import Case
from streams.delivery.decide.overflow import Overflow
from streams.delivery.outcomes.receipts import Outcomes
from streams.delivery.outcomes.references import SMS
from streams.delivery.outcomes.sent_parts import parts_of


class Routed(Struct, frozen=True):
    """A case with the provider that it goes to; None: it ends together with another that is sent, and is not.

    Or it is to be sent, and may be given to nobody.
    """

    case: Case
    provider: Provider | None


class Attempt(Struct, frozen=True):
    """A case that is to be sent: its message, the attempt as a fact, and the provider that it goes to.

    `mark`: what its question is told by from others at its number, if there are others; `committed`: the nudge as of
    the commit, None before it.
    """

    case: Case
    message: Message
    fact: NudgeAttempted
    provider: Provider
    mark: str = ""
    committed: Nudge | None = None

    @property
    def nudge(self) -> UUID:
        """The nudge that it is an attempt of."""
        return self.case.nudge.intent.id

    @property
    def pieces(self) -> int:
        """How many messages its provider counts: an SMS centre each part of a long one."""
        return len(segments(self.message.text).parts) if self.message.channel == "sms" else 1


Intention = Attempt | NudgeFact | Overflow
"""What is to be committed for a case: an attempt, or why there is none."""


def groups(cases: Sequence[Case], size: int) -> list[list[Case]]:
    """The cases in groups of about that size, dealt out in their order: what comes first is first in its group.

    All of one nudge are together, as they end together.
    """
    nudges = [list(same) for _, same in groupby(cases, key=lambda case: case.nudge.intent.id)]
    many = -(-len(cases) // size)
    return [[*chain(*nudges[first::many])] for first in range(min(many, len(nudges)))]


def unsent(case: Case, now: datetime) -> NudgeFact | Overflow:
    """What a decision not to send is as a fact."""
    recipient = case.recipient.pseudonym
    delivery = case.nudge.to(recipient)
    match case.decision:
        case Withhold(Reason.NO_ADDRESS) if delivery.attempt and not delivery.is_silent and not delivery.accepted:
            reason = delivery.reason or Reason.NO_ADDRESS.value
            return NudgeFailed(now, recipient, delivery.attempt, reason, gave_up=True)
        case Withhold(reason):
            return NudgeWithheld(now, recipient, reason.value)
        case Defer(until, reason):
            return NudgeDeferred(now, recipient, until, reason.value)
        case Digest() as digest:
            return Overflow(case.settlement, digest, now)
        case _:
            return NudgeExpired(now, recipient)


def outcomes_of(
    facts: Sequence[tuple[UUID, NudgeFact]], attempts: Sequence[Attempt], results: Sequence[Outcome]
) -> Outcomes:
    """The facts with what providers call the parts that they have of what may arrive."""
    parts: dict[tuple[str, str], Tried] = {}
    for attempt, result in zip(attempts, results, strict=True):
        if isinstance(result, Accepted | Unknown) and result.parts:
            tried = Tried(attempt.nudge, attempt.fact.recipient, attempt.fact.attempt)
            parts |= parts_of(attempt.provider.name, tried, result.parts)
    return Outcomes(facts, parts, told=any(each.message.channel == SMS and each.provider.tells for each in attempts))


def is_bound(case: Case) -> bool:
    """Whether one provider may have it, so that no other may be given it; what is owed goes all the same."""
    return (
        case.nudge.to(case.recipient.pseudonym).bound is not None and not OVERRIDES[case.nudge.intent.klass].repeats
    )


def as_attempted(attempt: Attempt) -> Delivery:
    """The delivery as of the attempt."""
    nudge = attempt.case.nudge
    if attempt.committed is not None:
        return attempt.committed.to(attempt.message.recipient)
    return evolve(nudge, attempt.nudge, nudge.version + 1, attempt.fact).to(attempt.message.recipient)


def handed_back(attempt: Attempt, now: datetime, reason: str = "lease_over") -> NudgeFailed:
    """Nothing was handed to the provider, as the lease is nearly over: somebody else may try at once."""
    return NudgeFailed(now, attempt.message.recipient, attempt.message.attempt, reason, now)


def still_stopped(case: Case, now: datetime) -> bool:
    """Whether a kill switch holds it back as before, so that there is nothing new to say."""
    delivery = case.nudge.to(case.recipient.pseudonym)
    stopped = isinstance(case.decision, Defer) and case.decision.reason is Reason.STOPPED
    return stopped and is_stopped(delivery) and delivery.due is not None and delivery.due > now
