"""Starts of a trigger: an event and, where the trigger says so, others that it needs."""

from bisect import bisect_right
from collections.abc import Mapping, Sequence
from datetime import date, datetime
from operator import attrgetter
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from msgspec import Struct
from msgspec.structs import replace

from domain.conditions.matching import Matcher
from domain.core.events import Effective
from domain.core.ids import Names
from domain.persons.person import age_on
from domain.rules.joint_events import Needs, completing_events, moved_back
from domain.rules.parameters import Parameter, parameters_on
from domain.rules.triggers import COMPLETE, Trigger


class Start(Struct, frozen=True):
    """A fact that triggers start on, with what conditions read at its time; `loaded`: the load's `ahead_from`."""

    fact: Effective
    values: dict[str, Any]
    zone: ZoneInfo
    loaded: datetime | None


def dated(values: dict[str, Any], day: date, parameters: Mapping[str, Parameter]) -> dict[str, Any]:
    """Return the values with what holds on that day: the person's age, and the law's parameters."""
    if (born := values.get("citizen.born_on")) is not None:
        values["citizen.age"] = age_on(born, day)
    return values | parameters_on(parameters, day.isoformat()) if parameters else values


def with_others(start: Start, trigger: Trigger, counted: Sequence[Effective], events: Matcher) -> Start | None:
    """Return the start with what the trigger needs besides it; None where that is not there.

    `counted`: of the events up to this one, those that the trigger may count; `events`: those of the whole history.
    What any of the events needed was loaded with is looked ahead from.
    """
    needs, used = trigger.needs or Needs(), [start.fact]
    if needs.count is not None:
        since = moved_back(start.fact.event.time, needs.count.within, start.zone)
        used = list(counted[bisect_right(counted, since, key=attrgetter("event.time")) :])
        if len(used) != needs.count.nth:
            return None
    if needs.together:
        candidates = [each.candidates(start.fact, start.values, start.zone, events) for each in needs.together]
        found = completing_events(candidates, in_order=needs.in_order)
        if found is None:
            return None
        used = [*used, *found]
    loads = [fact.ahead_from for fact in used if fact.ahead_from is not None]
    values = {**start.values, COMPLETE: max(fact.event.time for fact in used)}
    return replace(start, values=values, loaded=max(loads, default=None))


def occurrence_of(
    names: Names, person: str, trigger: Trigger, fact: Effective | None, number: int = 0
) -> UUID | None:
    """Return the id of a nudge's subject; None where a value that names it is missing. `number`: of the entitlement.

    Without a fact it is about the person. `number` counts from 0.
    """
    again = (str(number),) if number and not trigger.once else ()
    subject = () if fact is None else trigger.subject(fact)
    return None if subject is None else names.occurrence(trigger.name, person, *subject, *again)


def counts(start: Start, trigger: Trigger, person: str) -> bool:
    """Return True if the trigger counts the event that it would start on."""
    if trigger.to and trigger.to.isdisjoint(start.fact.event.role_of(person)):
        return False
    return trigger.when is None or trigger.when.holds(start.values) is True
