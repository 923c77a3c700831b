"""By which load an event counts: the earliest, and a live one above all."""

from collections.abc import Iterable, Sequence
from uuid import UUID

from msgspec.structs import replace
from sqlalchemy import Connection, select

from domain.events import LifeEvent
from domain.facts import AheadMoved
from projections.bulk import among, chunked
from projections.tables import history
from streams.mapper import Entry

Placed = tuple[int, LifeEvent]
"""A life event and its position in the log."""


def loaded_at(connection: Connection, positions: Sequence[int]) -> set[str]:
    """Who has these facts of historical loads: whom `history.move_ahead` would wake."""
    loaded = select(history.c.person).where(history.c.ahead_from.is_not(None))
    return {
        person
        for part in chunked(positions)
        for person in connection.execute(loaded.where(among(history.c.position, part))).scalars()
    }


def as_loaded(entries: Iterable[Entry]) -> dict[UUID, Placed]:
    """Stream -> the original in it, with the load that counts."""
    found: dict[UUID, Placed] = {}
    for entry in entries:
        if isinstance(entry.fact, LifeEvent):
            found[entry.originator_id] = (entry.position, entry.fact)
        elif isinstance(entry.fact, AheadMoved):
            position, event = found[entry.originator_id]
            found[entry.originator_id] = (position, replace(event, ahead_from=entry.fact.ahead_from))
    return found
