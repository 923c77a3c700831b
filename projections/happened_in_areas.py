"""What happened in areas: which facts, and when; whoever lives there has it in their history as well."""

from collections.abc import Iterable

from sqlalchemy import Connection, select

from projections.bulk import among, insert_rows
from projections.spelled import Query
from projections.tables import area_facts


def note_area(connection: Connection, area: str, position: int, time: int) -> None:
    """Something happened in an area; it is joined into histories when they are read."""
    insert_rows(connection, area_facts, [(area, position, time)])


def areas_with_facts(connection: Connection, areas: Iterable[str]) -> list[int]:
    """The positions of the facts of those areas."""
    query = select(area_facts.c.position).where(among(area_facts.c.area, set(areas)))
    return list(connection.execute(query).scalars())


def areas_since(connection: Connection, since: int | None) -> list[int]:
    """The positions of the facts of areas whose time is not before that; None: of all."""
    query = select(area_facts.c.position)
    return list(connection.execute(query if since is None else query.where(area_facts.c.time >= since)).scalars())


def area_times(connection: Connection) -> list[int]:
    """When anything happened to any area."""
    return list(connection.execute(select(area_facts.c.time).distinct()).scalars())


def has_area_facts(connection: Connection) -> bool:
    """Whether anything ever happened to an area."""
    return _ANY.first(connection) is not None


_ANY = Query(select(area_facts.c.position).limit(1))
