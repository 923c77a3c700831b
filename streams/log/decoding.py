"""Rows of the log as what they say: only here is one decoded, so whoever meets a damaged one says where it stands.

A row is position, stream, version, topic and state, as `streams.storage.tables.log_rows` gives them, and whatever
follows.
"""

from collections.abc import Generator, Iterable, Mapping
from typing import Any, NamedTuple

import msgspec

from domain.core.events import LifeEvent
from domain.facts.facts import Fact
from streams.log.damaged import DamagedFact
from streams.log.mapper import Entry, LifeHead, LifeState, decode, decode_head, decode_life, unseal
from streams.log.person_keys import PersonKey
from streams.storage.tables import stream_of

LIFE = LifeEvent.TOPIC
_UNREADABLE = (msgspec.MsgspecError, UnicodeDecodeError, LookupError)
"""What decoding raises where a row is none of ours any more, or none that this version knows."""


class Unopened(NamedTuple):
    """A row that could not be read whole, and what the keys are called that were not at hand."""

    row: Any
    missing: list[str]


def entries_of(rows: Iterable[Any], keys: Mapping[str, PersonKey], unopened: dict[int, Unopened]) -> list[Entry]:
    """The entries, their parts opened with these keys; `unopened` takes those (by number) for which it takes others.

    Row by row without a call for each: most of what is read of the log is read here.

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
                rows.close()  # nobody reads on
            raise DamagedFact(row[0], error) from None
    return entries


def life_of(row: Any) -> LifeState:  # noqa: ANN401  (a row of the driver's)
    """The life event of a row, its parts still sealed.

    Raises:
        DamagedFact: it cannot be read.
    """
    try:
        return decode_life(row[4])
    except _UNREADABLE as error:
        raise DamagedFact(row[0], error) from None


def head_of(row: Any) -> LifeHead:  # noqa: ANN401  (a row of the driver's)
    """What is clear of the life event of a row.

    Raises:
        DamagedFact: it cannot be read.
    """
    try:
        return decode_head(row[4])
    except _UNREADABLE as error:
        raise DamagedFact(row[0], error) from None


def fact_of(row: Any) -> Fact:  # noqa: ANN401  (a row of the driver's)
    """The fact of a row that is no life event.

    Raises:
        DamagedFact: it cannot be read.
    """
    try:
        return decode(row[3], row[4])
    except _UNREADABLE as error:
        raise DamagedFact(row[0], error) from None
