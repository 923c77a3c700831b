"""Dead letters about a person who is erased: also those that only name them in their content."""

import re

from sqlalchemy import Connection, delete, select

from domain.ids import Names
from projections.bulk import among, chunked
from streams.dead_letters import DeadLetters
from streams.tables import dead_letters

_DIGITS = re.compile(rb"\d{6,20}")


def forget(connection: Connection, letters: DeadLetters, names: Names, person: str) -> int:
    """Let go of them; returns how many went."""
    unnamed = connection.execute(select(dead_letters).where(dead_letters.c.person.is_(None))).all()
    naming = [row.id for row in unnamed if names_them(letters.content(connection, row) or b"", names, person)]
    gone = connection.execute(delete(dead_letters).where(dead_letters.c.person == person)).rowcount
    for part in chunked(naming):
        gone += connection.execute(delete(dead_letters).where(among(dead_letters.c.id, part))).rowcount
    return gone


def names_them(content: bytes, names: Names, person: str) -> bool:
    """What could not be taken in still has national ids, or at least what looks like one."""
    named = (names.pseudonym(each.decode()) for each in _DIGITS.findall(content))
    return person.encode() in content or person in named
