"""Decodes rows of the log. All decoding is here, so that every damaged fact is reported with its position.

A row is position, stream, version, topic and state, as `streams.storage.tables.log_rows` gives them; further columns
are ignored.
"""

from collections.abc import Generator, Iterable, Mapping
from typing import Any, NamedTuple, TypeAlias

import msgspec

from domain.core.events import LifeEvent
from domain.facts.facts import Fact
from streams.log.damaged import DamagedFact
from streams.log.mapper import Entry, LifeState, decode, decode_life, unseal
from streams.log.person_keys import PersonKey
from streams.storage.tables import stream_of

LIFE = LifeEvent.TOPIC
DriverRow: TypeAlias = Any
"""A row as the driver gives it."""
_UNREADABLE = (msgspec.MsgspecError, UnicodeDecodeError, LookupError)
"""Raised by decoding for a row that was damaged, or that this version does not know."""


class Unopened(NamedTuple):
    """A row with parts that are still sealed, and the names of the keys that were not given."""

    row: DriverRow
    missing: list[str]


def entries_of(
    rows: Iterable[DriverRow], keys: Mapping[str, PersonKey], unopened: dict[int, Unopened]
) -> list[Entry]:
    """Return the entries, their parts opened with these keys; rows that need other keys go to `unopened`, by index.

    The loop makes no call of its own for each row: most reading of the log passes here.

    Raises:
        DamagedFact: one cannot be read.
    """
    missing: list[str] = []
    entries: list[Entry] = []
    for row in rows:
        try:
            stream = stream_of(row[1])
            if row[3] == LIFE:
                state = decode_life(row[4])
                event = unseal(stream, state, keys, missing)
                if missing:
                    unopened[len(entries)], missing = Unopened(row, missing), []
                entries.append(Entry(stream, row[2], event, row[0], state.recorded))
            else:
                entries.append(Entry(stream, row[2], decode(row[3], row[4]), row[0]))
        except _UNREADABLE as error:
            if isinstance(rows, Generator):
                rows.close()  # else an error about the remaining rows would hide this one
            raise DamagedFact(row[0], error) from None
    return entries


def life_of(row: DriverRow) -> LifeState:
    """Return the life event of a row, its parts still sealed. Raises DamagedFact where it cannot be read."""
    try:
        return decode_life(row[4])
    except _UNREADABLE as error:
        raise DamagedFact(row[0], error) from None


def fact_of(row: DriverRow) -> Fact:
    """Return the fact of a row that is not a life event. Raises DamagedFact where it cannot be read."""
    try:
        return decode(row[3], row[4])
    except _UNREADABLE as error:
        raise DamagedFact(row[0], error) from None
