"""Read histories and persons from the database: of a few persons, as planning and sending need them, or of all.

Many persons are read in the order of their pseudonyms, for replay, backtest and repair. Each batch is read in its own
short transaction, so a fact recorded meanwhile may or may not be included.
"""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import NamedTuple

from msgspec import Struct
from msgspec.structs import replace
from sqlalchemy import Connection

from domain.core.events import LifeEvent
from domain.core.ids import Names
from domain.persons.history import History, history_of
from domain.persons.person import Fold, Person, person_as_of
from domain.planning.affected import RulebookPart
from domain.rules.event_types import Catalogue
from domain.rules.rulebook import Rulebook
from projections import happened_in_areas
from projections import history as view
from projections.bulk import among, chunked
from projections.tables import history, optional_moment
from streams.log.loads import originals_as_loaded
from streams.log.log import Log
from streams.log.mapper import Entry
from streams.log.row_codes import facts_by
from streams.storage.database import Database
from streams.storage.tables import log as log_table
from streams.storage.tables import log_rows


class RecordedEvent(NamedTuple):
    """A life event with the `ahead_from` of the load that counts, and the time of its recording."""

    event: LifeEvent
    recorded: datetime | None


class Revisions(NamedTuple):
    """Every revision of one person's life events, and of the events in all areas where they ever lived."""

    own: list[RecordedEvent]
    areas: Sequence[RecordedEvent]

    def history(self, person: str, catalogue: Catalogue) -> History:
        """Return the person's history, with revisions applied."""
        return history_of(person, _events(self.own), catalogue, _events(self.areas))

    def known_by(self, moment: datetime) -> "Revisions":
        """Return the person's own revisions that were recorded by that moment."""
        return Revisions([each for each in self.own if each.recorded is None or each.recorded <= moment], ())


def _events(learnt: Iterable[RecordedEvent]) -> list[LifeEvent]:
    return [revision.event for revision in learnt]


def revisions_of(
    connection: Connection,
    log: Log,
    persons: Iterable[str],
    rulebook: Rulebook,
    before: int | None = None,
    types: Collection[str] | None = None,
) -> dict[str, Revisions]:
    """Return person -> the revisions that make up their history, as known before that position of the log, or now.

    `types`: read only facts of these types (a revision has the type of its original, else it revises nothing).
    """
    own = _own_revisions(connection, log, list(persons), before, types)
    areas = _area_facts(connection, log, own, rulebook)
    return {person: Revisions(theirs, areas.get(person, ())) for person, theirs in own.items()}


def histories(
    connection: Connection, log: Log, persons: Iterable[str], rulebook: Rulebook, before: int | None = None
) -> dict[str, History]:
    """Return person -> history, area events included, as known before that position of the log, or now."""
    found = revisions_of(connection, log, persons, rulebook, before)
    return {person: revisions.history(person, rulebook.catalogue) for person, revisions in found.items()}


def of_types(
    connection: Connection,
    log: Log,
    persons: Iterable[str],
    rulebook: Rulebook,
    types: Collection[str],
    before: int | None = None,
) -> dict[str, History]:
    """Return person -> the part of their history that is of these types, without area events."""
    own = _own_revisions(connection, log, list(persons), before, types)
    return {person: history_of(person, _events(theirs), rulebook.catalogue) for person, theirs in own.items()}


def of_rulebook_parts(connection: Connection, log: Log, parts: Mapping[str, RulebookPart]) -> dict[str, History]:
    """Return person -> what their part of a rulebook reads of their history; one read for all who share a part."""
    persons: dict[int, list[str]] = {}
    for person, part in parts.items():
        persons.setdefault(id(part), []).append(person)
    found: dict[str, History] = {}
    for some in persons.values():
        part = parts[some[0]]
        if part.types is None or part.areas:
            found |= histories(connection, log, some, part.rulebook)
        else:
            found |= of_types(connection, log, some, part.rulebook, part.types)
    return found


