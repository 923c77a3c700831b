"""Outcomes as facts: what follows from a provider's answer (another attempt, the next channel, the end)."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from uuid import UUID

from msgspec import Struct, field
from msgspec.structs import replace

from domain.facts.facts import NudgeFact, NudgeFailed, NudgeSent, NudgeUnknown
from domain.nudges.class_rules import CLASS_RULES
from domain.nudges.delivery import Delivery
from domain.nudges.settle import Settlement, channels_left
from domain.persons.hours import local_zone
from notifiers.port.interface import Accepted, GiveUp, Outcome, RetryLater
from notifiers.port.routes import Provider, in_trouble
from projections.handed_over import AttemptId
from streams.delivery.outcomes.references import Parts

MOST_ATTEMPTS_PER_CHANNEL, MOST_UNKNOWN_PER_CHANNEL = 8, 3
BACKOFF = (timedelta(minutes=1), timedelta(minutes=5), timedelta(minutes=15), timedelta(hours=1), timedelta(hours=4))


class Attempted(Struct, frozen=True):
    """An attempt that was made: `delivery` as of the attempt, and its provider (None: not in the settings any more).

    `others`: further providers of the channel that could be tried at once.
    """

    case: Settlement
    delivery: Delivery
    provider: Provider | None
    others: Sequence[Provider] = ()


class Outcomes(Struct, frozen=True):
    """Facts that record outcomes. `part_names`: the providers' names for the parts of long messages.

    `may_be_reported_early`: False if the provider never reports by our own name, so that no early receipt needs to be
    looked for after a `NudgeSent`. After a `NudgeUnknown` one always is.
    """

    facts: Sequence[tuple[UUID, NudgeFact]]
    part_names: Parts = field(default_factory=dict)
    may_be_reported_early: bool = True

    @property
    def by_attempt(self) -> list[tuple[AttemptId, NudgeSent | NudgeFailed | NudgeUnknown]]:
        """Return the outcomes by attempt."""
        return [
            (AttemptId(nudge, fact.recipient, fact.attempt), fact)
            for nudge, fact in self.facts
            if isinstance(fact, NudgeSent | NudgeFailed | NudgeUnknown)
        ]

    @property
    def attempts(self) -> list[AttemptId]:
        """Return the attempts whose outcomes they are."""
        return [attempt for attempt, _ in self.by_attempt]


def fact_of(attempted: Attempted, outcome: Outcome, now: datetime) -> NudgeFact:
    """Return the fact that records the outcome of an attempt."""
    delivery = attempted.delivery
    recipient, attempt = delivery.recipient, delivery.attempt
    match outcome:
        case Accepted(reference):
            provider = attempted.provider
            reports = provider is not None and provider.notifier.reports
            return sent_fact(
                attempted, reference, now, provider.name if provider is not None else "", reports=reports
            )
        case RetryLater() if (retry_at := _again_at(attempted, outcome, now)) is not None:
            return NudgeFailed(now, recipient, attempt, outcome.reason.value, retry_at)
        case RetryLater(_, reason) | GiveUp(reason):
            retry_at = now if _more_channels(attempted) else None
            return NudgeFailed(now, recipient, attempt, reason.value, retry_at, gave_up=True)
        case _:
            return unknown_fact(attempted, outcome.reason.value, now)


def _again_at(attempted: Attempted, outcome: RetryLater, now: datetime) -> datetime | None:
    """Return when the same channel is tried again; None: its attempts or its time are over, and the next one follows.

    A channel that is away for longer than a silence may last is treated as a silent one.
    """
    delivery = attempted.delivery
    if delivery.attempt >= MOST_ATTEMPTS_PER_CHANNEL * (len(delivery.exhausted) + 1):
        return None
    at = now + _wait(attempted, outcome)
    ends = [end for end in (_silent_at(attempted, delivery.since or now), attempted.case.nudge.intent.expires) if end]
    return None if ends and at >= min(ends) and _more_channels(attempted) else at


def _wait(attempted: Attempted, outcome: RetryLater) -> timedelta:
    """Return how long to wait: the provider's own wish counts only where there is no other provider."""
    if attempted.others:
        return timedelta() if in_trouble(outcome) or outcome.everybody else backoff(attempted.delivery.attempt)
    return max(outcome.after or timedelta(), backoff(attempted.delivery.attempt))


def sent_fact(attempted: Attempted, reference: str, now: datetime, provider: str, *, reports: bool) -> NudgeSent:
    """Return the fact that the provider accepted it.

    A silence counts only where the provider reports, or where opening is waited for.
    """
    trigger = attempted.case.trigger
    silent_at = _silent_at(attempted, now) if reports or trigger.until_opened else None
    return NudgeSent(
        now,
        attempted.delivery.recipient,
        attempted.delivery.attempt,
        reference,
        silent_at,
        trigger.until_opened and silent_at is not None,
        provider,
    )


def unknown_fact(attempted: Attempted, reason: str, now: datetime, *, asked: bool = False) -> NudgeUnknown:
    """Return the fact that the outcome is unknown: the message may have been sent.

    It is sent again only if the provider removes doubles, or if twice is better than never, and at most
    MOST_UNKNOWN_PER_CHANNEL times. Otherwise the next channel follows after a silence. A provider that can be asked
    is asked first (`asked`: it was).
    """
    delivery, provider = attempted.delivery, attempted.provider
    if not asked and provider is not None and (after := provider.ask_after) is not None:
        return NudgeUnknown(now, delivery.recipient, delivery.attempt, reason, ask_at=now + after)
    often = delivery.attempt >= MOST_UNKNOWN_PER_CHANNEL * (len(delivery.exhausted) + 1)
    removes_doubles = provider is not None and provider.notifier.removes_doubles
    again = (removes_doubles or CLASS_RULES[attempted.case.trigger.klass].repeats) and not often
    return NudgeUnknown(
        now,
        delivery.recipient,
        delivery.attempt,
        reason,
        now + backoff(delivery.attempt) if again else None,
        None if again else _silent_at(attempted, now),
    )


def unknown_without_retry(case: Settlement, now: datetime) -> NudgeUnknown:
    """Return the fact for a message that may have gone: there is no provider that would remove a double."""
    delivery = case.nudge.to(case.person.pseudonym)
    return unknown_fact(Attempted(case, delivery, None), "no_outcome", now)


def _silent_at(attempted: Attempted, now: datetime) -> datetime | None:
    if not _more_channels(attempted):
        return None
    at = attempted.case.trigger.silent_at(now, local_zone(attempted.case.person, attempted.case.defaults))
    expires = attempted.case.nudge.intent.expires
    return None if at is not None and expires is not None and at >= expires else at


def _more_channels(attempted: Attempted) -> bool:
    """Return whether another channel could be tried after this attempt's."""
    delivery = attempted.delivery
    exhausted = (*delivery.exhausted, delivery.channel or "")
    return next(channels_left(attempted.case, replace(delivery, exhausted=exhausted)), None) is not None


def backoff(attempt: int) -> timedelta:
    """Return how long to wait after the attempt of that number."""
    return BACKOFF[min(attempt, len(BACKOFF)) - 1]
