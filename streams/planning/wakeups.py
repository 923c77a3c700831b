"""Wake-up records from pages of the log: one for each person named by a life event in any of its revisions.

They hold no personal data. Pseudonyms are not encrypted in the log, so nothing is decrypted for this.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any, NamedTuple
from uuid import UUID

import msgspec
from msgspec import Struct
from sqlalchemy import Connection

from domain.core.ids import Names
from projections import history
from projections.bulk import driver_rows
from streams.log.decoding import LIFE, life_of
from streams.log.mapper import LifeState
from streams.log.recorder import WAKING, FactRecorder, page_of
from streams.log.row_codes import facts_with, genuine
from streams.storage.tables import log, log_rows, stream_of

_PSEUDONYM = re.compile(rb"[0-9a-f]{32}")


class WakeUp(Struct, frozen=True, gc=False):
    """The value of a record: the life event that woke the person whose pseudonym is the key."""

    position: int
    type: str
    time: datetime


class WakeUpRecord(NamedTuple):
    """One record: its key (a pseudonym) and its value."""

    key: bytes
    value: bytes


class BadRecord(ValueError):
    """Raised for a record whose key is no pseudonym or whose value is no wake-up."""


_encode = msgspec.json.Encoder().encode
_decode = msgspec.json.Decoder(WakeUp).decode


def read_wake_up(key: bytes | None, value: bytes | None) -> tuple[str, WakeUp]:
    """Return the person and the event that woke them.

    Raises:
        BadRecord: it is not a wake-up record; `args[0]` is `bad_key` or `bad_value`.
    """
    if key is None or _PSEUDONYM.fullmatch(key) is None:
        raise BadRecord("bad_key")
    try:
        return key.decode(), _decode(value or b"")
    except (msgspec.MsgspecError, UnicodeDecodeError):
        raise BadRecord("bad_value") from None


class _Known(NamedTuple):
    """A life event of the page: its position, the stream of its original, and its stored state."""

    position: int
    original: UUID
    state: LifeState


class WakeUpReader:
    """Turns pages of the log into wake-up records."""

    def __init__(self, names: Names, page: int) -> None:
        self._names, self._page = names, page

    def page_after(
        self, connection: Connection, position: int, upto: int | None = None
    ) -> tuple[int, list[WakeUpRecord]]:
        """Return the position up to which a page after `position` was read (at most `upto`), and its records."""
        last = FactRecorder.last_position(connection) if upto is None else upto
        page = page_of(position, self._page, last, WAKING)
        rows = list(driver_rows(connection, page)) if last > position else []
        upto = rows[-1][0] if len(rows) == self._page else last
        events = list(self._events(connection, list(genuine(connection, rows))))
        everybody = _in_any_revision(connection, events)
        return upto, [record for event in events for record in _records(event, everybody.get(event.original, ()))]

    def _events(self, connection: Connection, rows: Sequence[Any]) -> Iterator[_Known]:
        streams = [stream_of(row[1]) for row in rows]
        again = [stream for row, stream in zip(rows, streams, strict=True) if row[3] != LIFE]
        first = _first_of(connection, again) if again else {}
        for row, stream in zip(rows, streams, strict=True):
            state = life_of(row) if row[3] == LIFE else first.get(stream)
            if state is None:  # the event was tampered with: `audit verify` names it
                continue
            corrected = state.corrects is not None
            original = self._names.stream(state.source, state.corrects or state.id) if corrected else stream
            yield _Known(row[0], original, state)


def _records(event: _Known, more: Sequence[str]) -> Iterator[WakeUpRecord]:
    state = event.state
    value = _encode(WakeUp(event.position, state.type, state.time))
    for person in dict.fromkeys([*_named(state), *more]):
        yield WakeUpRecord(person.encode(), value)


def _named(state: LifeState) -> list[str]:
    return [person for named in state.persons.values() for person in named]


def _in_any_revision(connection: Connection, events: Sequence[_Known]) -> Mapping[UUID, list[str]]:
    """Return original -> all persons named in any revision, for events with more than one revision."""
    if not events or not history.has_revisions(connection):
        return {}
    revised = history.revisions_of(connection, list({event.original for event in events}))
    if not revised:
        return {}
    first = _first_of(connection, list(revised))
    later = _states_at(connection, [position for some in revised.values() for position in some])
    found = {original: [later[position] for position in some] for original, some in revised.items()}
    return {
        original: [person for state in [*states, *filter(None, [first.get(original)])] for person in _named(state)]
        for original, states in found.items()
    }


def _first_of(connection: Connection, streams: Sequence[UUID]) -> dict[UUID, LifeState]:
    first = log_rows.where(log.c.originator_version == 1)
    rows = facts_with(connection, first, log.c.originator_id, streams)
    return {stream_of(row[1]): life_of(row) for row in rows}


def _states_at(connection: Connection, positions: Sequence[int]) -> dict[int, LifeState]:
    rows = facts_with(connection, log_rows, log.c.position, positions)
    return {row[0]: life_of(row) for row in rows}
