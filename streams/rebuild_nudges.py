"""Nudges stream by stream, each folded and written once: in the order of the log it would be once a fact."""

from collections.abc import Iterable, Sequence
from itertools import groupby
from operator import attrgetter
from uuid import UUID

from sqlalchemy import Connection

from domain.facts import NUDGE_FACTS
from domain.nudge import Nudge, evolve
from projections import nudges, tables
from projections.bulk import among, driver_rows, insert_rows
from streams import shadow_tables
from streams.mapper import Entry, decode
from streams.tables import log, log_rows, stream_of
from streams.views import page_of

TOPICS = tuple(sorted(each.TOPIC for each in NUDGE_FACTS))


def read(connection: Connection, after: UUID | None, upto: int, limit: int) -> list[Entry]:
    """All facts of the next streams; none at the end. A page that ends within a stream goes on to its end."""
    query = log_rows.where(log.c.position <= upto, among(log.c.topic, TOPICS))
    query = query.order_by(log.c.originator_id, log.c.originator_version)
    page = query if after is None else query.where(log.c.originator_id > after)
    rows = list(driver_rows(connection, page.limit(limit)))
    if len(rows) == limit:
        last = rows[-1][1]
        rest = query.where(log.c.originator_id == stream_of(last), log.c.originator_version > rows[-1][2])
        rows += driver_rows(connection, rest)
    return [Entry(stream_of(row[1]), row[2], decode(row[3], row[4]), row[0]) for row in rows]


def store(views: Connection, entries: Sequence[Entry]) -> list[Nudge]:
    """Add whole streams to the views of the shadow; returns the nudges."""
    folded = [_folded(id_, facts) for id_, facts in groupby(entries, attrgetter("originator_id"))]
    nudges.add(views, folded)
    page = page_of(entries, {})
    insert_rows(views, tables.trail, page.steps)
    shadow_tables.count(views, page.counts)
    return folded


def _folded(id_: UUID, entries: Iterable[Entry]) -> Nudge:
    nudge: Nudge | None = None
    for entry in entries:
        assert isinstance(entry.fact, NUDGE_FACTS)
        nudge = evolve(nudge, id_, entry.originator_version, entry.fact)
    assert nudge is not None
    return nudge
