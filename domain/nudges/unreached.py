"""An emergency about a minor that reached no guardian: it goes to the minor."""

from datetime import datetime, timedelta

from domain.facts.facts import NudgeDeferred
from domain.nudges.delivery import MAYBE_SENT, Delivery, State
from domain.nudges.nudge import Nudge
from domain.nudges.settle import NotSentReason, was_no_guardian

PATIENCE = timedelta(minutes=10)
"""The longest time for which guardians are tried before the minor is told as well."""


def passed_to_minor(nudge: Nudge, now: datetime) -> NudgeDeferred | None:
    """Return the fact that gives an emergency to the minor whom it concerns; None where it stays with the guardians.

    It passes once the last delivery to a guardian has failed, with none under way and none that may have arrived. A
    delivery that is next tried more than ten minutes after its first attempt counts as failed: its provider may be
    away for hours. Settling then decides whether the minor is told: a guardian may have been appointed meanwhile.
    """
    if nudge.intent.klass != "emergency" or nudge.gone:
        return None
    minor = nudge.intent.person
    tried = [one for one in nudge.deliveries if not (one.recipient == minor and was_no_guardian(one))]
    if any(one.recipient == minor or _may_reach(one) for one in tried):
        return None
    if not any(map(_fails, tried)):
        return None
    return NudgeDeferred(now, minor, now, NotSentReason.UNREACHED.value)


def _may_reach(delivery: Delivery) -> bool:
    if _fails(delivery):
        return delivery.due is not None and delivery.due - _first_tried(delivery) < PATIENCE
    return delivery.due is not None or delivery.state in MAYBE_SENT


def _fails(delivery: Delivery) -> bool:
    """Return True if no attempt can have reached the recipient so far."""
    return delivery.state is State.FAILED and not (delivery.accepted or delivery.uncertain)


def _first_tried(delivery: Delivery) -> datetime:
    assert delivery.attempted_at is not None  # it has failed
    return delivery.made[0][1] if delivery.made else delivery.attempted_at
