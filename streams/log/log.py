"""The log: one order of facts, appended in bulk, read by stream, by position or page by page."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from msgspec.structs import replace
from sqlalchemy import Connection, Select

from domain.core.events import LifeEvent
from domain.core.ids import Position
from projections import retired
from projections.bulk import among, chunked, driver_rows
from streams.log.decoding import Unopened, entries_of, life_of
from streams.log.mapper import Entry, encode, sealed_by
from streams.log.person_keys import PersonKey, PersonKeys
from streams.log.recorder import FactRecorder, page_of
from streams.log.row_codes import RowCodes, facts_with, genuine
from streams.storage.database import Database
from streams.storage.tables import log, log_rows

PAGE = 1000


class Log:
    """The facts, which are the only source of truth; all views are derived from them."""

    def __init__(self, database: Database, keys: PersonKeys, clock: Callable[[], datetime], codes: RowCodes) -> None:
        database.use_codes(codes)
        self.database, self.keys, self.clock = database, keys, clock
        self.facts = FactRecorder(database)

    def append(self, connection: Connection, entries: Iterable[Entry]) -> Position:
        """Append any facts but life events in the caller's transaction; return the position before the first.

        Raises:
            IntegrityError: another transaction appended that version of a stream first.
        """
        rows = [(one.originator_id, one.originator_version, one.fact.TOPIC, encode(one.fact)) for one in entries]
        return self.facts.append(connection, rows)

    def read(self, connection: Connection, positions: Iterable[int]) -> list[Entry]:
        """Return the entries at those positions, in the order of the log."""
        rows = log_rows.order_by(log.c.position)
        return self.entries(connection, facts_with(connection, rows, log.c.position, sorted(set(positions))))

    def streams(self, connection: Connection, ids: Iterable[UUID], topics: Sequence[str] = ()) -> list[Entry]:
        """Return the entries of those streams, of these topics or of all, in the order of the log."""
        parts = chunked(sorted(set(ids)))
        rows = [row for part in parts for row in driver_rows(connection, rows_of_streams(part, topics))]
        return self.genuine_entries(connection, sorted(rows))

    def scan(
        self, after: int = 0, upto: int | None = None, topics: Sequence[str] = (), page: int = PAGE
    ) -> Iterator[list[Entry]]:
        """Yield the log in pages, each read in a short transaction of its own."""
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
        *,
        opened: bool = True,
    ) -> list[Entry]:
        """Return the next entries after a position, of these topics or of all; an empty list only at the end.

        Life events that are not `opened` have no sealed parts, and no key is read for them.
        """
        while rows := list(driver_rows(connection, page_of(after, limit, upto, topics))):
            if entries := self.genuine_entries(connection, rows, opened=opened):
                return entries
            after = rows[-1][0]  # all of them are forged
        return []

    def genuine_entries(self, connection: Connection, rows: Iterable[Any], *, opened: bool = True) -> list[Entry]:
        """Return rows of the log (position, stream, version, topic, state, code, …) as entries, without forged ones.

        `opened`: as of a `page`.

        Raises:
            DamagedFact: a fact cannot be read, or was altered.
        """
        written = genuine(connection, rows)
        return self.entries(connection, written) if opened else entries_of(written, {}, {})

    def entries(self, connection: Connection, rows: Iterable[Any]) -> list[Entry]:
        """Return genuine rows of the log as entries.

        The first pass uses the cached keys. A second pass looks up the missing keys, all at once. A third is needed
        for keys of periods: only when the person's own key does not open a part is it known that another is needed.
        """
        sealed: dict[int, Unopened] = {}
        entries = entries_of(rows, self.keys.cached(connection), sealed)
        return self._with_keys(connection, entries, sealed) if sealed else entries

    def _with_keys(self, connection: Connection, entries: list[Entry], sealed: dict[int, Unopened]) -> list[Entry]:
        asked: set[str] = set()
        known: dict[str, PersonKey] = {}
        while wanted := {holder for one in sealed.values() for holder in one.missing} - asked:
            asked |= wanted
            known |= (found := self.keys.load(connection, wanted))
            again = [at for at, one in sealed.items() if not found.keys().isdisjoint(one.missing)]
            known |= self.keys.load(connection, {person for at in again for person in _named(entries[at])})
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
        """Mark events as retired where their keys were destroyed by a retention limit."""
        by = {at: sealed_by(life_of(one.row)) for at, one in sealed.items()}
        gone = retired.retired_among(connection, {key for keys in by.values() for key in keys})
        for at, keys in by.items():
            event, moments = entries[at].fact, [gone[key].at for key in keys if key in gone]
            if moments and isinstance(event, LifeEvent):
                entries[at] = replace(entries[at], fact=replace(event, retired=max(moments)))


def _named(entry: Entry) -> frozenset[str]:
    assert isinstance(entry.fact, LifeEvent)
    return entry.fact.everybody


def rows_of_streams(ids: Iterable[UUID], topics: Sequence[str] = ()) -> Select[Any]:
    """Return the query of the rows of those streams, of these topics or of all.

    It compares the topic as an expression. Else PostgreSQL, if its statistics are older than most attempts, reads
    the index of all attempts to find those of a few streams.
    """
    query = log_rows.where(among(log.c.originator_id, ids))
    return query.where(among(log.c.topic.concat(""), topics)) if topics else query
