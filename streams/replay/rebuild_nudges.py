"""Fold nudges stream by stream, so that each is written once instead of once a fact."""

from collections.abc import Iterable
from itertools import groupby
from operator import attrgetter
from typing import NamedTuple
from uuid import UUID

from sqlalchemy import Connection

from domain.facts.facts import NUDGE_FACTS
from domain.nudges.nudge import Nudge, evolve
from projections import nudges, tables
from projections.bulk import among, insert_rows
from streams.log.decoding import entries_of
from streams.log.mapper import Entry
from streams.log.row_codes import facts_by
from streams.replay import shadow
from streams.replay.follower import ViewAdditions, page_of
from streams.storage.tables import log, log_rows

TOPICS = tuple(sorted(each.TOPIC for each in NUDGE_FACTS))


class Folded(NamedTuple):
    """Folded nudges, their additions to trail and statistics, and the number of facts read."""

    nudges: list[Nudge]
    page: ViewAdditions
    facts: int


def read(connection: Connection, after: UUID | None, upto: UUID | None, last: int) -> Folded:
    """Fold the nudges after one id and up to another (None: no bound), from their facts up to position `last`."""
    query = log_rows.where(log.c.position <= last, among(log.c.topic, TOPICS))
    query = query if after is None else query.where(log.c.originator_id > after)
    query = query if upto is None else query.where(log.c.originator_id <= upto)
    rows = facts_by(connection, query.order_by(log.c.originator_id, log.c.originator_version))
    entries = entries_of(rows, {}, {})
    folded = [_folded(id_, facts) for id_, facts in groupby(entries, attrgetter("originator_id"))]
    return Folded(folded, page_of(entries, {}), len(entries))


def store(views: Connection, folded: Folded) -> None:
    """Add the nudges to the views of the shadow."""
    nudges.add(views, folded.nudges, keyed=False)
    insert_rows(views, tables.trail, folded.page.steps)
    shadow.count(views, folded.page.counts)


def _folded(id_: UUID, entries: Iterable[Entry]) -> Nudge:
    nudge: Nudge | None = None
    for entry in entries:
        assert isinstance(entry.fact, NUDGE_FACTS)
        nudge = evolve(nudge, id_, entry.originator_version, entry.fact)
    assert nudge is not None
    return nudge