def of_personal_types(
    connection: Connection, log: Log, persons: Iterable[str], rulebook: Rulebook, before: int | None = None
) -> dict[str, History]:
    """Return person -> the part of their history that sets something on a person or ends a life.

    `folded` makes the same persons from it as from whole histories, `Deaths` finds the same deaths, and
    `times_of_setting` the same times of choices.
    """
    catalogue = rulebook.catalogue
    if any(catalogue.types[name].area for name in catalogue.personal):  # such a fact counts where somebody lived then
        return histories(connection, log, persons, rulebook, before)
    return of_types(connection, log, persons, rulebook, catalogue.personal, before)


def own_history(connection: Connection, log: Log, person: str, rulebook: Rulebook, known_at: datetime) -> History:
    """Return the person's history without area events, from the facts recorded by `known_at`."""
    own = Revisions(_own_revisions(connection, log, [person])[person], ())
    return own.known_by(known_at).history(person, rulebook.catalogue)


def personal_revisions_of(
    connection: Connection, log: Log, persons: Iterable[str], rulebook: Rulebook
) -> dict[str, Revisions]:
    """Return person -> the revisions that `of_personal_types` reads, without area events."""
    own = _own_revisions(connection, log, list(persons), types=rulebook.catalogue.personal)
    return {person: Revisions(theirs, ()) for person, theirs in own.items()}


def persons(
    connection: Connection, log: Log, pseudonyms: Iterable[str], rulebook: Rulebook, before: int | None = None
) -> dict[str, Person]:
    """Return pseudonym -> the person folded from all that was known before that position of the log, or now."""
    return folded(of_personal_types(connection, log, pseudonyms, rulebook, before), rulebook)


def folded(known: Mapping[str, History], rulebook: Rulebook) -> dict[str, Person]:
    """Return pseudonym -> the person folded from their whole history."""
    return {person: person_as_of(person, history_.facts, rulebook.catalogue) for person, history_ in known.items()}


def _own_revisions(
    connection: Connection,
    log: Log,
    persons: Sequence[str],
    before: int | None = None,
    types: Collection[str] | None = None,
) -> dict[str, list[RecordedEvent]]:
    found: dict[str, list[RecordedEvent]] = {person: [] for person in persons}
    query = log_rows.add_columns(history.c.person, history.c.ahead_from).join_from(
        history, log_table, history.c.position == log_table.c.position
    )
    if before is not None:
        query = query.where(history.c.position < before)
    if types is not None:
        query = query.where(among(history.c.type, sorted(types)))
    for part in chunked(persons) if types != frozenset() else ():
        log.keys.load(connection, part)  # cached for what follows: a fact decoded without its key is decoded twice
        rows = list(facts_by(connection, query.where(among(history.c.person, part))))
        for entry, (*_, person, ahead_from) in zip(log.entries(connection, rows), rows, strict=True):
            found[person].append(RecordedEvent(_as_loaded(entry, ahead_from), entry.recorded))
    return found


def _as_loaded(entry: Entry, ahead_from: int | None) -> LifeEvent:
    event = entry.fact
    assert isinstance(event, LifeEvent)
    loaded = optional_moment(ahead_from)
    return event if event.ahead_from == loaded else replace(event, ahead_from=loaded)


def _area_facts(
    connection: Connection, log: Log, recorded: Mapping[str, list[RecordedEvent]], rulebook: Rulebook
) -> dict[str, list[RecordedEvent]]:
    if not happened_in_areas.has_area_facts(connection):
        return {}
    found: dict[str, list[RecordedEvent]] = {}
    known: dict[frozenset[str], list[RecordedEvent]] = {}
    for person, own in recorded.items():
        areas = frozenset(_areas_of(person, _events(own), rulebook))
        if areas not in known:
            positions = happened_in_areas.areas_with_facts(connection, areas)
            known[areas] = _with_revisions(connection, log, positions, rulebook.names)
        found[person] = known[areas]
    return found


def _with_revisions(connection: Connection, log: Log, positions: Iterable[int], names: Names) -> list[RecordedEvent]:
    """Return the area events at those positions with all their revisions, which may be about another area."""
    found = _recorded_events(log.read(connection, positions))
    originals = {names.stream(one.event.source, one.event.original) for one in found}
    entries = log.streams(connection, originals)
    first = {one.event.stream: one.recorded for one in _recorded_events(entries)}
    events = [RecordedEvent(event, first[stream]) for stream, (_, event) in originals_as_loaded(entries).items()]
    later = [at for some in view.revisions_of(connection, list(originals)).values() for at in some]
    return events + _recorded_events(log.read(connection, later))


