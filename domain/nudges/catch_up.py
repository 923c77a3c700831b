"""Catching up: somebody who joins late gets the nearest step, not all of them."""

from collections.abc import Iterable

from domain.nudges.nudge import Nudge
from domain.rules.triggers import CORRECTION, Trigger


def caught_up(nudge: Nudge, trigger: Trigger, others: Iterable[Nudge]) -> bool:
    """Return True if a nudge is dropped because a later step was also overdue when both were planned (see
    `catch_up`).
    """
    if trigger.catch_up == "all" or not _overdue(nudge):
        return False
    return trigger.catch_up == "none" or any(_later_twin(nudge, other) for other in others)


def _overdue(nudge: Nudge) -> bool:
    return nudge.intent.due < nudge.planned_at and nudge.intent.step != CORRECTION


def _later_twin(nudge: Nudge, other: Nudge) -> bool:
    mine, theirs = nudge.intent, other.intent
    same = mine.trigger == theirs.trigger and mine.occurrence == theirs.occurrence and mine.person == theirs.person
    return same and not other.cancelled and _overdue(other) and (theirs.due, theirs.step) > (mine.due, mine.step)
