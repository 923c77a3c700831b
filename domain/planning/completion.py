"""Completions: the times at which a person did, or a report showed, what a nudge would ask for."""

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from domain.conditions.matching import ALL_TIMES, Matcher
from domain.planning.starts import Start
from domain.rules.triggers import CORRECTION, Trigger

NUDGE = "event.nudge"
"""The field by which an answer names its nudge."""


class Completion(NamedTuple):
    """The thing itself happened at that time; `patient`: its trigger waits for late reports of it.

    `area`: it ends only what is about homes there; `theirs`: it is reported of the person, not of an area.
    """

    time: datetime
    patient: bool
    area: str | None = None
    theirs: bool = True


def is_about_homes(start: Start, trigger: Trigger) -> bool:
    """Return True if it starts on an event in an area, so that it concerns everybody who lives there."""
    return start.fact.event.area is not None and not trigger.alone


def completions_of(
    start: Start, trigger: Trigger, events: Matcher, deadline: datetime | None = None
) -> list[Completion]:
    """Return the first completion, before or after the event that the trigger starts on.

    With the deadline of a step, only completions around it count (`within`); without, all the others. For homes,
    return all completions in their areas: each ends only what is about homes there.
    """
    about_homes = is_about_homes(start, trigger)
    itself = None if trigger.alone else start.fact
    found: list[Completion] = []
    for unless in trigger.lasting if deadline is None else trigger.passing:
        within = ALL_TIMES
        if deadline is not None and unless.within is not None:
            within = unless.within.around(deadline, start.zone)
        for later in events.matching(unless.on, unless.when, start.values, within, besides=itself):
            area = later.event.area
            found.append(
                Completion(later.event.time, bool(unless.grace), area if about_homes else None, area is None)
            )
            if area is None and not about_homes:
                break  # the first that is reported of the person: what comes after it happened later
    return found


def answers(events: Matcher, trigger: Trigger, id_of: Callable[[str], UUID]) -> list[Completion]:
    """Return the person's answers to any nudge of the occurrence; `id_of`: a step's name -> its nudge."""
    if not (replies := [found for type_ in trigger.answered_by if (found := events.by_text(type_, NUDGE))]):
        return []
    ids = {str(id_of(name)) for name in (*trigger.step_names, CORRECTION)}
    return [
        Completion(fact.event.time, patient=False) for each in replies for id_ in ids for fact in each.get(id_, ())
    ]


def moot_from(done: Sequence[Completion]) -> datetime | None:
    """Return the time of the first completion after the deadline; those with a grace count only before it."""
    return min((each.time for each in done if not each.patient), default=None)


def first_by(done: Sequence[Completion]) -> datetime | None:
    """Return the time at which the person first did it, in time or late; an event in an area is nobody's doing."""
    return min((each.time for each in done if each.theirs), default=None)
