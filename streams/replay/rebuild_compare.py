"""The end of a rebuild: compare both sets of views as of one moment, mend rows that differ, compare again.

Writers are locked out for a moment, in which the last facts are applied and read transactions begin
(`take_snapshot`). The views are compared in those transactions, range by range (`Comparison`); the keys of
differing rows are kept in the shadow. Writers are locked out again only while differing rows are mended (`Mending`),
however long the log
is.
"""

from collections import Counter, deque
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from typing import Any, NamedTuple

import msgspec
from msgspec import Struct
from sqlalchemy import Connection, Table

from domain.core.translatable import N_
from projections import area_plans, governance, tables
from streams.log.log import Log
from streams.queues.jobs import Save, Step
from streams.replay.follower import Follower
from streams.replay.shadow import (
    DIFFERING,
    LOCK_ATTEMPTS,
    NoQuietMoment,
    SchemaNames,
    forget_differing,
    keep_differing,
    large_rows,
    reading_both,
    writers_locked_out,
)
from streams.storage.database import Database
from streams.storage.tables import log as log_table

COMPARED: Mapping[Table, tuple[str, ...]] = {
    tables.history: ("person", "position", "time", "type", "ahead_from"),
    tables.revisions: ("original", "position", "arrived"),
    tables.area_facts: ("area", "position", "time"),
    tables.area_plans: ("original",),
    tables.residents: ("person", "since", "home", "until", "only"),
    tables.nudges: ("nudge", "person", "version", "state", "folded"),
    tables.due: ("nudge", "recipient", "due_at", "rank", "attempted", "stopped", "lane", "since"),
    tables.inbox: (
        "recipient",
        "nudge",
        "at",
        "channel",
        "state",
        "counted",
        "cause",
        "provider",
        "trigger",
        "open_until",
    ),
    tables.handed_over: ("provider", "reference", "nudge", "recipient", "attempt"),
    tables.governance: ("position", "topic"),
    tables.erased: ("person", "position", "key_id", "at"),
    tables.retired: ("key_id", "position", "at"),
    tables.trail: ("person", "position", "topic"),
    tables.statistics: ("day", "trigger", "what", "count"),
}
"""View -> the columns that the log alone decides. Planned marks, leases and progress of plans are not compared."""

Key = tuple[Any, ...]
"""The primary key of a row, as the driver gives it."""


class Range(NamedTuple):
    """The rows of a view after one key and up to and including another (None: no bound)."""

    table: Table
    after: Key | None
    upto: Key | None


def key_after(connection: Connection, of: SchemaNames, table: Table, after: Key | None, rows: int) -> Key | None:
    """Return the key of the rebuilt row that many `rows` after `after`; None if there are fewer."""
    where, given = _within(connection, Range(table, after, None))
    keys = _keys("here", table)
    query = f"SELECT {keys} FROM {of.shadow}.{table.name} AS here WHERE {where} ORDER BY {keys} LIMIT 1"  # noqa: S608  (our own names)
    found = connection.exec_driver_sql(f"{query} OFFSET {rows - 1}", given).first()
    return None if found is None else tuple(found)


def compare_range(connection: Connection, of: SchemaNames, these: Range) -> tuple[int, int]:
    """Compare a range; return the number of rebuilt rows in it, and of rows that only one of the two views has.

    All rows differ except those that both views have, found by their key.
    """
    where, given = _within(connection, these)
    where = f"{where} {_settled(of, these.table, listed=connection.dialect.name == 'sqlite')}"
    first = next(iter(these.table.primary_key)).name
    query = f'SELECT count(*), count(there."{first}") {_beside(of.shadow, of.live, these.table)} WHERE {where}'
    rows, same = connection.exec_driver_sql(query, given).one()
    live = f"SELECT count(*) FROM {of.live}.{these.table.name} AS here WHERE {where}"  # noqa: S608  (our own names)
    return rows, rows + int(connection.exec_driver_sql(live, given).scalar_one()) - 2 * same


