"""The persons that an event affects: the rows that it adds to their histories, and their wake-ups."""

from collections.abc import Iterable, Sequence
from collections.abc import Set as AbstractSet
from uuid import UUID

from sqlalchemy import Connection

from domain.core.events import LifeEvent
from domain.core.ids import Names
from projections import area_plans, erased, happened_in_areas, history
from projections.history import Concerns
from projections.tables import micros, optional_micros
from streams.log.loads import Placed, as_loaded
from streams.log.log import Log


class AffectedPersons:
    """Writes the history view: a person named in any revision of an event gets all of its revisions.

    Rows are written to the connection `views`; the log is read from `facts`.
    """

    def __init__(self, views: Connection, facts: Connection, log: Log, names: Names) -> None:
        self._views, self._facts, self._log, self._names = views, facts, log, names

    def note(self, placed: Sequence[Placed], recorded: int) -> None:
        """Add the rows of new events, recorded at that time (microseconds)."""
        history.add(self._views, [row for at, event in placed for row in _rows(at, event, event.everybody, recorded)])
        self._note_revisions(placed, recorded)
        for position, event in placed:
            if event.area is not None:
                happened_in_areas.note_area(self._views, event.area, position, micros(event.time))
                area_plans.begin(self._views, self._original(event), position)

    def others(self, events: Sequence[LifeEvent]) -> set[str]:
        """Return the persons that other revisions of these events name: `note` wakes them, so they are locked too.

        Call it before the log is locked. On SQLite nothing needs locking.
        """
        revising = [event for event in events if event.corrects is not None]
        if self._views.dialect.name == "sqlite" or not (revising or history.has_revisions(self._views)):
            return set()
        found = self._revisions(history.revisions_of(self._views, list(map(self._original, events))).values())
        originals = as_loaded(self._log.streams(self._facts, map(self._original, revising)))
        known = [*originals.values(), *found.values()]
        return {person for _, event in known for person in event.everybody}

    def hold_areas(self, events: Iterable[LifeEvent]) -> None:
        """Hold the area events that `note` has planned again for these; call it before the log is locked."""
        revising = {self._original(event) for event in events if event.area is not None or event.corrects is not None}
        area_plans.hold(self._views, revising)

    def _note_revisions(self, placed: Sequence[Placed], recorded: int) -> None:
        found = [(position, event) for position, event in placed if event.corrects is not None]
        for position, event in found:
            history.note_revision(self._views, self._original(event), position)
        if found or history.has_revisions(self._views):
            self._join({self._original(event) for _, event in placed}, recorded, {at for at, _ in placed})

    def _original(self, event: LifeEvent) -> UUID:
        return event.stream if event.corrects is None else self._names.stream(event.source, event.corrects)

    def _join(self, originals: set[UUID], recorded: int, new: AbstractSet[int]) -> None:
        """Give whoever any revision names all of them; `new`: those that just came. Who has the others keeps them."""
        revised = history.revisions_of(self._views, list(originals))
        if not revised:
            return
        loaded = as_loaded(self._log.streams(self._facts, revised))
        arrived = {original: one for original, one in loaded.items() if one[1].corrects is None}
        history.originals_arrived(self._views, list(arrived))
        found = self._revisions(revised.values())
        for original, positions in revised.items():
            members = [found[position] for position in positions]
            members += [arrived[original]] if original in arrived else []
            named = {at: event.everybody for at, event in members}
            everybody = frozenset[str]().union(*named.values())
            unnamed = everybody.difference(*(persons for at, persons in named.items() if at not in new))
            since = erased.since(self._views, sorted(everybody))
            lacking = [
                (at, event, everybody if at in new else unnamed) for at, event in members if at in new or unnamed
            ]
            rows = [row for at, event, persons in lacking for row in _rows(at, event, persons, recorded)]
            history.wake(self._views, [row for row in rows if row.position > since.get(row.person, 0)])
            if any(event.area is not None for _, event in members):
                area_plans.begin(self._views, original, max(at for at, _ in members))

    def _revisions(self, positions: Iterable[list[int]]) -> dict[int, Placed]:
        """Return position -> revision, with the `ahead_from` of the load that counts."""
        wanted = [position for some in positions for position in some]
        entries = self._log.read(self._facts, wanted)
        loaded = [
            entry.originator_id
            for entry in entries
            if isinstance(entry.fact, LifeEvent) and entry.fact.ahead_from is not None
        ]
        placed = as_loaded(entries) | as_loaded(self._log.streams(self._facts, loaded))
        return {at: (at, event) for at, event in placed.values()}


def _rows(position: int, event: LifeEvent, persons: Iterable[str], recorded: int) -> list[Concerns]:
    time, ahead, type_, planned = micros(event.time), optional_micros(event.ahead_from), event.type, False
    return [Concerns(person, position, time, type_, ahead, planned, recorded, recorded) for person in persons]
