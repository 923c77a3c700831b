"""Positions and times of area events. They also count for the history of persons who live in the area."""

from collections.abc import Iterable

from sqlalchemy import Connection, select

from projections.bulk import among, insert_rows
from projections.tables import area_facts


def note_area(connection: Connection, area: str, position: int, time: int) -> None:
    """Add an area event. It is joined into histories when they are read."""
    insert_rows(connection, area_facts, [(area, position, time)])


def areas_with_facts(connection: Connection, areas: Iterable[str]) -> list[int]:
    """Return the positions of the events in those areas."""
    query = select(area_facts.c.position).where(among(area_facts.c.area, set(areas)))
    return list(connection.execute(query).scalars())


def areas_since(connection: Connection, since: int | None) -> list[int]:
    """Return the positions of area events at or after that time (microseconds); None: of all."""
    query = select(area_facts.c.position)
    return list(connection.execute(query if since is None else query.where(area_facts.c.time >= since)).scalars())


def area_times(connection: Connection) -> list[int]:
    """Return the times (microseconds) of all area events."""
    return list(connection.execute(select(area_facts.c.time).distinct()).scalars())


def has_area_facts(connection: Connection) -> bool:
    """Return True if there is any area event."""
    return connection.execute(_ANY).first() is not None


_ANY = select(area_facts.c.position).limit(1)
