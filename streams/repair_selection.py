"""Whom a repair looks at: everybody, or whom an outage concerned, or who lives in an area, or one person."""

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime

from msgspec import Struct
from sqlalchemy import Connection

from domain.events import LifeEvent
from domain.ids import Names
from projections import history, residents
from projections.bulk import chunked
from projections.tables import optional_micros
from streams.database import Database
from streams.library import Rules
from streams.log import Log

PAGE = 10_000


class Selection(Struct, frozen=True):
    """Which gaps are looked for.

    `since` (inclusive) and `until` (exclusive): of the persons of whom, or of where they live, something was recorded
    then, or whom a publication woke then: it is the time of the outage, not that of the nudges. `area`: of those who
    live there now; `trigger`: only its nudges.
    """

    since: datetime | None = None
    until: datetime | None = None
    trigger: str | None = None
    area: str | None = None
    person: str | None = None

    @property
    def timed(self) -> bool:
        """Whether it is about a time."""
        return self.since is not None or self.until is not None

    def covers(self, moment: datetime) -> bool:
        """Whether the moment is within its time."""
        return (self.since is None or self.since <= moment) and (self.until is None or moment < self.until)


def persons_of(
    selection: Selection, database: Database, log: Log, names: Names, rules: Rules, size: int
) -> Iterator[Sequence[str]]:  # fmt: skip
    """The persons, in the order of their pseudonyms, so many at a time; each once."""
    types = _types(selection.trigger, rules)
    for persons in _pages(selection, database, log, names, rules, size):
        if types is None:
            yield persons
            continue
        with database.reading() as connection:
            started = history.with_types(connection, persons, types)
        yield [person for person in persons if person in started]


def _pages(
    selection: Selection, database: Database, log: Log, names: Names, rules: Rules, size: int
) -> Iterable[Sequence[str]]:  # fmt: skip
    if selection.person is not None:
        return [[selection.person]]
    if not selection.timed:
        return everybody(database, size)
    since, until = optional_micros(selection.since), optional_micros(selection.until)
    with database.reading() as connection:
        found = history.moved_within(connection, since, until)
        found |= _residents(connection, selection, log, names, rules)
    return chunked(sorted(found), size)


def everybody(database: Database, size: int) -> Iterator[Sequence[str]]:
    """All who have a history, each page read in a short transaction of its own."""
    after = ""
    while True:
        with database.reading() as connection:
            persons = history.persons_after(connection, after, size)
        if not persons:
            return
        yield persons
        after = persons[-1]


def _residents(connection: Connection, selection: Selection, log: Log, names: Names, rules: Rules) -> set[str]:
    """Those who live or lived where something was recorded in that time."""
    recorded = log.read(connection, history.areas_since(connection, None))
    areas = {
        entry.fact.area for entry in recorded
        if isinstance(entry.fact, LifeEvent) and entry.recorded is not None and selection.covers(entry.recorded)
    }  # fmt: skip
    within = {names.within(area, rules.catalogue.area_levels) for area in areas if area is not None}
    found: set[str] = set()
    after = ("", "")
    while within and (page := residents.page(connection, within, after, PAGE)):
        found.update(each.person for each in page)
        after = (page[-1].home, page[-1].person)
    return found


def _types(trigger: str | None, rules: Rules) -> set[str] | None:
    """What a person must have had to have a nudge of the trigger; None: it may be no event of theirs."""
    if trigger is None:
        return None
    versions = [each for each in rules.rulebook.versions.values() if each.trigger.name == trigger]
    types = {each.trigger.on for each in versions}
    alone = any(each.trigger.alone for each in versions)
    return None if alone or any(rules.catalogue.types[name].area is not None for name in types) else types
