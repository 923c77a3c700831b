"""The view `residents`: the residences of each person, with their times, as of the person's last plan."""

from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

from sqlalchemy import Connection, delete, select, tuple_

from projections.bulk import among, chunked, insert_rows
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
    for part in chunked(persons):
        query = (
            select(residents).where(among(residents.c.person, part)).order_by(residents.c.person, residents.c.since)
        )
        for row in connection.execute(query):
            found.setdefault(row.person, []).append(Resident(*row))
    return found


def store(connection: Connection, changed: Mapping[str, Iterable[Resident]]) -> None:
    """Replace the residences of these persons."""
    for part in chunked(list(changed)):
        connection.execute(delete(residents).where(among(residents.c.person, part)))
    insert_rows(connection, residents, [row for rows in changed.values() for row in rows])


def page(connection: Connection, within: Iterable[str], after: tuple[str, str], limit: int) -> list[Resident]:
    """Return the next residents, by home and person, of homes that begin with one of `within` (hex digits)."""
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
    """Return the prefixes in order, without those that begin with another one."""
    found: list[str] = []
    for prefix in sorted(prefixes):
        if not found or not prefix.startswith(found[-1]):
            found.append(prefix)
    return found


def _beyond(prefix: str) -> str | None:
    """Return the first home after all with this prefix, in any collation; None if there is none."""
    following = int(prefix or "0", 16) + 1
    return None if following >= 16 ** len(prefix) else f"{following:0{len(prefix)}x}"