def differing(connection: Connection, of: SchemaNames, these: Range) -> list[Key]:
    """Return the keys of the rows that only one of the two views has."""
    where, given = _within(connection, these)
    keys, first = _keys("here", these.table), next(iter(these.table.primary_key)).name
    missing = f'{where} {_settled(of, these.table)} AND there."{first}" IS NULL'
    either = [
        f"SELECT {keys} {_beside(one, other, these.table)} WHERE {missing}"
        for one, other in ((of.shadow, of.live), (of.live, of.shadow))
    ]
    return [tuple(row) for row in connection.exec_driver_sql(" UNION ".join(either), given * 2)]


def mend(live: Connection, of: SchemaNames, table: Table) -> None:
    """Replace the live rows that differ from the rebuilt ones, among the keys kept in DIFFERING.

    Rows are replaced, not tables: running readers keep their snapshot, and correct rows keep their marks and leases.
    A person with a wrong history row is planned again.
    """
    keys, columns = _listed(table.primary_key.columns.keys()), _listed(table.columns.keys())
    wrong = f"SELECT {_keys('kept', table)} {_still(of, table)}"
    live.exec_driver_sql(f"DELETE FROM {of.live}.{table.name} WHERE ({keys}) IN ({wrong})")  # noqa: S608  (our own names)
    given = ", ".join(f"here.{name}" for name in columns.split(", "))
    first = next(iter(table.primary_key)).name
    live.exec_driver_sql(
        f"INSERT INTO {of.live}.{table.name} ({columns}) "
        f'SELECT {given} {_still(of, table)} AND here."{first}" IS NOT NULL'
    )


def unmended(live: Connection, of: SchemaNames, table: Table) -> int:
    """Return how many of the rows whose keys were kept still differ."""
    return int(live.exec_driver_sql(f"SELECT count(*) {_still(of, table)}").scalar_one())


def _beside(one: str, other: str, table: Table) -> str:
    """Return the SQL that joins each row of one view with its equal of the other, if there is one."""
    key = {column.name for column in table.primary_key}
    same = " AND ".join(
        f'here."{name}" {"=" if name in key else "IS NOT DISTINCT FROM"} there."{name}"' for name in COMPARED[table]
    )
    return f"FROM {one}.{table.name} AS here LEFT JOIN {other}.{table.name} AS there ON {same}"


def _still(of: SchemaNames, table: Table) -> str:
    """Return the SQL for the kept keys whose rows still differ, joined with the rows of both views."""
    names = [column.name for column in table.primary_key]
    other = " OR ".join(f'here."{name}" IS DISTINCT FROM there."{name}"' for name in COMPARED[table])
    both = " ".join(
        f"LEFT JOIN {where}.{table.name} AS {alias} ON "
        + " AND ".join(f'{alias}."{name}" = kept."{name}"' for name in names)
        for where, alias in ((of.shadow, "here"), (of.live, "there"))
    )
    return f"FROM {of.shadow}.{DIFFERING[table].name} AS kept {both} WHERE ({other}) {_settled(of, table, 'kept')}"


def _settled(of: SchemaNames, table: Table, alias: str = "here", *, listed: bool = False) -> str:
    """Return the SQL condition for rows that can be compared; `listed`: look up waiting persons once for all rows.

    The live view `residents` is as of a person's last plan, so rows of persons who wait for one are not compared.
    """
    if table is not tables.residents:
        return ""
    if listed:  # written so that SQLite uses the index of waiting persons
        return f"AND {alias}.person NOT IN (SELECT person FROM {of.live}.history WHERE planned = 0)"  # noqa: S608  (our own names)
    waits = f"SELECT 1 FROM {of.live}.history AS waits WHERE waits.person = {alias}.person AND NOT waits.planned"  # noqa: S608  (the same)
    return f"AND NOT EXISTS ({waits})"


