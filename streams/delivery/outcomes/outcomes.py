"""What a provider said becomes a fact, in our vocabulary, with what follows from it."""

from collections.abc import Sequence
from datetime import datetime, timedelta

from msgspec import Struct
from msgspec.structs import replace

from domain.facts.facts import NudgeFact, NudgeFailed, NudgeSent, NudgeUnknown
from domain.nudges.class_overrides import OVERRIDES
from domain.nudges.delivery import Delivery
from domain.nudges.settle import Settlement, channels_left
from domain.persons.hours import local_zone
from notifiers.port.interface import Accepted, GiveUp, Outcome, RetryLater
from notifiers.port.routes import Provider, in_trouble

ATTEMPTS_A_CHANNEL, UNKNOWN_A_CHANNEL = 8, 3
BACKOFF = (timedelta(minutes=1), timedelta(minutes=5), timedelta(minutes=15), timedelta(hours=1), timedelta(hours=4))


class Tried(Struct, frozen=True):
    """An attempt whose outcome is known: `delivery` as of the attempt, and the provider that it was given to.

    `others`: further providers of the channel that could be tried at once.
    """

    case: Settlement
    delivery: Delivery
    provider: Provider | None
    others: Sequence[Provider] = ()


def fact_of(tried: Tried, outcome: Outcome, now: datetime) -> NudgeFact:
    """The fact that an attempt's outcome is."""
    delivery = tried.delivery
    recipient, attempt = delivery.recipient, delivery.attempt
    match outcome:
        case Accepted(reference):
            provider = tried.provider
            reports = provider is not None and provider.notifier.reports
            return sent(tried, reference, now, provider.name if provider is not None else "", reports=reports)
        case RetryLater() if (retry_at := _again_at(tried, outcome, now)) is not None:
            return NudgeFailed(now, recipient, attempt, outcome.reason.value, retry_at)
        case RetryLater(_, reason) | GiveUp(reason):
            retry_at = now if _more_channels(tried) else None
            return NudgeFailed(now, recipient, attempt, reason.value, retry_at, gave_up=True)
        case _:
            return unknown(tried, outcome.reason.value, now)


def _again_at(tried: Tried, outcome: RetryLater, now: datetime) -> datetime | None:
    """When the same channel is tried again; None: it had its attempts, or its time, and the next has its turn.

    A channel that is away for longer than a silence may last is no better than a silent one.
    """
    delivery = tried.delivery
    if delivery.attempt >= ATTEMPTS_A_CHANNEL * (len(delivery.exhausted) + 1):
        return None
    at = now + _wait(tried, outcome)
    ends = [each for each in (_silent_at(tried, delivery.since or now), tried.case.nudge.intent.expires) if each]
    return None if ends and at >= min(ends) and _more_channels(tried) else at


def _wait(tried: Tried, outcome: RetryLater) -> timedelta:
    """What a provider asks for is its own wish: where there is another, it holds up nobody."""
    if tried.others:
        return timedelta() if in_trouble(outcome) or outcome.everybody else backoff(tried.delivery.attempt)
    return max(outcome.after or timedelta(), backoff(tried.delivery.attempt))


def sent(tried: Tried, reference: str, now: datetime, provider: str, *, reports: bool) -> NudgeSent:
    """It was taken over; a silence means something where the provider reports, or where opening is waited for."""
    trigger = tried.case.trigger
    silent_at = _silent_at(tried, now) if reports or trigger.until_opened else None
    return NudgeSent(
        now,
        tried.delivery.recipient,
        tried.delivery.attempt,
        reference,
        silent_at,
        trigger.until_opened and silent_at is not None,
        provider,
    )


def unknown(tried: Tried, reason: str, now: datetime, *, asked: bool = False) -> NudgeUnknown:
    """Nobody knows whether it went: again only where the provider removes doubles, or twice is better than never.

    And not for ever: a person who may have had it a few times has had it. Where it is not tried again, the next
    channel has its turn after a silence. All that only once its provider was `asked`, where it can be.
    """
    delivery, provider = tried.delivery, tried.provider
    if not asked and provider is not None and (after := provider.ask_after) is not None:
        return NudgeUnknown(now, delivery.recipient, delivery.attempt, reason, ask_at=now + after)
    often = delivery.attempt >= UNKNOWN_A_CHANNEL * (len(delivery.exhausted) + 1)
    removes_doubles = provider is not None and provider.notifier.removes_doubles
    again = (removes_doubles or OVERRIDES[tried.case.trigger.klass].repeats) and not often
    return NudgeUnknown(
        now,
        delivery.recipient,
        delivery.attempt,
        reason,
        now + backoff(delivery.attempt) if again else None,
        None if again else _silent_at(tried, now),
    )


def not_again(case: Settlement, now: datetime) -> NudgeUnknown:
    """Of what may have gone: the only provider that would remove a double is not among the settings any more."""
    delivery = case.nudge.to(case.person.pseudonym)
    return unknown(Tried(case, delivery, None), "no_outcome", now)


def _silent_at(tried: Tried, now: datetime) -> datetime | None:
    if not _more_channels(tried):
        return None
    at = tried.case.trigger.silent_at(now, local_zone(tried.case.person, tried.case.defaults))
    expires = tried.case.nudge.intent.expires
    return None if at is not None and expires is not None and at >= expires else at


def _more_channels(tried: Tried) -> bool:
    """Whether another channel could be tried after this attempt's."""
    delivery = tried.delivery
    exhausted = (*delivery.exhausted, delivery.channel or "")
    return next(channels_left(tried.case, replace(delivery, exhausted=exhausted)), None) is not None


def backoff(attempt: int) -> timedelta:
    """How long to wait after that attempt."""
    return BACKOFF[min(attempt, len(BACKOFF)) - 1]
