"""Dead letters: records that say nothing, and persons who cannot be planned, each with its cause, for a human.

Who is planned after all, by something new that happened or by a retry, has no letter any more.
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime

from msgspec import Struct
from sqlalchemy import Connection, delete, func, select

from projections.bulk import among, chunked, insert_rows
from projections.tables import micros
from streams.tables import dead_letters


class Letter(Struct, frozen=True):
    """One of them: `letter` is unique (a record's place, or a person), `person` is None where nobody is known."""

    letter: str
    person: str | None
    cause: str


def of_record(topic: str, partition: int, offset: int, cause: str) -> Letter:
    """The letter of a record that names nobody."""
    return Letter(f"{topic}/{partition}/{offset}", None, cause)


def of_persons(causes: Mapping[str, str]) -> list[Letter]:
    """The letters of persons who cannot be planned."""
    return [Letter(person, person, cause) for person, cause in causes.items()]


def note(connection: Connection, letters: Iterable[Letter], now: datetime) -> None:
    """Keep them; what is kept already stays as it is."""
    rows = [(one.letter, one.person, one.cause, micros(now)) for one in letters]
    insert_rows(connection, dead_letters, rows, ignore=True)


def with_letters(connection: Connection, persons: Sequence[str]) -> set[str]:
    """Those of the persons who have one."""
    query = select(dead_letters.c.person)
    return {
        person for part in chunked(persons)
        for person in connection.execute(query.where(among(dead_letters.c.person, part))).scalars()
    }  # fmt: skip


def settle(connection: Connection, persons: Sequence[str]) -> None:
    """These are planned after all."""
    for part in chunked(persons):
        connection.execute(delete(dead_letters).where(among(dead_letters.c.person, part)))


def count(connection: Connection) -> int:
    """How many there are."""
    return int(connection.execute(select(func.count()).select_from(dead_letters)).scalar_one())
