"""The log: one order of facts, appended in bulk, read by stream, by position or page by page."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from eventsourcing.application import Application
from eventsourcing.persistence import Mapper
from msgspec.structs import replace
from sqlalchemy import Connection

from domain.core.events import LifeEvent
from projections import retired
from projections.bulk import among, chunked, driver_rows
from streams.log.decoding import Unopened, entries_of, life_of
from streams.log.mapper import Entry, FactMapper, encode, sealed_by
from streams.log.person_keys import PersonKey, PersonKeys
from streams.log.recorder import FactRecorder, page_of
from streams.log.row_codes import RowCodes, facts_by, genuine
from streams.storage.database import Database
from streams.storage.tables import log, log_rows

PAGE = 1000


class Log(Application[UUID]):
    """The platform's only truth."""

    name = "habarshy"

    def __init__(self, database: Database, keys: PersonKeys, clock: Callable[[], datetime], codes: RowCodes) -> None:
        database.use_codes(codes)
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
            row
            for part in chunked(wanted)
            for row in driver_rows(connection, log_rows.where(among(log.c.position, part)).order_by(log.c.position))
        ]
        return self.decoded(connection, rows)

    def streams(self, connection: Connection, ids: Iterable[UUID], topics: Sequence[str] = ()) -> list[Entry]:
        """All entries of those streams, or those of these topics, in the order of the log."""
        query = log_rows.where(among(log.c.topic, topics)) if topics else log_rows
        rows = [
            row
            for part in chunked(sorted(set(ids)))
            for row in driver_rows(connection, query.where(among(log.c.originator_id, part)))
        ]
        return self.decoded(connection, sorted(rows))

    def scan(
        self, after: int = 0, upto: int | None = None, topics: Sequence[str] = (), page: int = PAGE
    ) -> Iterator[list[Entry]]:
        """The log in pages, each read in a short transaction of its own."""
        with self.database.engine.connect() as connection:
            while True:
                with connection.begin():
                    entries = self.page(connection, after, upto, topics, page)
                if not entries:
                    return
                yield entries
                after = entries[-1].position

    def page(
        self,
        connection: Connection,
        after: int,
        upto: int | None = None,
        topics: Sequence[str] = (),
        limit: int | None = None,
    ) -> list[Entry]:
        """The next entries after a position, of the whole log or of these topics; none only at its end."""
        while rows := list(driver_rows(connection, page_of(after, limit, upto, topics))):
            if entries := self.decoded(connection, rows):
                return entries
            after = rows[-1][0]  # all of them are forged
        return []

    def positions_of(self, connection: Connection, after: int, upto: int, topics: Sequence[str]) -> list[int]:
        """Where in that range facts of these topics are; all of it is looked through."""
        return [row[0] for row in facts_by(connection, page_of(after, None, upto, topics))]

    def decoded(self, connection: Connection, rows: Iterable[Any]) -> list[Entry]:
        """Rows of the log (position, stream, version, topic, state, code, whatever follows) as entries.

        Raises:
            DamagedFact: a fact cannot be read, or was altered.
        """
        return self.opened(connection, genuine(connection, rows))

    def opened(self, connection: Connection, rows: Iterable[Any]) -> list[Entry]:
        """Genuine rows of the log as entries.

        In one go with the keys at hand, then once more where keys had to be looked up, all at once: what is made
        and used row by row is still in the processor's cache. A third time where a period has a key of its own: which
        it is that a part was sealed with is seen when the person's own does not open it.
        """
        sealed: dict[int, Unopened] = {}
        entries = entries_of(rows, self.keys.at_hand(connection), sealed)
        return self._with_keys(connection, entries, sealed) if sealed else entries

    def _with_keys(self, connection: Connection, entries: list[Entry], sealed: dict[int, Unopened]) -> list[Entry]:
        asked: set[str] = set()
        known: dict[str, PersonKey] = {}
        while wanted := {holder for one in sealed.values() for holder in one.missing} - asked:
            asked |= wanted
            known |= (found := self.keys.load(connection, wanted))
            again = [at for at, one in sealed.items() if not found.keys().isdisjoint(one.missing)]
            known |= self.keys.load(connection, {each for at in again for each in _named(entries[at])})
            still: dict[int, Unopened] = {}
            some = entries_of([sealed[at].row for at in again], known, still)
            for number, at in enumerate(again):
                entries[at] = some[number]
                if number in still:
                    sealed[at] = still[number]
                else:
                    del sealed[at]
        self._retire(connection, entries, sealed)
        return entries

    @staticmethod
    def _retire(connection: Connection, entries: list[Entry], sealed: Mapping[int, Unopened]) -> None:
        """Say of what cannot be read that it is retired, where it is."""
        by = {at: sealed_by(life_of(one.row)) for at, one in sealed.items()}
        gone = retired.among_keys(connection, {key for keys in by.values() for key in keys})
        for at, keys in by.items():
            event, moments = entries[at].fact, [gone[key].at for key in keys if key in gone]
            if moments and isinstance(event, LifeEvent):
                entries[at] = replace(entries[at], fact=replace(event, retired=max(moments)))


def _named(entry: Entry) -> frozenset[str]:
    assert isinstance(entry.fact, LifeEvent)
    return entry.fact.everybody
