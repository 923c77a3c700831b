"""The follower: reads the log by position and brings the views that follow it up to date."""

from collections.abc import Iterable
from uuid import UUID

from sqlalchemy import Connection

from projections import nudges, positions, statistics, trail
from streams.database import Database, Priority
from streams.log import Log
from streams.mapper import Entry
from streams.views import Page, Subject, page_of, unnamed

READER = "views"


class Follower:
    """Keeps trail and statistics; its position is committed with them, so nothing is counted twice."""

    def __init__(self, database: Database, log: Log) -> None:
        self._database, self._log = database, log

    def drain(self) -> int:
        """Follow to the end of the log; returns how many facts were new."""
        done = 0
        while (new := self._page()) is not None:
            done += new
        return done

    def _page(self) -> int | None:
        """One page further; None at the end, 0 where another follower was quicker."""
        with self._database.reading() as connection:
            after = positions.position_of(connection, READER)
        entries = next(self._log.scan(after), None)
        if entries is None:
            return None
        page = page_of(entries, self._subjects(entries))
        return self._database.write(
            lambda connection: self._apply(connection, page, after, entries), Priority.FOLLOWING
        )

    def _subjects(self, entries: Iterable[Entry]) -> dict[UUID, Subject]:
        with self._database.reading() as connection:
            found = nudges.by_id(connection, unnamed(entries))
        return {id_: Subject(nudge.intent.person, nudge.intent.trigger) for id_, nudge in found.items()}

    def behind(self) -> int:
        """How many positions the views are behind the log."""
        with self._database.reading() as connection:
            return self._log.facts.last_position(connection) - positions.position_of(connection, READER)

    @staticmethod
    def _apply(connection: Connection, page: Page, after: int, entries: list[Entry]) -> int:
        if positions.position_of(connection, READER) != after:
            return 0
        trail.add(connection, page.steps)
        statistics.add(connection, page.counts)
        positions.save(connection, READER, entries[-1].position)
        return len(entries)
