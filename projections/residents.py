"""Residents: who lives or lived where, from when till when, as of each person's last plan."""

from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

from sqlalchemy import ColumnElement, Connection, and_, delete, or_, select, true

from projections.bulk import among, chunked, insert_rows
from projections.tables import residents


class Resident(NamedTuple):
    """One residence of a person, see domain.residence.Residence. Times in microseconds.

    `home`: area and zone as `Names.home` gives them, so that nobody who reads the file learns where people live.
    """

    person: str
    since: int
    home: str
    until: int | None
    only: bool


def of_persons(connection: Connection, persons: Sequence[str]) -> dict[str, list[Resident]]:
    """Person -> their residences, in their order."""
    found: dict[str, list[Resident]] = {}
    for part in chunked(persons):
        query = (
            select(residents).where(among(residents.c.person, part)).order_by(residents.c.person, residents.c.since)
        )
        for row in connection.execute(query):
            found.setdefault(row.person, []).append(Resident(*row))
    return found


def store(connection: Connection, changed: Mapping[str, Iterable[Resident]]) -> None:
    """Bring the view to these residences of these persons."""
    for part in chunked(list(changed)):
        connection.execute(delete(residents).where(among(residents.c.person, part)))
    insert_rows(connection, residents, [row for rows in changed.values() for row in rows])


def page(connection: Connection, within: Iterable[str], after: tuple[str, str], limit: int) -> list[Resident]:
    """The next residents, by home and person, of all homes that begin with one of `within`."""
    home, person = after
    further = or_(residents.c.home > home, and_(residents.c.home == home, residents.c.person > person))
    query = select(residents).where(or_(*map(_begins_with, within)), residents.c.home >= home, further)
    rows = connection.execute(query.order_by(residents.c.home, residents.c.person).limit(limit))
    return list(map(Resident._make, rows))


def _begins_with(prefix: str) -> ColumnElement[bool]:
    if not prefix:
        return true()
    beyond = prefix[:-1] + chr(ord(prefix[-1]) + 1)
    return and_(residents.c.home >= prefix, residents.c.home < beyond)
