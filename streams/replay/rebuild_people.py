"""Rows that need several facts of a shadow's history: persons of corrected events, later loads, and residents."""

from collections.abc import Iterable, Mapping, Sequence
from uuid import UUID

from sqlalchemy import ColumnElement, Connection, exists, select

from domain.core.events import LifeEvent
from domain.facts.facts import AheadMoved
from domain.persons.history import history_of
from projections import history, residents
from projections.bulk import among, chunked, driver_rows, insert_rows
from projections.history import Concerns
from projections.residents import Resident
from projections.tables import history as rows
from projections.tables import micros, optional_micros, revisions
from streams.log.loads import as_loaded
from streams.log.log import Log
from streams.log.mapper import Entry
from streams.planning.residences import ResidenceRows


def originals_after(views: Connection, after: UUID | None, limit: int) -> list[UUID]:
    """Return the next originals that have a correction."""
    query = select(revisions.c.original).distinct().order_by(revisions.c.original).limit(limit)
    if after is not None:
        query = query.where(revisions.c.original > after)
    return list(views.execute(query).scalars())


def join(views: Connection, facts: Connection, log: Log, originals: Sequence[UUID]) -> set[str]:
    """Add every revision of an event to the history of everybody whom any revision names; return these persons."""
    revised = history.revisions_of(views, originals)
    streams = log.streams(facts, revised)
    loaded, recorded = as_loaded(streams), {each.position: each.recorded for each in streams}
    wanted = [position for some in revised.values() for position in some]
    corrections = {each.position: each for each in log.read(facts, wanted)}
    recorded |= {position: each.recorded for position, each in corrections.items()}
    arrived = [original for original, (_, event) in loaded.items() if event.corrects is None]
    history.originals_arrived(views, arrived)
    added: list[Concerns] = []
    for original, positions in revised.items():
        members = [(at, event) for at in positions if isinstance(event := corrections[at].fact, LifeEvent)]
        members += [loaded[original]] if original in arrived else []
        added += _rows(members, {at: micros(when) for at, _ in members if (when := recorded[at]) is not None})
    insert_rows(views, rows, added, ignore=True)
    return {row.person for row in added}


def _rows(members: Sequence[tuple[int, LifeEvent]], recorded: Mapping[int, int]) -> list[Concerns]:
    """Return a row for each person and revision, recorded when both the revision and the person's name were known."""
    named = {
        person: [at for at, event in members if person in event.everybody]
        for _, each in members
        for person in each.everybody
    }
    since = {person: min(recorded[at] for at in positions) for person, positions in named.items()}
    return [
        Concerns(
            person,
            at,
            micros(event.time),
            event.type,
            optional_micros(event.ahead_from),
            planned=False,
            recorded=max(recorded[at], first),
            woken=max(recorded[at], first),
        )
        for at, event in members
        for person, first in since.items()
    ]


def move(views: Connection, facts: Connection, log: Log, entries: Iterable[Entry]) -> None:
    """Apply AheadMoved facts: the events came by an earlier load or live, and so they count for all persons named."""
    moved = [(each.originator_id, each.fact) for each in entries if isinstance(each.fact, AheadMoved)]
    streams = log.streams(facts, {stream for stream, _ in moved})
    first = {each.originator_id: each.position for each in streams if each.originator_version == 1}
    for stream, fact in moved:
        history.move_ahead(views, first[stream], optional_micros(fact.ahead_from), woken=micros(fact.at))


def house(views: Connection, facts: Connection, log: Log, residing: ResidenceRows, persons: Sequence[str]) -> None:
    """Update the shadow's residents for these persons."""
    told = _Told(views, residing)
    for part in chunked(persons):
        told.look(among(rows.c.person, part))
    residents.store(views, told.housed(facts, log, persons))


def housed_between(
    views: Connection, facts: Connection, log: Log, residing: ResidenceRows, after: str, upto: str | None
) -> dict[str, list[Resident]]:
    """Return the residences of persons after one pseudonym and up to another, from the shadow's history."""
    told = _Told(views, residing)
    told.look(rows.c.person > after, *(() if upto is None else (rows.c.person <= upto,)))
    return told.housed(facts, log, sorted({person for person, _ in told.places}))


_CORRECTS = exists(revisions.select().where(revisions.c.position == rows.c.position))


class _Told:
    """Finds the facts that tell where persons live; for persons with corrections, all their facts."""

    def __init__(self, views: Connection, residing: ResidenceRows) -> None:
        self._views, self._residing = views, residing
        self.places: list[tuple[str, int]] = []
        self._corrected: set[str] = set()

    def look(self, *whose: ColumnElement[bool]) -> None:
        """Find the facts of the selected persons in one query."""
        telling = among(rows.c.type, sorted(self._residing.types)) | _CORRECTS
        query = select(rows.c.person, rows.c.position, _CORRECTS).where(*whose, telling)
        for person, position, corrects in driver_rows(self._views, query):
            self.places.append((person, position))
            if corrects:
                self._corrected.add(person)

    def housed(self, facts: Connection, log: Log, persons: Sequence[str]) -> dict[str, list[Resident]]:
        """Return the residences of these persons, after `look` was called for all of them."""
        places = [each for each in self.places if each[0] not in self._corrected]
        everything = select(rows.c.person, rows.c.position)
        for part in chunked(sorted(self._corrected)):
            places += driver_rows(self._views, everything.where(among(rows.c.person, part)))
        log.keys.load(facts, persons)  # cached for what follows: a fact decoded without its key is decoded twice
        events = {each.position: each.fact for each in log.read(facts, [position for _, position in places])}
        found: dict[str, list[LifeEvent]] = {person: [] for person in persons}
        for person, position in places:
            event = events[position]
            assert isinstance(event, LifeEvent)
            found[person].append(event)
        return {
            person: self._residing.rows(person, history_of(person, each, self._residing.catalogue).facts)
            for person, each in found.items()
        }
