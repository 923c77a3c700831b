"""The trail: every fact that concerns a person, in the order of the log."""

from collections.abc import Iterable, Sequence

from sqlalchemy import Connection, Table, select

from domain.facts.access_facts import PersonViewed
from projections.bulk import insert_rows
from projections.tables import trail

Step = tuple[str, int, str]
"""One fact that concerns a person: who, at which position, and its topic. Plain, because millions are made."""


def add(connection: Connection, steps: Iterable[Step], table: Table = trail) -> None:
    """Note facts that concern persons; what is already there stays."""
    insert_rows(connection, table, list(steps), ignore=True)


def positions(connection: Connection, person: str, *, after: int = 0, limit: int = 1000) -> Sequence[int]:
    """The positions of the facts that concern the person."""
    query = select(trail.c.position).where(trail.c.person == person, trail.c.position > after)
    return connection.execute(query.order_by(trail.c.position).limit(limit)).scalars().all()


def is_known(connection: Connection, person: str) -> bool:
    """Whether anything concerns the person, but that somebody asked about them."""
    query = select(trail.c.position).where(trail.c.person == person, trail.c.topic != PersonViewed.TOPIC)
    return connection.execute(query.limit(1)).first() is not None
