"""The fatigue cap: how many messages a person gets in so many days, whichever agencies they come from."""

from collections.abc import Iterable
from datetime import datetime, timedelta

from domain.core.timing import UTC
from domain.nudges.class_rules import CLASS_RULES
from domain.nudges.delivery import Delivery
from domain.rules.rulebook import Defaults

ON_ITS_WAY = datetime.max.replace(tzinfo=UTC)


def counted_from(delivery: Delivery, klass: str) -> datetime | None:
    """Return the time from which a delivery counts towards its recipient's cap; None: it does not count.

    One that is on its way counts for ever. What went with a digest does not count: the digest does, once.
    """
    if not CLASS_RULES[klass].counts or delivery.digest is not None or delivery.attempted_at is None:
        return None
    if delivery.due is not None:
        return ON_ITS_WAY
    return delivery.attempted_at if delivery.maybe_sent else None


def window_start(defaults: Defaults, now: datetime) -> datetime:
    """Return the time from which messages count towards the cap: a day of the cap is 24 hours."""
    return now - timedelta(days=defaults.cap_days)


def counted(messages: Iterable[datetime], defaults: Defaults, now: datetime) -> int:
    """Return the number of messages that count now, given the time from which each counts."""
    start = window_start(defaults, now)
    return sum(at > start for at in messages)


def is_capped(delivery: Delivery, klass: str) -> bool:
    """Return True if the cap applies; a delivery that was attempted is exempt."""
    return not CLASS_RULES[klass].ignores_cap and delivery.attempted_at is None
