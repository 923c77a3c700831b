"""Soundings: how much waits, noted now and then, so that anybody can tell whether it grows and when it is done.

They are taken by the process that does the upkeep; that there is none lately means that there is no such process.
"""

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta

from msgspec import Struct
from sqlalchemy import Connection, delete, func, select

from projections import history, nudges, positions
from projections.bulk import insert_rows
from projections.tables import micros, moment, optional_moment
from streams import blocks
from streams.database import Database, Priority
from streams.follower import READER as VIEWS
from streams.recorder import FactRecorder
from streams.tables import soundings

EVERY = timedelta(seconds=15)
SILENT = timedelta(minutes=2)
"""Whoever takes no sounding for so long is not there."""
KEPT, SPAN, LEAST = timedelta(hours=1), timedelta(minutes=10), timedelta(minutes=1)
"""For how long they are kept; over how long a trend is told, and from how much on."""
PLANNING, DISPATCH, VIEWS_BEHIND, RELAY, CHAIN = "planning", "dispatch", "views", "relay", "chain"
RELAY_READER = "relay"


class Trend(Struct, frozen=True):
    """How much more waits each minute (below 0: less), and when nothing waits any more, if it goes on so."""

    a_minute: float
    empty_in: timedelta | None


class Soundings:
    """Takes them, and says what they come to."""

    def __init__(self, database: Database, clock: Callable[[], datetime]) -> None:
        self._database, self._clock = database, clock
        self._last: datetime | None = None

    def take(self) -> bool:
        """Note what waits, if it is time; whether it was."""
        now = self._clock()
        if self._last is not None and self._last <= now < self._last + EVERY:
            return False
        with self._database.reading() as connection:
            found = waiting(connection, now)
        rows = [(micros(now), name, count) for name, count in found.items()]
        self._database.write(lambda connection: _keep(connection, rows, now), Priority.FOLLOWING)
        self._last = now
        return True

    def latest(self) -> datetime | None:
        """When the last one was taken."""
        with self._database.reading() as connection:
            return optional_moment(connection.execute(select(func.max(soundings.c.at))).scalar())

    def trends(self, counts: Mapping[str, int]) -> dict[str, Trend]:
        """Name -> trend, of what waits now and was sounded long enough ago."""
        now = self._clock()
        with self._database.reading() as connection:
            query = select(soundings).where(soundings.c.at >= micros(now - SPAN)).order_by(soundings.c.at)
            rows = connection.execute(query).all()
        first: dict[str, tuple[datetime, int]] = {}
        for at, name, count in rows:
            first.setdefault(name, (moment(at), count))
        return {
            name: trend(*first[name], now, count)
            for name, count in counts.items()
            if name in first and count and now - first[name][0] >= LEAST
        }


def trend(since: datetime, before: int, now: datetime, count: int) -> Trend:
    """What became of so many since then."""
    a_minute = (count - before) * 60 / (now - since).total_seconds()
    return Trend(a_minute, timedelta(minutes=count / -a_minute) if a_minute < 0 else None)


def waiting(connection: Connection, now: datetime) -> dict[str, int]:
    """What waits for each part of the platform."""
    last = FactRecorder.last_position(connection)
    relayed = positions.position_of(connection, RELAY_READER)
    found = {
        PLANNING: history.waiting(connection)[0],
        DISPATCH: nudges.waiting(connection, micros(now))[0],
        VIEWS_BEHIND: last - positions.position_of(connection, VIEWS),
        CHAIN: last - blocks.latest(connection).upto,
    }
    return found | ({RELAY: last - relayed} if relayed else {})


def _keep(connection: Connection, rows: Sequence[tuple[int, str, int]], now: datetime) -> None:
    connection.execute(delete(soundings).where(soundings.c.at < micros(now - KEPT)))
    insert_rows(connection, soundings, rows, ignore=True)
