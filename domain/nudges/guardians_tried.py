"""The guardians who were tried with an emergency about a minor: whether one of them may yet be reached."""

from datetime import datetime, timedelta

from domain.nudges.delivery import MAYBE_SENT, Delivery, State
from domain.nudges.nudge import Nudge

PATIENCE = timedelta(minutes=10)
"""The longest time for which guardians are tried before the minor is told as well."""


def no_guardian_reached(nudge: Nudge) -> bool:
    """Return True if the last delivery to a guardian has failed, with none under way and none that may have arrived.

    A delivery that is next tried more than ten minutes after its first attempt counts as failed: its provider may be
    away for hours.
    """
    tried = [one for one in nudge.deliveries if one.recipient != nudge.intent.person]
    return any(map(_fails, tried)) and not any(map(_may_reach, tried))


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
