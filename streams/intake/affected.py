"""The persons that an event affects: the rows that it adds to their histories, and their wake-ups."""

from collections.abc import Iterable, Sequence
from uuid import UUID

from sqlalchemy import Connection

from domain.core.events import LifeEvent
from domain.core.ids import Names
from projections import area_plans, erased, happened_in_areas, history
from projections.history import Concerns
from projections.tables import micros, optional_micros
from streams.log.loads import Placed, originals_as_loaded
from streams.log.log import Log


class AffectedPersons:
    """Writes the history view: a person named in any revision of an event gets all of its revisions."""

    def __init__(self, connection: Connection, log: Log, names: Names) -> None:
        self._connection, self._log, self._names = connection, log, names

    def note(self, placed: Sequence[Placed], recorded: int) -> None:
        """Add the rows of new events, recorded at that time (microseconds)."""
        revisions = [(self._original(event), at) for at, event in placed if event.corrects is not None]
        history.note_revisions(self._connection, revisions)
        revised = self._join(placed, recorded) if revisions or history.has_revisions(self._connection) else {}
        rows = [row for at, event in placed for row in _rows(at, event, revised.get(at), recorded)]
        history.add(self._connection, rows)
        for position, event in placed:
            if event.area is not None:
                happened_in_areas.note_area(self._connection, event.area, position, micros(event.time))
                area_plans.begin(self._connection, self._original(event), position)

    def others(self, events: Sequence[LifeEvent]) -> set[str]:
        """Return the persons that other revisions of these events name: `note` wakes them, so they are locked too.

        Call it before the log is locked. On SQLite nothing needs locking.
        """
        revising = [event for event in events if event.corrects is not None]
        if self._connection.dialect.name == "sqlite" or not (revising or history.has_revisions(self._connection)):
            return set()
        revised = history.revisions_of(self._connection, list(map(self._original, events)))
        found = self._revisions(position for some in revised.values() for position in some)
        originals = originals_as_loaded(self._log.streams(self._connection, map(self._original, revising)))
        known = [*originals.values(), *found.values()]
        return {person for _, event in known for person in event.everybody}

    def hold_areas(self, events: Iterable[LifeEvent]) -> None:
        """Hold the area events that `note` has planned again for these; call it before the log is locked."""
        revising = {self._original(event) for event in events if event.area is not None or event.corrects is not None}
        area_plans.hold(self._connection, revising)

    def _original(self, event: LifeEvent) -> UUID:
        return event.stream if event.corrects is None else self._names.stream(event.source, event.corrects)

    def _join(self, placed: Sequence[Placed], recorded: int) -> dict[int, frozenset[str]]:
        """Give whoever only new revisions name all the others too. Who has the others keeps them.

        Return for each new event that has revisions, or is one, everybody whom any of these names.
        """
        revised = history.revisions_of(self._connection, list({self._original(event) for _, event in placed}))
        if not revised:
            return {}
        new = {at: (at, event) for at, event in placed}
        found = new | self._revisions(at for some in revised.values() for at in some if at not in new)
        come = {event.stream: one for one in placed if (event := one[1]).stream in revised}
        loaded = come | originals_as_loaded(self._log.streams(self._connection, revised.keys() - come.keys()))
        arrived = {original: one for original, one in loaded.items() if one[1].corrects is None}
        history.originals_arrived(self._connection, list(arrived))
        joined: dict[int, frozenset[str]] = {}
        lacking: list[Concerns] = []
        for original, positions in revised.items():
            members = [found[position] for position in positions]
            members += [arrived[original]] if original in arrived else []
            everybody = frozenset[str]().union(*(event.everybody for _, event in members))
            joined |= {at: everybody for at, _ in members if at in new}
            known = [(at, event) for at, event in members if at not in new]
            unnamed = everybody.difference(*(event.everybody for _, event in known))
            lacking += [row for at, event in known for row in _rows(at, event, unnamed, recorded)]
            if any(event.area is not None for _, event in members):
                area_plans.begin(self._connection, original, max(at for at, _ in members))
        since = erased.last_erasures(self._connection, sorted({row.person for row in lacking}))
        history.wake(self._connection, [row for row in lacking if row.position > since.get(row.person, 0)])
        return joined

    def _revisions(self, positions: Iterable[int]) -> dict[int, Placed]:
        """Return position -> revision, with the `ahead_from` of the load that counts."""
        entries = self._log.read(self._connection, positions)
        loaded = [
            entry.originator_id
            for entry in entries
            if isinstance(entry.fact, LifeEvent) and entry.fact.ahead_from is not None
        ]
        placed = originals_as_loaded(entries) | originals_as_loaded(self._log.streams(self._connection, loaded))
        return {at: (at, event) for at, event in placed.values()}


def _rows(position: int, event: LifeEvent, everybody: frozenset[str] | None, recorded: int) -> list[Concerns]:
    """Return a row for everybody whom any revision names; None: the event has none, and is no revision."""
    time, ahead, type_, planned = micros(event.time), optional_micros(event.ahead_from), event.type, False
    persons, replan = (event.everybody, False) if everybody is None else (everybody, True)
    return [Concerns(person, position, time, type_, ahead, planned, recorded, recorded, replan) for person in persons]
