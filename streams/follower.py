"""The follower: reads the log by position and brings the views that follow it up to date."""

from sqlalchemy import Connection

from projections import nudges, positions, statistics, trail
from streams.database import Database, Priority
from streams.log import Log
from streams.views import Subject, page_of, unnamed
from streams.ways import attempts_before

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

    def catch_up(self, connection: Connection) -> int:
        """Follow to the end within a write transaction of the caller's; returns how many facts that were."""
        followed = 0
        while page := self._one_page(connection, positions.position_of(connection, READER)):
            followed += page
        return followed

    def _page(self) -> int | None:
        """One page further; None at the end, 0 where another follower was quicker."""
        with self._database.reading() as connection:
            after = positions.position_of(connection, READER)
            if after >= self._log.facts.last_position(connection):
                return None
        return self._database.write(lambda connection: self._one_page(connection, after), Priority.FOLLOWING)

    def _one_page(self, connection: Connection, after: int) -> int:
        entries = next(self._log.scan(after), None)
        if entries is None or positions.hold(connection, READER) != after:
            return 0
        found = nudges.by_id(connection, unnamed(entries))
        subjects = {id_: Subject(one.intent.person, one.intent.trigger) for id_, one in found.items()}
        page = page_of(entries, subjects, attempts_before(connection, self._log, entries))
        trail.add(connection, page.steps)
        statistics.add(connection, page.counts)
        positions.save(connection, READER, entries[-1].position)
        return len(entries)

    def behind(self) -> int:
        """How many positions the views are behind the log."""
        with self._database.reading() as connection:
            return self._log.facts.last_position(connection) - positions.position_of(connection, READER)
