"""The view `residents`: the residences of each person, with their times, as of the person's last plan."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from sqlalchemy import Connection, Select, delete, select, tuple_

from projections.bulk import change_with, insert_rows, rows_with
from projections.tables import residents


class Resident(NamedTuple):
    """One residence of a person, see domain.persons.residence.Residence. Times in microseconds.

    `home`: area and zone as hashed by `Names.home`, so that the file does not tell where people live.
    """

    person: str
    since: int
    home: str
    until: int | None
    only: bool


def of_persons(connection: Connection, persons: Sequence[str]) -> dict[str, list[Resident]]:
    """Return person -> their residences, in order of time."""
    found: dict[str, list[Resident]] = {}
    query = select(residents).order_by(residents.c.person, residents.c.since)
    for row in rows_with(connection, query, residents.c.person, persons):
        found.setdefault(row.person, []).append(Resident(*row))
    return found


def store(connection: Connection, changed: Mapping[str, Iterable[Resident]]) -> None:
    """Replace the residences of these persons."""
    change_with(connection, delete(residents), residents.c.person, changed)
    insert_rows(connection, residents, [row for rows in changed.values() for row in rows])


Place = tuple[str, str]
"""A home and a person, in the order in which residents are read."""
LAST = ("g", "")
"""A place after all others: homes are hex digits."""


def page(connection: Connection, within: Iterable[str], after: Place, limit: int) -> list[Resident]:
    """Return the next residents, by home and person, of homes that begin with one of `within` (hex digits)."""
    found: list[Resident] = []
    for prefix in _outermost(within):
        query = _between(max(after, (prefix, "")), _end_of(prefix)).limit(limit - len(found))
        found += map(Resident._make, connection.execute(query))
    return found


def between(connection: Connection, within: Iterable[str], after: Place, upto: Place) -> list[Resident]:
    """Return all residents after one place and up to another, of homes that begin with one of `within`."""
    bounds = ((max(after, (prefix, "")), min(upto, _end_of(prefix))) for prefix in _outermost(within))
    return [
        Resident(*row) for start, end in bounds if start < end for row in connection.execute(_between(start, end))
    ]


def edges(connection: Connection, within: Iterable[str], after: Place, size: int, most: int) -> list[Place]:
    """Return the ends of up to `most` pages of `size` residents after a place. The last page of homes is smaller."""
    found: list[Place] = []
    for prefix in _outermost(within):
        start, end = max(after, (prefix, "")), _end_of(prefix)
        while start < end and len(found) < most:
            row = connection.execute(_between(start, end).offset(size - 1).limit(1)).first()
            start = end if row is None else (row.home, row.person)
            found.append(start)
    return found


def _between(after: Place, upto: Place) -> Select[Any]:
    place = tuple_(residents.c.home, residents.c.person)
    return select(residents).where(place > after, place <= upto).order_by(*place)


def _end_of(prefix: str) -> Place:
    """Return the place after all homes with this prefix, in any collation."""
    following = int(prefix or "0", 16) + 1
    return LAST if following >= 16 ** len(prefix) else (f"{following:0{len(prefix)}x}", "")


def _outermost(prefixes: Iterable[str]) -> list[str]:
    """Return the prefixes in order, without those that begin with another one."""
    found: list[str] = []
    for prefix in sorted(prefixes):
        if not found or not prefix.startswith(found[-1]):
            found.append(prefix)
    return found