def _recorded_events(entries: Iterable[Entry]) -> list[RecordedEvent]:
    return [RecordedEvent(entry.fact, entry.recorded) for entry in entries if isinstance(entry.fact, LifeEvent)]


def _areas_of(person: str, events: Iterable[LifeEvent], rulebook: Rulebook) -> set[str]:
    """Return every area that the person ever lived in, at all levels of areas."""
    areas: set[str] = set()
    for event in events:
        fold = Fold(person, rulebook.catalogue)
        fold.take(event)
        if (area := fold.attributes.get("citizen.area")) is not None:
            areas.add(area)
            areas.update(area[:level].ljust(len(area), "0") for level in rulebook.catalogue.area_levels)
    return areas


BATCH = 1000
DIGITS = 6
"""Leading hexadecimal digits of a pseudonym that decide which process's share it belongs to."""


class Selection(Struct, frozen=True):
    """A selection of persons: pseudonyms after `after` and up to and including `upto` (None: no upper bound).

    `types`: only persons with a fact of one of these event types, in any revision (None: everybody); `since`: such
    facts that happened at or after this time (microseconds).
    """

    types: frozenset[str] | None = None
    after: str = ""
    upto: str | None = None
    since: int | None = None

    def shares(self, number: int) -> list["Selection"]:
        """Divide the selection into `number` parts, one per process; of similar size if everybody is selected."""
        edges = [f"{16**DIGITS * at // number:0{DIGITS}x}" for at in range(1, number)]
        within = [edge for edge in edges if self.after < edge and (self.upto is None or edge < self.upto)]
        starts, ends = [self.after, *within], [*within, self.upto]
        return [replace(self, after=start, upto=end) for start, end in zip(starts, ends, strict=True)]


def share_upto(person: str) -> float:
    """Return the share (0 to 1) of all possible pseudonyms that are at or before this one."""
    return (int(person[:DIGITS], 16) + 1) / float(16**DIGITS)


EVERYBODY = Selection()


def all_revisions(
    database: Database,
    log: Log,
    rulebook: Rulebook,
    selection: Selection,
    types: Collection[str] | None = None,
    batch: int = BATCH,
) -> Iterator[tuple[dict[str, Revisions], int]]:
    """Yield person -> what was recorded of them (`types`: see `revisions_of`), and the count of facts, by batches.

    Erased persons are left out, so a batch may be empty.
    """
    for persons in batches(database, selection, batch):
        with database.reading() as connection:
            some = _not_erased(connection, log, persons)
            yield revisions_of(connection, log, some, rulebook, types=types), view.count_of_facts(connection, some)


def batches(database: Database, selection: Selection = EVERYBODY, size: int = BATCH) -> Iterator[Sequence[str]]:
    """Yield the selected pseudonyms in order, `size` at a time; erased persons may be among them.

    Persons with facts of given types are found in one scan of the index, which is in the order of persons.
    """
    if selection.types is not None:
        with database.reading() as connection:
            found = view.persons_with(connection, selection.types, selection.after, selection.upto, selection.since)
        yield from chunked(found, size)
        return
    after = selection.after
    while True:
        with database.reading() as connection:
            persons = view.persons_after(connection, after, size, selection.upto)
        if not persons:
            return
        yield persons
        after = persons[-1]


def selected_among(connection: Connection, log: Log, selection: Selection, persons: Collection[str]) -> list[str]:
    """Return those of the persons whom the selection would have, were it not for its bounds by pseudonym."""
    some = sorted(persons)
    if selection.types is not None:
        some = view.with_types_since(connection, some, selection.types, selection.since)
    return _not_erased(connection, log, some)


def _not_erased(connection: Connection, log: Log, persons: Sequence[str]) -> list[str]:
    """Return the persons whose key still exists."""
    keys = log.keys.load(connection, persons)
    return [person for person in persons if person in keys]