def _within(connection: Connection, these: Range) -> tuple[str, Key]:
    """Return the SQL condition of a range, and its parameters."""
    keys = _keys("here", these.table)
    mark = "?" if connection.dialect.name == "sqlite" else "%s"
    marks = ", ".join([mark] * len(these.table.primary_key))
    bounds = [(f"({keys}) {sign} ({marks})", key) for sign, key in ((">", these.after), ("<=", these.upto)) if key]
    return " AND ".join(condition for condition, _ in bounds) or "true", tuple(
        value for _, key in bounds for value in key
    )


def _keys(alias: str, table: Table) -> str:
    return ", ".join(f'{alias}."{column.name}"' for column in table.primary_key)


def _listed(columns: Iterable[str] | Sequence[str]) -> str:
    return ", ".join(f'"{column}"' for column in columns)


CONNECTIONS = 2
PAGES_OF_RANGE, RANGES_OF_STEP = 10, 5
"""Pages of a range, which one statement compares, and ranges that a connection takes in a step.

A large range is read in the order of its storage, which takes two thirds of the time.
"""
FOLLOWED = frozenset({tables.trail, tables.statistics})
"""The views that only the follower writes. It has to catch up in that moment, so PostgreSQL does not lock these."""


class Snapshot(NamedTuple):
    """Read transactions that see live and rebuilt views as of the same position; closing `held` ends them.

    `rows`: the approximate number of rows to compare.
    """

    held: ExitStack
    connections: Sequence[Connection]
    of: SchemaNames
    position: int
    rows: int


def take_snapshot(live: Database, views: Database, log: Log, take_in: Callable[[], int]) -> Snapshot:
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
        with (
            ExitStack() as held,
            writers_locked_out(live, views, {*COMPARED, log_table} - FOLLOWED) as (connection, of),
        ):
            if _has_followed(follower, live, connection):
                position = take_in()
                connections = [held.enter_context(reading_both(live, views)) for _ in range(CONNECTIONS)]
                return Snapshot(held.pop_all(), connections, of, position, rows)
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


class Comparison:
    """A running comparison. `found`: view -> rows that only one of the two has; `done`: rows compared, of about `of`.

    `page`: rows of a page.
    """

    def __init__(self, views: Database, chosen: Collection[Table], at: Snapshot, page: int) -> None:
        self._views, self._at, self._page = views, at, page
        self.position, self.done, self.of = at.position, 0, at.rows
        self.found = Counter({table.name: 0 for table in COMPARED if table in chosen})
        largest_first = sorted(chosen, key=lambda each: each is not tables.trail)
        self._left: deque[tuple[Table, Key | None]] = deque((table, None) for table in largest_first)

    def compare_next(self) -> bool:
        """Compare the next ranges; return True if any are left."""
        with ThreadPoolExecutor(len(self._at.connections)) as threads:
            for counts in threads.map(self._some, self._at.connections):
                self.done += counts.pop("", 0)
                self.found.update(counts)
        return bool(self._left)

    def _some(self, connection: Connection) -> Counter[str]:
        """Compare ranges by one connection; return view -> differences, and "" -> rows compared."""
        counts: Counter[str] = Counter()
        for _ in range(RANGES_OF_STEP):
            if (these := self._next(connection)) is None:
                break
            rows, differences = compare_range(connection, self._at.of, these)
            counts += Counter({"": rows, these.table.name: differences})
            if differences:
                keys = differing(connection, self._at.of, these)
                self._views.write(lambda shadow: keep_differing(shadow, these.table, keys))  # noqa: B023  (runs at once)
        return counts

    def _next(self, connection: Connection) -> Range | None:
        """Return the next range. Another connection may continue after it as soon as its end is known."""
        try:
            table, after = self._left.popleft()
        except IndexError:
            return None
        upto = key_after(connection, self._at.of, table, after, PAGES_OF_RANGE * self._page)
        if upto is not None:
            self._left.appendleft((table, upto))
        return Range(table, after, upto)

    def close(self) -> None:
        """End the read transactions."""
        self._at.held.close()


ROWS = N_("rows to compare")
"""The unit of progress during the comparison."""
ROUNDS = 3
"""Rounds of mending. A further round finds what others derived meanwhile from a wrong row."""


