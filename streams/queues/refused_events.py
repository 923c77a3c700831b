"""The counts of events from Kafka that were refused, kept for good; their topic keeps the events for a day only."""

from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from datetime import datetime

from sqlalchemy import Connection, select

from projections.bulk import insert_rows
from projections.tables import micros, optional_moment
from streams.storage.database import Database, Priority
from streams.storage.tables import dead_events


class RefusedEvents:
    """Counts refused events by code; an event of a batch that was not acknowledged comes again and counts again."""

    def __init__(self, database: Database, clock: Callable[[], datetime]) -> None:
        self._database, self._clock = database, clock

    def note(self, codes: Iterable[str]) -> None:
        """Count events that were refused now."""
        if more := sorted(Counter(codes).items()):  # in one order: another intake may count the same ones
            now = micros(self._clock())
            self._database.write(lambda connection: _add(connection, more, now), Priority.INTAKE)


def _add(connection: Connection, more: Iterable[tuple[str, int]], now: int) -> None:
    insert_rows(connection, dead_events, [(code, 0, now) for code, _ in more], ignore=True)
    for code, count in more:
        known = dead_events.update().where(dead_events.c.code == code)
        connection.execute(known.values(refused=dead_events.c.refused + count, last=now))


def refused(connection: Connection) -> tuple[Mapping[str, int], datetime | None]:
    """Return the count of refused events by code, and the time of the last one."""
    rows = connection.execute(select(dead_events).order_by(dead_events.c.code)).all()
    return {row.code: row.refused for row in rows}, optional_moment(max((row.last for row in rows), default=None))
