"""What a provider said becomes a fact, in our vocabulary, with what follows from it."""

from datetime import datetime, timedelta

from msgspec.structs import replace

from domain.delivery import Delivery
from domain.facts import NudgeFact, NudgeFailed, NudgeSent, NudgeUnknown
from domain.settle import Settlement, channels_left
from domain.triggers import Class
from notifiers.port import Accepted, GiveUp, Outcome, RetryLater

ATTEMPTS_A_CHANNEL, UNKNOWN_A_CHANNEL = 8, 3
BACKOFF = (
    timedelta(minutes=1), timedelta(minutes=5), timedelta(minutes=15), timedelta(hours=1), timedelta(hours=4)
)  # fmt: skip


def fact_of(
    case: Settlement, delivery: Delivery, outcome: Outcome, *, removes_doubles: bool, now: datetime
) -> NudgeFact:
    """The fact that an attempt's outcome is; `delivery` is as of the attempt."""
    recipient, attempt = delivery.recipient, delivery.attempt
    match outcome:
        case Accepted(reference):
            return NudgeSent(now, recipient, attempt, reference)
        case RetryLater(after, reason) if attempt < ATTEMPTS_A_CHANNEL * (len(delivery.exhausted) + 1):
            return NudgeFailed(now, recipient, attempt, reason.value, now + (after or backoff(attempt)))
        case RetryLater(_, reason) | GiveUp(reason):
            exhausted = (*delivery.exhausted, delivery.channel or "")
            more = next(channels_left(case, replace(delivery, exhausted=exhausted)), None) is not None
            return NudgeFailed(now, recipient, attempt, reason.value, now if more else None, gave_up=True)
        case _:
            return unknown(
                delivery, outcome.reason.value, case.trigger.klass, removes_doubles=removes_doubles, now=now
            )


def unknown(delivery: Delivery, reason: str, klass: Class, *, removes_doubles: bool, now: datetime) -> NudgeUnknown:
    """Nobody knows whether it went: again only where the provider removes doubles, or the law wants it.

    And not for ever: a person who may have had it a few times has had it.
    """
    often = delivery.attempt >= UNKNOWN_A_CHANNEL * (len(delivery.exhausted) + 1)
    again = now + backoff(delivery.attempt) if (removes_doubles or klass == "legal") and not often else None
    return NudgeUnknown(now, delivery.recipient, delivery.attempt, reason, again)


def backoff(attempt: int) -> timedelta:
    """How long to wait after that attempt."""
    return BACKOFF[min(attempt, len(BACKOFF)) - 1]
