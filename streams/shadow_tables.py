"""The tables of a shadow: without keys and indexes while they are filled, for these cost most of a rebuild's time."""

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import BigInteger, Column, Connection, MetaData, String, Table, func, select
from sqlalchemy.schema import CreateIndex

from projections.bulk import insert_rows
from projections.statistics import Key
from projections.tables import (
    area_facts,
    area_plans,
    due,
    erased,
    governance,
    handed_over,
    history,
    inbox,
    nudges,
    residents,
    retired,
    revisions,
    statistics,
    trail,
)

SMALL = (revisions, area_facts, area_plans, handed_over, governance, erased, retired, statistics)
"""What is looked up while it is filled: these are as the live ones."""
LOOKED_UP, UNREAD = (history, nudges, inbox, residents), (due, trail)
LARGE = (*LOOKED_UP, *UNREAD)
"""What is looked up once the facts are in it, and what is not: its keys are made while residents are shared out."""

DIFFERING = {
    table: Table(f"differing_{table.name}", MetaData(), *(Column(each.name, each.type) for each in table.primary_key))
    for table in (*SMALL, *LARGE)
}
"""View -> the keys of the rows that only one of the two has, as of the last comparison: what is to be mended."""

counted = Table("counted", MetaData(), *(Column(each.name, each.type) for each in statistics.columns))
"""What pages of the log add to the statistics: to look for each count would take longer than all the rest."""

standing = Table(
    "standing",
    MetaData(),
    Column("name", String, nullable=False),
    Column("stage", BigInteger, nullable=False),
    Column("cursor", String, nullable=False),
    Column("done", BigInteger, nullable=False),
    Column("upto", BigInteger, nullable=False),
    Column("parts", BigInteger, nullable=False),
)
"""One row: how far the shadow has come. Kept in it, so that it is committed with what came of the facts."""

parts = Table(
    "parts",
    MetaData(),
    Column("kind", String, primary_key=True),
    Column("number", BigInteger, primary_key=True, autoincrement=False),
    Column("facts", BigInteger, nullable=False),
)
"""What several processes share out among themselves: a row, committed with a part, keeps it from a second one."""


def make_tables(connection: Connection) -> None:
    """All of them, empty."""
    for table in (*SMALL, counted, standing, parts, *DIFFERING.values()):
        table.create(connection)
    for table in LARGE:
        columns = ", ".join(f'"{each.name}" {each.type.compile(connection.dialect)}' for each in table.columns)
        connection.exec_driver_sql(f"CREATE TABLE {table.name} ({columns})")
    if connection.dialect.name == "postgresql":  # all or none: a server that goes down hard empties all of them
        for table in (*SMALL, *LARGE, counted, standing, parts, *DIFFERING.values()):
            connection.exec_driver_sql(f"ALTER TABLE {table.name} SET UNLOGGED")


def count(connection: Connection, counts: Mapping[Key, int]) -> None:
    """Add to what is counted in the end."""
    rows = [(day.isoformat(), trigger, what, many) for (day, trigger, what), many in counts.items()]
    insert_rows(connection, counted, rows)


def sum_up(connection: Connection) -> None:
    """Make the statistics of what was counted."""
    key = (counted.c.day, counted.c.trigger, counted.c.what)
    query = select(*key, func.sum(counted.c.count)).group_by(*key)
    connection.execute(statistics.insert().from_select(["day", "trigger", "what", "count"], query))


def index(connection: Connection, table: Table) -> None:
    """Give a large one its key, and the history by what loads are found in it."""
    key = ", ".join(f'"{each.name}"' for each in table.primary_key)
    connection.exec_driver_sql(f"CREATE UNIQUE INDEX {table.name}_key ON {table.name} ({key})")
    if table is history:
        connection.execute(CreateIndex(next(each for each in table.indexes if each.name == "history_loaded")))


def forget_differing(connection: Connection) -> None:
    """A comparison begins: what an earlier one kept is not as of now."""
    for table in DIFFERING.values():
        connection.execute(table.delete())


def keep_differing(connection: Connection, table: Table, keys: Sequence[tuple[Any, ...]]) -> None:
    """Keep the keys of rows that only one of the two has, given as the driver gave them."""
    marks = ", ".join(["?" if connection.dialect.name == "sqlite" else "%s"] * len(table.primary_key))
    connection.exec_driver_sql(f"INSERT INTO {DIFFERING[table].name} VALUES ({marks})", list(keys))  # noqa: S608  (our own names)


def large_rows(connection: Connection) -> int:
    """About how many rows the large ones have, which have been given their keys: nobody counts them for it."""
    if connection.dialect.name == "sqlite":
        each = [f"coalesce((SELECT max(rowid) FROM {table.name}), 0)" for table in LARGE]  # noqa: S608  (our own names)
    else:  # PostgreSQL has counted them when it indexed them
        of = "SELECT greatest(reltuples, 0)::bigint FROM pg_class WHERE oid"
        each = [f"({of} = '{table.name}'::regclass)" for table in LARGE]
    return int(connection.exec_driver_sql(f"SELECT {' + '.join(each)}").scalar_one())
