"""An emergency about a minor that reached no guardian: it goes to the minor."""

from datetime import datetime

from domain.facts.facts import NudgeDeferred
from domain.nudges.guardians_tried import no_guardian_reached
from domain.nudges.nudge import Nudge
from domain.nudges.settle import NotSentReason, was_no_guardian


def passed_to_minor(nudge: Nudge, now: datetime) -> NudgeDeferred | None:
    """Return the fact that gives an emergency to the minor whom it concerns; None where it stays with the guardians.

    Settling then decides whether the minor is told: a guardian may have been appointed meanwhile.
    """
    if nudge.intent.klass != "emergency" or nudge.gone:
        return None
    minor = nudge.intent.person
    has_theirs = any(one.recipient == minor and not was_no_guardian(one) for one in nudge.deliveries)
    if has_theirs or not no_guardian_reached(nudge):
        return None
    return NudgeDeferred(now, minor, now, NotSentReason.UNREACHED.value)
