"""By which load an event counts: the earliest, and a live one above all.

Under which limit, and when, the content of an event was retired.
"""

from collections.abc import Iterable, Sequence
from datetime import datetime
from uuid import UUID

from msgspec import Struct
from msgspec.structs import replace
from sqlalchemy import Connection, select

from domain.core.events import LifeEvent
from domain.facts.access_facts import ContentRetired
from domain.facts.facts import AheadMoved
from projections import retired
from projections.bulk import among, chunked
from projections.tables import history
from streams.log.decoding import LIFE, life_of
from streams.log.log import Log
from streams.log.mapper import Entry, sealed_by
from streams.log.row_codes import facts_by
from streams.storage.tables import log as log_table
from streams.storage.tables import log_rows

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


class Retirement(Struct, frozen=True):
    """When, and for how long after the year of the event it was to be read (ISO 8601)."""

    at: datetime
    limit: str


def retirement_of(connection: Connection, log: Log, stream: UUID) -> Retirement | None:
    """Of the event of that stream; None where nothing of it is retired."""
    first = log_rows.where(
        log_table.c.originator_id == stream, log_table.c.originator_version == 1, log_table.c.topic == LIFE
    )
    row = next(facts_by(connection, first), None)
    keys = sealed_by(life_of(row)) if row is not None else []
    gone = retired.among_keys(connection, keys) if keys else {}
    if not gone:
        return None
    latest = max(gone.values(), key=lambda each: each.at)
    [entry] = log.read(connection, [latest.position])
    assert isinstance(entry.fact, ContentRetired)
    return Retirement(latest.at, entry.fact.limit)
