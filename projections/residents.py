"""Residents: who lives or lived where, from when till when, as of each person's last plan."""

from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

from sqlalchemy import Connection, delete, select, tuple_

from projections.bulk import among, chunked, insert_rows
from projections.tables import residents


class Resident(NamedTuple):
    """One residence of a person, see domain.rules.residence.Residence. Times in microseconds.

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
    """The next residents, by home and person, of all homes that begin with one of `within` (hexadecimal digits)."""
    found: list[Resident] = []
    for prefix in _outermost(within):
        found += _page(connection, prefix, max(after, (prefix, "")), limit - len(found))
    return found


def _page(connection: Connection, prefix: str, after: tuple[str, str], limit: int) -> Iterable[Resident]:
    place = tuple_(residents.c.home, residents.c.person)
    query = select(residents).where(place > after)
    if (beyond := _beyond(prefix)) is not None:
        query = query.where(residents.c.home < beyond)
    return map(Resident._make, connection.execute(query.order_by(*place).limit(limit)))


def _outermost(prefixes: Iterable[str]) -> list[str]:
    """In their order, without those that begin with another."""
    found: list[str] = []
    for prefix in sorted(prefixes):
        if not found or not prefix.startswith(found[-1]):
            found.append(prefix)
    return found


def _beyond(prefix: str) -> str | None:
    """The first home behind those that begin like this, in any collation of the database; None where none is."""
    following = int(prefix or "0", 16) + 1
    return None if following >= 16 ** len(prefix) else f"{following:0{len(prefix)}x}"
