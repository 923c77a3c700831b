"""Under which limit, and when, the content of an event was retired."""

from datetime import datetime
from uuid import UUID

from msgspec import Struct
from sqlalchemy import Connection

from domain.accounting import ContentRetired
from projections import retired
from streams.decoding import LIFE, life_of
from streams.log import Log
from streams.mapper import sealed_by
from streams.row_codes import facts_by
from streams.tables import log as log_table
from streams.tables import log_rows


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
