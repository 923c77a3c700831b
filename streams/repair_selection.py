"""Whom a repair looks at: everybody, or whom an outage concerned, or who lives in an area, or one person."""

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime

from msgspec import Struct
from sqlalchemy import Connection

from domain.events import LifeEvent
from domain.ids import Names
from projections import happened_in_areas, history, residents
from projections.bulk import chunked
from projections.tables import optional_micros
from streams import bulk_reading
from streams.database import Database
from streams.log import Log
from streams.rules import Rules

PAGE = 10_000


class Selection(Struct, frozen=True):
    """Which gaps are looked for.

    `since` (inclusive) and `until` (exclusive): of the persons of whom, or of where they live, something was recorded
    then, or whom a publication woke then: it is the time of the outage, not that of the nudges. `area`: of those who
    live there now; `trigger`: only its nudges, or (`whole`) everything of those who had what it starts on.
    """

    since: datetime | None = None
    until: datetime | None = None
    trigger: str | None = None
    area: str | None = None
    person: str | None = None
    whole: bool = False

    @property
    def timed(self) -> bool:
        """Whether it is about a time."""
        return self.since is not None or self.until is not None

    def covers(self, moment: datetime) -> bool:
        """Whether the moment is within its time."""
        return (self.since is None or self.since <= moment) and (self.until is None or moment < self.until)


class Persons:
    """Finds the persons of a selection, in the order of their pseudonyms."""

    def __init__(self, database: Database, log: Log, names: Names) -> None:
        self._database, self._log, self._names = database, log, names

    def of(self, selection: Selection, rules: Rules, after: str, size: int) -> Iterator[Sequence[str]]:
        """Those after that pseudonym, so many at a time; each once."""
        types = _types(selection.trigger, rules)
        if selection.person is not None and not selection.timed:
            return iter([[selection.person]] if selection.person > after else [])
        if not selection.timed and selection.area is None:
            return bulk_reading.batches(self._database, bulk_reading.Selection(types, after), size)
        with self._database.reading() as connection:
            moved = self._moved(connection, selection, rules) if selection.timed else None
            near = None if selection.area is None else self._near(connection, selection.area, rules)
        found = moved & near if moved is not None and near is not None else moved or near or set()
        if selection.person is not None:
            found &= {selection.person}
        return self._started(sorted(person for person in found if person > after), types, size)

    def _moved(self, connection: Connection, selection: Selection, rules: Rules) -> set[str]:
        """Those of whom, or of where they live, something was recorded in that time."""
        since, until = optional_micros(selection.since), optional_micros(selection.until)
        found = history.moved_within(connection, since, until)
        return found | self._residents(connection, self._areas(connection, selection), rules)

    def _near(self, connection: Connection, area: str, rules: Rules) -> set[str]:
        """Those who may live there: by their last plan, or it is still to come and nobody knows."""
        return self._residents(connection, {area}, rules) | history.all_waiting(connection)

    def _started(self, found: Sequence[str], types: frozenset[str] | None, size: int) -> Iterator[Sequence[str]]:
        for persons in chunked(found, size):
            if types is None:
                yield persons
                continue
            with self._database.reading() as connection:
                started = history.with_types(connection, persons, types)
            if started:
                yield [person for person in persons if person in started]

    def _areas(self, connection: Connection, selection: Selection) -> set[str]:
        """Where something was recorded in that time."""
        recorded = self._log.read(connection, happened_in_areas.areas_since(connection, None))
        return {
            entry.fact.area
            for entry in recorded
            if isinstance(entry.fact, LifeEvent)
            and entry.fact.area is not None
            and entry.recorded is not None
            and selection.covers(entry.recorded)
        }

    def _residents(self, connection: Connection, areas: Iterable[str], rules: Rules) -> set[str]:
        """Those who live or lived there, as of their last plan."""
        within = {self._names.within(area, rules.catalogue.area_levels) for area in areas}
        found: set[str] = set()
        after = ("", "")
        while within and (page := residents.page(connection, within, after, PAGE)):
            found.update(each.person for each in page)
            after = (page[-1].home, page[-1].person)
        return found


def _types(trigger: str | None, rules: Rules) -> frozenset[str] | None:
    """What a person must have had to have a nudge of the trigger; None: it may be no event of theirs."""
    if trigger is None:
        return None
    versions = [each.trigger for each in rules.rulebook.versions.values() if each.trigger.name == trigger]
    types = frozenset([each.on for each in versions])
    elsewhere = any(each.alone or rules.catalogue.types[each.on].area is not None for each in versions)
    return None if elsewhere else types
