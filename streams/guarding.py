"""Who may be told in whose place: minors have guardians, and what is told to these counts together."""

from collections.abc import Iterable, Mapping
from datetime import date, datetime, timedelta

from domain.events import LifeEvent
from domain.person import age_on
from domain.rulebook import Rulebook

GUARDIANS, BORN = "guardians", "born_on"
A_YEAR = timedelta(days=366)


class Guarding:
    """Reads from persons' own facts, whenever they became known, who is whose guardian; it may name too many.

    `since`: nobody is asked about before; whoever is of age by then has no guardians any more.
    """

    def __init__(self, rulebook: Rulebook, since: datetime) -> None:
        self._needed = any(each.trigger.minors == "guardians" for each in rulebook.versions.values())
        self._majority, self._since = rulebook.defaults.age_of_majority, since
        self._roles: dict[str, Mapping[str, tuple[str, ...]]] = {}
        self._births: dict[str, Mapping[str, str]] = {}
        for name, type_ in rulebook.catalogue.types.items():
            found = [(role, each) for role, settings in type_.sets.items() for each in settings]
            if roles := {role: each.roles for role, each in found if each.attribute == GUARDIANS}:
                self._roles[name] = roles
            if births := {role: each.path for role, each in found if each.attribute == BORN and each.path}:
                self._births[name] = births

    def told_for(self, person: str, events: Iterable[LifeEvent]) -> frozenset[str]:
        """Who was ever said to be a guardian of the person, if they may be a minor at all."""
        if not self._needed:
            return frozenset()
        found = {
            guardian
            for event in events
            if event.type in self._roles
            for role, named in self._roles[event.type].items()
            if person in event.persons.get(role, ())
            for each in named
            for guardian in event.persons.get(each, ())
        }
        return frozenset(found - {person}) if found and self._may_be_minor(person, events) else frozenset()

    def guards(self, person: str, events: Iterable[LifeEvent]) -> bool:
        """Whether the person may be the guardian of a minor."""
        oldest = self._since - A_YEAR * (self._majority + 1)
        return self._needed and any(
            event.time >= oldest
            and any(
                person in event.persons.get(each, ()) for named in self._roles[event.type].values() for each in named
            )
            for event in events
            if event.type in self._roles
        )

    def _may_be_minor(self, person: str, events: Iterable[LifeEvent]) -> bool:
        born = {
            event.values.get(path)
            for event in events
            if event.type in self._births
            for role, path in self._births[event.type].items()
            if person in event.persons.get(role, ())
        }
        day = (self._since - timedelta(days=1)).date()
        return any(self._is_minor(each, day) for each in born if each is not None)

    def _is_minor(self, born: str, day: date) -> bool:
        return age_on(born, day) < self._majority