NOTED = {tables.governance: governance.note_mended, tables.area_plans: area_plans.note_mended}
"""View -> the function that tells processes with a cached copy that it was mended."""


class Rebuilt(Struct, frozen=True):
    """The result of a rebuild as of `position`. `differences`: view -> rows that only one of the two had."""

    position: int
    differences: Mapping[str, int]

    @property
    def equal(self) -> bool:
        """True if rebuilt and live views were equal."""
        return not any(self.differences.values())


class Cursor(Struct, frozen=True):
    """The cursor of the job: the name of its shadow, which stores the progress, and view -> rows mended so far."""

    shadow: str
    mended: Mapping[str, int] = {}

    @classmethod
    def read(cls, text: str) -> "Cursor":
        """Parse a cursor."""
        shadow, _, mended = text.partition(" ")
        return cls(shadow, msgspec.json.decode(mended, type=dict[str, int]) if mended else {})

    def __str__(self) -> str:
        return f"{self.shadow} {msgspec.json.encode(self.mended).decode()}" if self.mended else self.shadow

    def with_mended(self, found: Mapping[str, int]) -> "Cursor":
        """Return the cursor with more rows mended."""
        return Cursor(self.shadow, {name: count + self.mended.get(name, 0) for name, count in found.items()})


class NotMended(Exception):
    """Raised when a view still differs after it was mended."""


class Mending:
    """Compares the `chosen` views, and with `swap` mends the live ones."""

    def __init__(self, live: Database, log: Log, chosen: Collection[Table], *, swap: bool) -> None:
        self._live, self._log, self._chosen, self._swap = live, log, chosen, swap
        self._comparing: Comparison | None = None
        self._rounds = 0

    def step(self, views: Database, at: Cursor, take_in: Callable[[], int], save: Save, page: int) -> Step:
        """Compare some more ranges, or mend the differences. `take_in`: see `looking`; `page`: see `Comparison`."""
        if self._comparing is None:
            found = take_snapshot(self._live, views, self._log, take_in)
            self._comparing = Comparison(views, self._chosen, found, page)
        comparing = self._comparing
        if comparing.compare_next():
            done = min(comparing.done, comparing.of)
            return Step(str(at), done, of=comparing.of, unit=ROWS)
        self.rest()
        differs = any(comparing.found.values())
        if differs and self._swap:
            return self._mend(views, at.with_mended(comparing.found), take_in, save)
        return self._end(at.with_mended(comparing.found), comparing.position, save)

    def _end(self, at: Cursor, position: int, save: Save) -> Step:
        words = msgspec.json.encode(Rebuilt(position, at.mended)).decode()
        step = Step(str(at), position, of=position, finished=True, words=words, unit="facts")
        self._live.write(lambda connection: save(connection, step))
        return step

    def _mend(self, views: Database, at: Cursor, take_in: Callable[[], int], save: Save) -> Step:
        """Mend while nobody else writes; the next step compares again."""
        self._rounds += 1
        follower = Follower(self._live, self._log)
        follower.drain()
        take_in()
        with writers_locked_out(self._live, views, (*COMPARED, tables.positions, log_table)) as (live, of):
            follower.catch_up(live)
            position = take_in()
            for table in (view for view in COMPARED if at.mended.get(view.name)):
                self._mend_one(live, of, table)
            for view, note in NOTED.items():
                if at.mended.get(view.name):
                    note(live)
            step = Step(str(at), position, of=position, unit="facts")
            save(live, step)
        return step

    def _mend_one(self, live: Connection, of: SchemaNames, table: Table) -> None:
        mend(live, of, table)
        if self._rounds > ROUNDS or unmended(live, of, table):
            raise NotMended(
                f"The view {table.name} still differs after it was mended. This is a defect: please report it."
            )

    def rest(self) -> None:
        """End the comparison; a later step begins another."""
        if self._comparing is not None:
            self._comparing.close()
            self._comparing = None
