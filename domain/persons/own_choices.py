"""Persons' own choices as life events; a later choice is not recorded before earlier ones."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from domain.core.events import Effective, LifeEvent
from domain.core.ids import Names
from domain.rules.event_types import Catalogue


def event_of_person(
    names: Names,
    source: str,
    id_: str,
    type_: str,
    role: str,
    person: str,
    fields: Mapping[str, Mapping[str, Any]],
    time: datetime,
) -> LifeEvent:
    """Return a life event of the person in that role, as the platform reports it; the same id is the same event."""
    return LifeEvent(
        stream=names.stream(source, id_),
        source=source,
        id=id_,
        type=type_,
        time=time,
        persons={role: (person,)},
        fields=fields,
        digest=names.digest(id_.encode()),
    )


def time_after(
    facts: Sequence[Effective], attributes: Sequence[str], catalogue: Catalogue, now: datetime
) -> datetime:
    """Return now, or just after the last event that set one of the attributes: a registry's clock may be ahead."""
    times = (time for attribute in attributes for time in times_of_setting(facts, attribute, catalogue))
    return max([now, *(time + timedelta(microseconds=1) for time in times)])


def times_of_setting(facts: Iterable[Effective], attribute: str, catalogue: Catalogue) -> Iterator[datetime]:
    """Yield the times of the events that set the attribute on anybody whom they name."""
    for one in facts:
        type_ = catalogue.types.get(one.event.type)
        settings = [each for some in type_.sets.values() for each in some] if type_ else ()
        if any(each.attribute == attribute for each in settings):
            yield one.event.time
