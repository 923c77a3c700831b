"""An emergency about a minor that reached no guardian: it goes to the minor."""

from datetime import datetime

from domain.facts.facts import NudgeDeferred
from domain.nudges.delivery import MAYBE_SENT, Delivery
from domain.nudges.nudge import Nudge
from domain.nudges.settle import NotSentReason, was_no_guardian


def passed_to_minor(nudge: Nudge, now: datetime) -> NudgeDeferred | None:
    """Return the fact that gives an emergency to the minor whom it concerns; None where it stays with the guardians.

    It passes once the last delivery to a guardian has failed, with none under way and none that may have arrived.
    Settling then decides whether the minor is told: a guardian may have been appointed meanwhile.
    """
    if nudge.intent.klass != "emergency" or nudge.gone:
        return None
    minor = nudge.intent.person
    tried = [one for one in nudge.deliveries if not (one.recipient == minor and was_no_guardian(one))]
    if any(one.recipient == minor or _may_reach(one) for one in tried) or not any(one.has_failed for one in tried):
        return None
    return NudgeDeferred(now, minor, now, NotSentReason.UNREACHED.value)


def _may_reach(delivery: Delivery) -> bool:
    return delivery.due is not None or delivery.state in MAYBE_SENT
