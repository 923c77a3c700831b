"""The provenance of an event: the load whose `ahead_from` applies to it, and the retirement of its content.

Of several loads the earliest applies; a live event takes precedence over all loads.
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
from projections.bulk import rows_with
from projections.tables import history
from streams.log.decoding import LIFE, life_of
from streams.log.log import Log
from streams.log.mapper import Entry, sealed_by
from streams.log.row_codes import facts_by
from streams.storage.tables import log as log_table
from streams.storage.tables import log_rows

Placed = tuple[int, LifeEvent]
"""A life event and its position in the log."""


def persons_loaded_at(connection: Connection, positions: Sequence[int]) -> set[str]:
    """Return the persons of those facts that are from historical loads, whom `history.move_ahead` would wake."""
    loaded = select(history.c.person).where(history.c.ahead_from.is_not(None))
    return {person for (person,) in rows_with(connection, loaded, history.c.position, positions)}


def originals_as_loaded(entries: Iterable[Entry]) -> dict[UUID, Placed]:
    """Return the original event of each stream, with the `ahead_from` that applies."""
    found: dict[UUID, Placed] = {}
    for entry in entries:
        if isinstance(entry.fact, LifeEvent):
            found[entry.originator_id] = (entry.position, entry.fact)
        elif isinstance(entry.fact, AheadMoved):
            position, event = found[entry.originator_id]
            found[entry.originator_id] = (position, replace(event, ahead_from=entry.fact.ahead_from))
    return found


class Retirement(Struct, frozen=True):
    """The retirement of an event's content: its time, and the retention limit after the event's year (ISO 8601)."""

    at: datetime
    limit: str


def retirement_of(connection: Connection, log: Log, stream: UUID) -> Retirement | None:
    """Return the latest retirement of the stream's event, or None where nothing of it is retired."""
    first = log_rows.where(
        log_table.c.originator_id == stream, log_table.c.originator_version == 1, log_table.c.topic == LIFE
    )
    row = next(facts_by(connection, first), None)
    keys = sealed_by(life_of(row)) if row is not None else []
    gone = retired.retired_among(connection, keys) if keys else {}
    if not gone:
        return None
    latest = max(gone.values(), key=lambda retirement: retirement.at)
    [entry] = log.read(connection, [latest.position])
    assert isinstance(entry.fact, ContentRetired)
    return Retirement(latest.at, entry.fact.limit)
