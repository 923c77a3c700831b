"""How the keys of persons are called: a person's own by the person, that of a period by event type and year as well.

The year is that in which the event happened (UTC), not that of its recording: so the same facts in any order of
arrival have the same keys, and what is loaded of ten years ago is not readable for ten years more.
"""

from datetime import UTC, datetime
from typing import NamedTuple

_BETWEEN = "/"  # in no pseudonym and in no event type


class Period(NamedTuple):
    """What one key of a person seals: their parts of the events of a type in a year."""

    person: str
    type: str
    year: int

    @property
    def holder(self) -> str:
        """What the key is called."""
        return f"{self.person}{_BETWEEN}{self.type}{_BETWEEN}{self.year}"


def holder_of(person: str, type_: str, time: datetime) -> str:
    """What the person's key is called for an event of that type then."""
    return Period(person, type_, time.astimezone(UTC).year).holder


def period_of(holder: str) -> Period | None:
    """Which period a key is of; None: it is the person's own."""
    if _BETWEEN not in holder:
        return None
    person, type_, year = holder.split(_BETWEEN)
    return Period(person, type_, int(year))


def person_of(holder: str) -> str:
    """Whose key it is."""
    return holder.partition(_BETWEEN)[0]
