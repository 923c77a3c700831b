"""The course of a person's life: what held of them at any time, and which facts made it so."""

from bisect import bisect_right
from collections.abc import Collection, Iterable, Iterator, Mapping
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from domain.conditions.matching import Matcher, by_type
from domain.core.events import Effective
from domain.core.plain import PlainData
from domain.persons.history import History
from domain.persons.hours import zone_of_attributes
from domain.persons.person import Fold, citizen_values
from domain.rules.benefits import stored_attribute
from domain.rules.parameters import parameters_on
from domain.rules.rulebook import Rulebook

_NOTHING: frozenset[str] = frozenset()


class LifeCourse:
    """A history, folded once and asked at many times. `events`: those of the history, where somebody has them."""

    def __init__(self, history: History, rulebook: Rulebook, events: Matcher | None = None) -> None:
        self.facts, self.catalogue = history.facts, rulebook.catalogue
        self._defaults = rulebook.defaults
        self._person = history.person
        fold = Fold(history.person, rulebook.catalogue)
        self._times: list[datetime] = []
        self._attributes: list[dict[str, Any]] = [{}]
        self._set: list[frozenset[str]] = []
        for fact in history.facts:
            attributes = self._set_by(fact)
            fold.take(fact.event)
            self._times.append(fact.event.time)
            self._set.append(attributes)
            self._attributes.append(dict(fold.attributes) if attributes else self._attributes[-1])
        self.died = fold.died
        self.events = events or Matcher(by_type(history.facts))

    def zone(self, at: datetime) -> ZoneInfo:
        """Return the person's zone at that time."""
        return zone_of_attributes(self.attributes(at), self._defaults)

    def values(self, at: datetime) -> dict[str, Any]:
        """Return the values of the person and of the law that conditions read at that time."""
        zone = self.zone(at)
        values = citizen_values(self.attributes(at), at, zone)
        return values | parameters_on(self.catalogue.parameters, at.astimezone(zone).date().isoformat())

    def attributes(self, at: datetime) -> Mapping[str, Any]:
        """Return the person's attributes as of that time: "citizen.<name>" -> value, without their age."""
        return self._attributes[bisect_right(self._times, at)]

    def last_value(self, attribute: str) -> PlainData:
        """Return the attribute ("citizen.<name>") as the last fact left it, or None."""
        return self._attributes[-1].get(attribute)

    @property
    def first_time(self) -> datetime | None:
        """Return the time of the first fact."""
        return next(iter(self._times), None)

    def turning_points(self, types: Collection[str], reads: Iterable[str]) -> Iterator[datetime]:
        """Yield the times of the facts of these types, of those that may change what is read, and of the death."""
        wanted = {stored_attribute(name) for name in reads if name.startswith("citizen.")}
        if types or wanted:
            for fact, attributes in zip(self.facts, self._set, strict=True):
                if fact.event.type in types or not wanted.isdisjoint(attributes):
                    yield fact.event.time
        if self.died is not None:
            yield self.died

    def setter(self, attribute: str, at: datetime) -> Effective | None:
        """Return the last fact up to that time that could set the attribute ("citizen.<name>")."""
        wanted = stored_attribute(attribute)
        for number in reversed(range(bisect_right(self._times, at))):
            if wanted in self._set[number]:
                return self.facts[number]
        return None

    def _set_by(self, fact: Effective) -> frozenset[str]:
        """Return the attributes that the fact may set on the person."""
        if (type_ := self.catalogue.types.get(fact.event.type)) is None or not type_.sets:
            return _NOTHING
        roles = fact.event.role_of(self._person)
        return frozenset([setting.attribute for role in roles for setting in type_.sets.get(role, ())])
