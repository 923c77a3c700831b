"""A person as the platform sees them: attributes folded from life events, as of a time."""

from collections.abc import Iterable, Mapping
from datetime import date, datetime, timedelta
from functools import lru_cache
from typing import Any
from zoneinfo import ZoneInfo

from msgspec import Struct

from domain.core.events import Effective, LifeEvent
from domain.core.plain import PlainData
from domain.core.timing import add_months
from domain.rules.event_types import Catalogue, EventType, Setting


class Person(Struct, frozen=True):
    """`attributes`: "citizen.<name>" -> value, as last set; `died`: the time of the event that ended their life."""

    pseudonym: str
    attributes: Mapping[str, Any]
    died: datetime | None = None

    def get(self, name: str) -> PlainData:
        """Return the attribute's value, or None."""
        return self.attributes.get(f"citizen.{name}")

    def age(self, day: date) -> int | None:
        """Return the whole years lived on that day, or None where the birth date is unknown."""
        return None if (born := self.get("born_on")) is None else age_on(born, day)


def age_on(born_on: str, day: date) -> int:
    """Return the whole years from an ISO date to a day; born on 29 February means 1 March in common years."""
    year, month, number = _parts(born_on)
    return day.year - year - (day.month < month or (day.month == month and day.day < number))


def birthday(born: date, years: int) -> date:
    """Return the day on which somebody is so many years old; who is born on 29 February, on 1 March in common years.

    Raises:
        OverflowError: beyond the year 9999.
    """
    day = add_months(born, 12 * years)
    return day if day.day == born.day else day + timedelta(days=1)


@lru_cache(maxsize=512)  # a history asks for the age at each of its events
def _parts(born_on: str) -> tuple[int, int, int]:
    return int(born_on[:4]), int(born_on[5:7]), int(born_on[8:10])


def citizen_values(attributes: Mapping[str, Any], at: datetime, zone: ZoneInfo) -> dict[str, Any]:
    """Return the attributes, with the age that they give at that time."""
    values = dict(attributes)
    if (born := values.get("citizen.born_on")) is not None:
        values["citizen.age"] = age_on(born, at.astimezone(zone).date())
    return values


class Fold:
    """Folds one person's events, in order, into their attributes; asked between two events, it gives that moment."""

    def __init__(self, pseudonym: str, catalogue: Catalogue) -> None:
        self.pseudonym = pseudonym
        self.attributes: dict[str, Any] = {}
        self.died: datetime | None = None
        self._types = catalogue.types

    def take(self, event: LifeEvent, known: Effective | None = None) -> None:
        """Apply what the event sets on the person. An unknown type sets nothing. `known`: it, with its values."""
        type_ = self._types.get(event.type)
        if type_ is None or not (type_.sets or type_.ends_life):
            return
        for role in event.role_of(self.pseudonym):
            self._set(type_, role, event, known or event)

    def _set(self, type_: EventType, role: str, event: LifeEvent, known: Effective | LifeEvent) -> None:
        if settings := type_.sets.get(role):
            values = known.values
            for setting in settings:
                self._apply(setting, event, values)
        if type_.ends_life and role == type_.subject and self.died is None:
            self.died = event.time

    def _apply(self, setting: Setting, event: LifeEvent, values: Mapping[str, Any]) -> None:
        name = f"citizen.{setting.attribute}"
        if setting.roles:
            self.attributes[name] = [one for role in setting.roles for one in event.persons.get(role, ())]
        elif setting.path is None:
            self.attributes[name] = setting.literal
        elif setting.path in values:
            self._replace(name, values[setting.path])

    def _replace(self, name: str, value: PlainData) -> None:
        if value is None:
            self.attributes.pop(name, None)
        else:
            self.attributes[name] = value

    def person(self) -> Person:
        """Return the person as folded so far."""
        return Person(self.pseudonym, dict(self.attributes), self.died)


def person_as_of(
    pseudonym: str, events: Iterable[Effective], catalogue: Catalogue, at: datetime | None = None
) -> Person:
    """Return the person folded from the events up to and including that time (default: all)."""
    fold = Fold(pseudonym, catalogue)
    for one in events:
        if at is None or one.event.time <= at:
            fold.take(one.event, one)
    return fold.person()
