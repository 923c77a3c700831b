"""Differences between rebuilt and live views, found in one range of keys at a time, and their mending."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from sqlalchemy import Connection, Table

from projections import tables
from streams.replay.shadow import DIFFERING, Beside

COMPARED: Mapping[Table, tuple[str, ...]] = {
    tables.history: ("person", "position", "time", "type", "ahead_from"),
    tables.revisions: ("original", "position", "arrived"),
    tables.area_facts: ("area", "position", "time"),
    tables.area_plans: ("original",),
    tables.residents: ("person", "since", "home", "until", "only"),
    tables.nudges: ("nudge", "person", "version", "state", "folded"),
    tables.due: ("nudge", "recipient", "due_at", "rank", "attempted", "stopped", "lane", "since"),
    tables.inbox: ("recipient", "nudge", "at", "channel", "state", "counted"),
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


class Looked(NamedTuple):
    """The number of rebuilt rows in a range, and of rows that only one of the two views has."""

    rows: int
    differences: int


def bound(connection: Connection, of: Beside, table: Table, after: Key | None, rows: int) -> Key | None:
    """Return the key of the rebuilt row that many `rows` after `after`; None if there are fewer."""
    where, given = _within(connection, Range(table, after, None))
    keys = _keys("here", table)
    query = f"SELECT {keys} FROM {of.shadow}.{table.name} AS here WHERE {where} ORDER BY {keys} LIMIT 1"  # noqa: S608  (our own names)
    found = connection.exec_driver_sql(f"{query} OFFSET {rows - 1}", given).first()
    return None if found is None else tuple(found)


def look(connection: Connection, of: Beside, these: Range) -> Looked:
    """Compare a range: all rows differ except those that both views have, found by their key."""
    where, given = _within(connection, these)
    where = f"{where} {_settled(of, these.table, listed=connection.dialect.name == 'sqlite')}"
    first = next(iter(these.table.primary_key)).name
    query = f'SELECT count(*), count(there."{first}") {_beside(of.shadow, of.live, these.table)} WHERE {where}'
    rows, same = connection.exec_driver_sql(query, given).one()
    live = f"SELECT count(*) FROM {of.live}.{these.table.name} AS here WHERE {where}"  # noqa: S608  (our own names)
    return Looked(rows, rows + int(connection.exec_driver_sql(live, given).scalar_one()) - 2 * same)


def differing(connection: Connection, of: Beside, these: Range) -> list[Key]:
    """Return the keys of the rows that only one of the two views has."""
    where, given = _within(connection, these)
    keys, first = _keys("here", these.table), next(iter(these.table.primary_key)).name
    missing = f'{where} {_settled(of, these.table)} AND there."{first}" IS NULL'
    either = [
        f"SELECT {keys} {_beside(one, other, these.table)} WHERE {missing}"
        for one, other in ((of.shadow, of.live), (of.live, of.shadow))
    ]
    return [tuple(row) for row in connection.exec_driver_sql(" UNION ".join(either), given * 2)]


def mend(live: Connection, of: Beside, table: Table) -> None:
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


def unmended(live: Connection, of: Beside, table: Table) -> int:
    """Return how many of the rows whose keys were kept still differ."""
    return int(live.exec_driver_sql(f"SELECT count(*) {_still(of, table)}").scalar_one())


def _beside(one: str, other: str, table: Table) -> str:
    """Return the SQL that joins each row of one view with its equal of the other, if there is one."""
    key = {each.name for each in table.primary_key}
    same = " AND ".join(
        f'here."{name}" {"=" if name in key else "IS NOT DISTINCT FROM"} there."{name}"' for name in COMPARED[table]
    )
    return f"FROM {one}.{table.name} AS here LEFT JOIN {other}.{table.name} AS there ON {same}"


def _still(of: Beside, table: Table) -> str:
    """Return the SQL for the kept keys whose rows still differ, joined with the rows of both views."""
    names = [each.name for each in table.primary_key]
    other = " OR ".join(f'here."{name}" IS DISTINCT FROM there."{name}"' for name in COMPARED[table])
    both = " ".join(
        f"LEFT JOIN {where}.{table.name} AS {alias} ON "
        + " AND ".join(f'{alias}."{name}" = kept."{name}"' for name in names)
        for where, alias in ((of.shadow, "here"), (of.live, "there"))
    )
    return f"FROM {of.shadow}.{DIFFERING[table].name} AS kept {both} WHERE ({other}) {_settled(of, table, 'kept')}"


def _settled(of: Beside, table: Table, alias: str = "here", *, listed: bool = False) -> str:
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
    return " AND ".join(each for each, _ in bounds) or "true", tuple(value for _, key in bounds for value in key)


def _keys(alias: str, table: Table) -> str:
    return ", ".join(f'{alias}."{each.name}"' for each in table.primary_key)


def _listed(columns: Iterable[str] | Sequence[str]) -> str:
    return ", ".join(f'"{column}"' for column in columns)
