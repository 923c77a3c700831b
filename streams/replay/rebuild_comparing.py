"""Compare rebuilt views with the live ones as of one moment, while others go on writing.

Writers are locked out for a moment, in which the last facts are applied and read transactions begin. Both sets of
views are then compared in those transactions, range by range. The keys of differing rows are kept in the shadow.
"""

from collections import Counter, deque
from collections.abc import Callable, Collection, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from typing import NamedTuple

from sqlalchemy import Connection, Table

from projections import tables
from streams.log.log import Log
from streams.replay.follower import Follower
from streams.replay.rebuild_compare import COMPARED, Key, Range, bound, differing, look
from streams.replay.shadow import (
    LOCK_ATTEMPTS,
    Beside,
    NoQuietMoment,
    forget_differing,
    keep_differing,
    large_rows,
    quiet,
    watching,
)
from streams.storage.database import Database
from streams.storage.tables import log as log_table

LOOKING = 2
ROWS, RANGES = 10, 5
"""Pages of a range, which one statement compares, and ranges that a connection takes in a step.

A large range is read in the order of its storage, which takes two thirds of the time.
"""
FOLLOWED = frozenset({tables.trail, tables.statistics})
"""The views that only the follower writes. It has to catch up in that moment, so PostgreSQL does not lock these."""


class Looking(NamedTuple):
    """Read transactions that see live and rebuilt views as of the same position; closing `held` ends them.

    `rows`: the approximate number of rows to compare.
    """

    held: ExitStack
    connections: Sequence[Connection]
    of: Beside
    position: int
    rows: int


def looking(live: Database, views: Database, log: Log, take_in: Callable[[], int]) -> Looking:
    """Lock writers out for a moment and begin the transactions. `take_in` applies later facts, and returns the last.

    Raises:
        NoQuietMoment: others wrote all the time.
    """
    follower = Follower(live, log)
    views.write(forget_differing)
    with views.reading() as connection:
        rows = large_rows(connection)
    for _ in range(LOCK_ATTEMPTS):
        follower.drain()
        take_in()
        with ExitStack() as held, quiet(live, views, {*COMPARED, log_table} - FOLLOWED) as (connection, of):
            if _has_followed(follower, live, connection):
                position = take_in()
                connections = [held.enter_context(watching(live, views)) for _ in range(LOOKING)]
                return Looking(held.pop_all(), connections, of, position, rows)
    raise NoQuietMoment


def _has_followed(follower: Follower, live: Database, quiet: Connection) -> bool:
    """Return True if readers see trail and statistics as of the end of the log.

    On SQLite the follower can only write in our own transaction, whose writes readers see after it ends: then return
    False, so that the next attempt sees them.
    """
    if live.sqlite:
        return not follower.catch_up(quiet)
    follower.drain()
    return True


class Comparing:
    """A running comparison. `found`: view -> rows that only one of the two has; `done`: rows compared, of about `of`.

    `page`: rows of a page.
    """

    def __init__(self, views: Database, chosen: Collection[Table], at: Looking, page: int) -> None:
        self._views, self._at, self._page = views, at, page
        self.position, self.done, self.of = at.position, 0, at.rows
        self.found = Counter({table.name: 0 for table in COMPARED if table in chosen})
        largest_first = sorted(chosen, key=lambda each: each is not tables.trail)
        self._left: deque[tuple[Table, Key | None]] = deque((table, None) for table in largest_first)

    def further(self) -> bool:
        """Compare the next ranges; return True if any are left."""
        with ThreadPoolExecutor(len(self._at.connections)) as threads:
            for counts in threads.map(self._some, self._at.connections):
                self.done += counts.pop("", 0)
                self.found.update(counts)
        return bool(self._left)

    def _some(self, connection: Connection) -> Counter[str]:
        """Compare ranges by one connection; return view -> differences, and "" -> rows compared."""
        counts: Counter[str] = Counter()
        for _ in range(RANGES):
            if (these := self._next(connection)) is None:
                break
            looked = look(connection, self._at.of, these)
            counts += Counter({"": looked.rows, these.table.name: looked.differences})
            if looked.differences:
                keys = differing(connection, self._at.of, these)
                self._views.write(lambda shadow: keep_differing(shadow, these.table, keys))  # noqa: B023  (runs at once)
        return counts

    def _next(self, connection: Connection) -> Range | None:
        """Return the next range. Another connection may continue after it as soon as its end is known."""
        try:
            table, after = self._left.popleft()
        except IndexError:
            return None
        upto = bound(connection, self._at.of, table, after, ROWS * self._page)
        if upto is not None:
            self._left.appendleft((table, upto))
        return Range(table, after, upto)

    def close(self) -> None:
        """End the read transactions."""
        self._at.held.close()
