"""The view `trail`: every fact that concerns a person, in the order of the log."""

from collections.abc import Iterable, Sequence

from sqlalchemy import Connection, select

from domain.facts.access_facts import PersonViewed
from projections.bulk import insert_rows
from projections.tables import trail

Step = tuple[str, int, str]
"""One fact that concerns a person: pseudonym, position and topic. A plain tuple, because millions are made."""


def add(connection: Connection, steps: Iterable[Step]) -> None:
    """Add facts that concern persons."""
    insert_rows(connection, trail, list(steps))


def positions(connection: Connection, person: str, *, after: int = 0, limit: int = 1000) -> Sequence[int]:
    """Return the positions of the facts that concern the person, the next `limit` after `after`."""
    query = select(trail.c.position).where(trail.c.person == person, trail.c.position > after)
    return connection.execute(query.order_by(trail.c.position).limit(limit)).scalars().all()


def is_known(connection: Connection, person: str) -> bool:
    """Return True if any fact concerns the person, apart from readings of their data."""
    query = select(trail.c.position).where(trail.c.person == person, trail.c.topic != PersonViewed.TOPIC)
    return connection.execute(query.limit(1)).first() is not None
