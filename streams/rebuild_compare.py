"""What the rebuilt views say otherwise than the live ones, and how these come to say it too."""

from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from queue import SimpleQueue

from sqlalchemy import Connection, Table

from projections import tables
from streams.shadow import Beside

COMPARED: Mapping[Table, tuple[str, ...]] = {
    tables.history: ("person", "position", "time", "type", "ahead_from"),
    tables.revisions: ("original", "position", "arrived"),
    tables.area_facts: ("area", "position", "time"),
    tables.residents: ("person", "since", "home", "until", "only"),
    tables.nudges: ("nudge", "person", "version", "state", "folded"),
    tables.due: ("nudge", "recipient", "due_at", "rank", "attempted", "stopped", "lane"),
    tables.inbox: ("recipient", "nudge", "at", "channel", "state", "counted"),
    tables.handed_over: ("provider", "reference", "nudge", "recipient", "attempt"),
    tables.governance: ("position", "topic"),
    tables.erased: ("person", "position", "key_id", "at"),
    tables.retired: ("key_id", "position", "at"),
    tables.trail: ("person", "position", "topic"),
    tables.statistics: ("day", "trigger", "what", "count"),
}
"""View -> the columns that the log alone decides: planned marks and leases are work in hand, not truth."""


def differences(connections: Sequence[Connection], of: Beside, views: Iterable[Table]) -> dict[str, int]:
    """View -> how many rows only one of the two has; each connection looks at one view at a time."""
    chosen = sorted(views, key=lambda each: each is not tables.trail)  # the largest is nobody's last
    free: SimpleQueue[Connection] = SimpleQueue()
    for each in connections:
        free.put(each)

    def of_one(table: Table) -> int:
        connection = free.get()
        try:
            return difference(connection, of, table)
        finally:
            free.put(connection)

    with ThreadPoolExecutor(len(connections)) as threads:
        found = dict(zip(chosen, threads.map(of_one, chosen), strict=True))
    return {table.name: found[table] for table in COMPARED if table in found}


def difference(live: Connection, of: Beside, table: Table) -> int:
    """How many rows only one of the two has: all but those that both have, which are found by their key."""
    both = f"SELECT count(*) {_alike(of, table)}"
    each = [f"SELECT count(*) FROM {where}.{table.name} AS here {_settled(of, table)}" for where in of]  # noqa: S608  (our own names)
    ours, theirs, same = (int(live.exec_driver_sql(query).scalar_one()) for query in (*each, both))
    return ours + theirs - 2 * same


def _alike(of: Beside, table: Table) -> str:
    """The rows that both have."""
    key = {each.name for each in table.primary_key}
    same = " AND ".join(
        f'here."{name}" {"=" if name in key else "IS NOT DISTINCT FROM"} there."{name}"' for name in COMPARED[table]
    )
    here, there = f"{of.shadow}.{table.name} AS here", f"{of.live}.{table.name} AS there"
    return f"FROM {here} JOIN {there} ON {same} {_settled(of, table)}"


def _settled(of: Beside, table: Table) -> str:
    """Which rows can be compared.

    Where people live is known as of their last plan: of those who wait for one, the rebuilt view knows more.
    """
    if table is not tables.residents:
        return ""
    return f"WHERE here.person NOT IN (SELECT person FROM {of.live}.history WHERE NOT planned)"  # noqa: S608  (our own names)


def mend(live: Connection, of: Beside, table: Table) -> None:
    """Take out of the live view what the rebuilt one has not, and put in what it lacks.

    By rows, not by names: who reads an older moment of the live view goes on seeing it, and what was right stays as
    it is, with its marks and claims. A person of whom a history row was wrong is planned again.
    """
    key = [each.name for each in table.primary_key]
    columns, names = _listed(table.columns.keys()), _listed(key)
    right = f"SELECT {', '.join(f'here.{name}' for name in names.split(', '))} {_alike(of, table)}"
    wrong = f"SELECT {names} FROM {of.live}.{table.name} AS here {_settled(of, table)} EXCEPT {right}"  # noqa: S608  (our own names)
    live.exec_driver_sql(f"DELETE FROM {of.live}.{table.name} WHERE ({names}) IN ({wrong})")  # noqa: S608  (the same)
    there = f"SELECT {names} FROM {of.live}.{table.name}"  # noqa: S608  (the same)
    missing = f"SELECT {names} FROM {of.shadow}.{table.name} AS here {_settled(of, table)} EXCEPT {there}"  # noqa: S608  (the same)
    live.exec_driver_sql(
        f"INSERT INTO {of.live}.{table.name} ({columns}) SELECT {columns} FROM {of.shadow}.{table.name} "  # noqa: S608  (the same)
        f"WHERE ({names}) IN ({missing})"
    )


def _listed(columns: Iterable[str]) -> str:
    return ", ".join(f'"{column}"' for column in columns)
