"""One nudge, and the facts that may befall it."""

from datetime import datetime
from uuid import UUID

from domain.facts import facts
from domain.facts.facts import NudgeFact
from domain.nudges.nudge import Nudge, content_of, evolve, intent_of
from tests.domain.world import AIDA, at

ID = UUID(int=1)
INTENT = intent_of(
    ID,
    facts.NudgePlanned(
        at("2025-01-10"),
        AIDA,
        "card",
        "card@1",
        UUID(int=2),
        "month",
        at("2025-01-21 09:00"),
        at("2025-02-20 09:00"),
        "reminder",
        ("push", "sms", "email"),
        UUID(int=3),
    ),
)
DUE, NOW, LATER, LEASE = INTENT.due, at("2025-01-21 09:00"), at("2025-01-22 09:00"), at("2025-01-21 09:03")
PLANNED = facts.NudgePlanned(at("2025-01-10"), **content_of(INTENT))


def attempted(number: int = 1, channel: str = "sms", to: str = AIDA) -> facts.NudgeAttempted:
    """The nudge is about to be handed to a provider."""
    return facts.NudgeAttempted(NOW, to, number, channel, "fake", LEASE)


def failed(number: int = 1, retry_at: datetime | None = None, *, gave_up: bool = False) -> facts.NudgeFailed:
    """The attempt failed."""
    return facts.NudgeFailed(NOW, AIDA, number, "refused", retry_at, gave_up)


def sent(number: int = 1, to: str = AIDA) -> facts.NudgeSent:
    """The provider took it over."""
    return facts.NudgeSent(NOW, to, number, "ref")


def unknown(number: int = 1, retry_at: datetime | None = None) -> facts.NudgeUnknown:
    """Nobody knows whether the attempt went out."""
    return facts.NudgeUnknown(NOW, AIDA, number, "no_outcome", retry_at)


WITHHELD = facts.NudgeWithheld(NOW, AIDA, "opted_out")
DEFERRED = facts.NudgeDeferred(NOW, AIDA, LATER, "quiet_hours")
DIGEST = UUID(int=5)
DIGESTED = facts.NudgeDigested(NOW, AIDA, DIGEST, LATER, 3, 7)
EXPIRED = facts.NudgeExpired(NOW, AIDA)
CANCELLED = facts.NudgeCancelled(NOW)
DELIVERED = facts.NudgeDelivered(NOW, AIDA, 1)
OPENED = facts.NudgeOpened(NOW, AIDA, 1)
ANSWERED = facts.NudgeAnswered(NOW, AIDA, UUID(int=4))
MOVED = facts.NudgeRescheduled(NOW, **content_of(INTENT))


def life(*lived: NudgeFact) -> Nudge:
    """A nudge that was planned and lived through these facts."""
    nudge = evolve(None, ID, 1, PLANNED)
    for version, fact in enumerate(lived, 2):
        nudge = evolve(nudge, ID, version, fact)
    return nudge
