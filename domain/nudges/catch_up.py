"""Catching up: somebody who joins late gets the nearest step, not all of them."""

from collections.abc import Iterable

from domain.nudges.nudge import Nudge
from domain.rules.triggers import CORRECTION, Trigger


def caught_up(nudge: Nudge, trigger: Trigger, others: Iterable[Nudge]) -> bool:
    """Return True if a nudge is dropped because a later step was also overdue when both were planned (see
    `catch_up`).
    """
    if trigger.catch_up == "none":
        return _overdue(nudge)
    return may_have_twin(nudge, trigger) and any(_later_twin(nudge, other) for other in others)


def may_have_twin(nudge: Nudge, trigger: Trigger) -> bool:
    """Return True if a later step of the same can make it needless, so that the person's other nudges matter."""
    return trigger.catch_up == "latest" and _overdue(nudge)


def _overdue(nudge: Nudge) -> bool:
    return nudge.intent.due < nudge.planned_at and nudge.intent.step != CORRECTION


def _later_twin(nudge: Nudge, other: Nudge) -> bool:
    mine, theirs = nudge.intent, other.intent
    same = mine.trigger == theirs.trigger and mine.occurrence == theirs.occurrence and mine.person == theirs.person
    return same and not other.cancelled and _overdue(other) and (theirs.due, theirs.step) > (mine.due, mine.step)
