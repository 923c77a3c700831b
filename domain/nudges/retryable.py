"""Deliveries that failed by a provider's outage and may be retried: certainly not sent, and still worth something."""

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import NamedTuple

from domain.facts.facts import NudgeAttempted, NudgeFact, NudgeFailed
from domain.facts.receipts import PASSING_FAILURES
from domain.nudges.delivery import Delivery, State
from domain.nudges.nudge import Nudge


class Failure(NamedTuple):
    """The end of a channel: the provider of the last attempt on it, its time, and the reason of its failure."""

    provider: str
    at: datetime
    reason: str


def is_retryable(nudge: Nudge, delivery: Delivery, now: datetime) -> bool:
    """Return True for a delivery that ended without being read, and for which a further attempt would still be of
    use.

    A nudge that went with a digest is retried with the digest.
    """
    intent = nudge.intent
    ended = delivery.state is State.FAILED and delivery.due is None and not delivery.maybe_sent
    return ended and delivery.digest is None and not nudge.gone and (intent.expires is None or now < intent.expires)


def passing_failures(facts: Iterable[NudgeFact], recipient: str) -> Mapping[str, Failure]:
    """Return channel -> how it ended for the recipient, in order, where an outage ended it and not the address."""
    attempts: dict[int, NudgeAttempted] = {}
    ended: dict[str, Failure] = {}
    for fact in facts:
        match fact:
            case NudgeAttempted(recipient=to) if to == recipient:
                attempts[fact.attempt] = fact
            case NudgeFailed(recipient=to) if to == recipient:
                attempt = attempts[fact.attempt]
                ended.pop(attempt.channel, None)
                ended[attempt.channel] = Failure(attempt.provider, fact.at, fact.reason)
            case _:
                pass
    return {channel: each for channel, each in ended.items() if each.reason in PASSING_FAILURES}
