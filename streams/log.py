"""The log: one order of facts, appended in bulk, read by stream, by position or page by page."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from eventsourcing.application import Application
from eventsourcing.persistence import Mapper
from sqlalchemy import Connection

from domain.events import LifeEvent
from projections.bulk import among, chunked, driver_rows
from streams.database import Database
from streams.keys import PersonKey, PersonKeys
from streams.mapper import Entry, FactMapper, decode, decode_life, encode, unseal
from streams.recorder import FactRecorder, page_of
from streams.tables import log, log_rows, streams_of

PAGE = 2000
LIFE = LifeEvent.TOPIC


class Log(Application[UUID]):
    """The platform's only truth."""

    name = "habarshy"

    def __init__(self, database: Database, keys: PersonKeys, clock: Callable[[], datetime]) -> None:
        self.database, self.keys, self.clock = database, keys, clock
        self.facts = FactRecorder(database)
        super().__init__(env={})

    def construct_mapper(self) -> Mapper[UUID]:
        """Our mapper, with the keys that it needs at hand."""
        return FactMapper(self._make_keys, self._read_keys, self.clock)

    def construct_recorder(self) -> FactRecorder:
        """Our recorder."""
        return self.facts

    def _make_keys(self, persons: Iterable[str]) -> Mapping[str, PersonKey]:
        wanted = list(persons)
        known, made = self.database.write(lambda connection: self.keys.ensure(connection, wanted))
        self.keys.remember(made)
        return known

    def _read_keys(self, persons: Iterable[str]) -> Mapping[str, PersonKey]:
        with self.database.reading() as connection:
            return self.keys.load(connection, persons)

    def append(self, connection: Connection, entries: Iterable[Entry]) -> int:
        """Append facts about nudges and rules in the caller's transaction; returns the position before the first.

        Raises:
            IntegrityError: somebody else appended that version of a stream first.
        """
        rows = [(one.originator_id, one.originator_version, one.fact.TOPIC, encode(one.fact)) for one in entries]
        return self.facts.append(connection, rows)

    def read(self, connection: Connection, positions: Iterable[int]) -> list[Entry]:
        """The entries at those positions, in the order of the log."""
        wanted = sorted(set(positions))
        rows = [
            row for part in chunked(wanted)
            for row in connection.execute(log_rows.where(among(log.c.position, part)).order_by(log.c.position))
        ]  # fmt: skip
        return self.decoded(connection, rows)

    def streams(self, connection: Connection, ids: Iterable[UUID]) -> list[Entry]:
        """All entries of those streams, in the order of the log."""
        rows = [
            row for part in chunked(sorted(set(ids)))
            for row in connection.execute(log_rows.where(among(log.c.originator_id, part)))
        ]  # fmt: skip
        return self.decoded(connection, sorted(rows))

    def scan(
        self, after: int = 0, upto: int | None = None, topics: Sequence[str] = (), page: int = PAGE
    ) -> Iterator[list[Entry]]:
        """The log in pages, each read in a short transaction of its own."""
        with self.database.engine.connect() as connection:
            while True:
                with connection.begin():
                    rows = driver_rows(connection, page_of(after, page, upto, topics))
                    entries = self.decoded(connection, rows)
                if not entries:
                    return
                yield entries
                after = entries[-1].position

    def decoded(self, connection: Connection, rows: Sequence[Any]) -> list[Entry]:
        """Rows of the log (position, stream, version, topic, state, whatever follows) as entries.

        In one go with the keys at hand, then once more where keys had to be looked up, all at once: objects that
        are made and used one after the other are still in the processor's cache.
        """
        streams = streams_of(rows)
        missing: list[str] = []
        entries = list(_decoded(rows, streams, self.keys.at_hand(connection), missing))
        if missing and (found := self.keys.load(connection, missing)):
            again = [at for at, row in enumerate(rows) if row[3] == LIFE and _reads(entries[at].fact, found)]
            fresh = self.keys.load(connection, _named(entries[at].fact for at in again))
            some = _decoded([rows[at] for at in again], [streams[at] for at in again], fresh, [])
            for at, entry in zip(again, some, strict=True):
                entries[at] = entry
        return entries


def _decoded(
    rows: Sequence[Any], streams: Sequence[UUID], keys: Mapping[str, PersonKey], missing: list[str]
) -> Iterator[Entry]:
    for row, stream in zip(rows, streams, strict=True):
        topic = row[3]
        if topic == LIFE:
            state = decode_life(row[4])
            yield Entry(stream, row[2], unseal(stream, state, keys, missing), row[0], state.recorded)
        else:
            yield Entry(stream, row[2], decode(topic, row[4]), row[0])


def _reads(fact: Any, keys: Mapping[str, PersonKey]) -> bool:  # noqa: ANN401  (a life event)
    """Whether any of the keys belongs to somebody whom it names."""
    return any(person in keys for person in fact.everybody)


def _named(facts: Iterable[Any]) -> set[str]:
    return {person for fact in facts for person in fact.everybody}
