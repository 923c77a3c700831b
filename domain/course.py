"""The course of a person's life: what held of them at any time, and which facts made it so."""

from bisect import bisect_right
from collections.abc import Collection, Iterable, Iterator, Mapping
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from domain.events import Effective
from domain.history import History
from domain.parameters import parameters_on
from domain.person import Fold, citizen_values
from domain.rulebook import Rulebook
from domain.timing import zone_or


class Course:
    """A history, folded once and asked at many times."""

    def __init__(self, history: History, rulebook: Rulebook) -> None:
        self.facts, self.catalogue = history.facts, rulebook.catalogue
        self._default = rulebook.defaults.zone
        self._person = history.person
        fold = Fold(history.person, rulebook.catalogue)
        self._times: list[datetime] = []
        self._attributes: list[dict[str, Any]] = [{}]
        for fact in history.facts:
            fold.take(fact.event)
            self._times.append(fact.event.time)
            self._attributes.append(dict(fold.attributes))
        self.died = fold.died
        self.by_type: dict[str, list[Effective]] = {}
        for fact in history.facts:
            self.by_type.setdefault(fact.event.type, []).append(fact)

    def zone(self, at: datetime) -> ZoneInfo:
        """The person's zone at that time."""
        return zone_or(self._folded(at).get("citizen.zone"), self._default)

    def values(self, at: datetime) -> dict[str, Any]:
        """What conditions read of the person and of the law at that time."""
        zone = self.zone(at)
        values = citizen_values(self._folded(at), at, zone)
        return values | parameters_on(self.catalogue.parameters, at.astimezone(zone).date().isoformat())

    def _folded(self, at: datetime) -> Mapping[str, Any]:
        return self._attributes[bisect_right(self._times, at)]

    def at_last(self, attribute: str) -> Any:  # noqa: ANN401  (an attribute's type is the pack's)
        """The attribute ("citizen.<name>") as the last fact left it, or None."""
        return self._attributes[-1].get(attribute)

    @property
    def begins(self) -> datetime | None:
        """The time of the first fact."""
        return next(iter(self._times), None)

    def turning_points(self, types: Collection[str], reads: Iterable[str]) -> Iterator[datetime]:
        """The times of the facts of these types, of those that may change what is read, and of the death."""
        wanted = {_attribute(name) for name in reads if name.startswith("citizen.")}
        for fact in self.facts:
            if fact.event.type in types or (wanted and not wanted.isdisjoint(self._set_by(fact))):
                yield fact.event.time
        if self.died is not None:
            yield self.died

    def setter(self, attribute: str, at: datetime) -> Effective | None:
        """The last fact up to that time that could set the attribute ("citizen.<name>")."""
        wanted = _attribute(attribute)
        for fact in reversed(self.facts[: bisect_right(self._times, at)]):
            if wanted in self._set_by(fact):
                return fact
        return None

    def _set_by(self, fact: Effective) -> Iterator[str]:
        if (type_ := self.catalogue.types.get(fact.event.type)) is not None and type_.sets:
            for role in fact.event.role_of(self._person):
                yield from (setting.attribute for setting in type_.sets.get(role, ()))


def _attribute(name: str) -> str:
    """The attribute behind a dotted name: an age follows from the birth date."""
    return "born_on" if name == "citizen.age" else name.partition(".")[2]
