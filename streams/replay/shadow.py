"""A shadow: a second set of views beside the live ones, in its own file (SQLite) or schema (PostgreSQL).

Its large tables have no keys and indexes while they are filled, as these would cost most of a rebuild's time.
"""

import sqlite3
import threading
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack, closing, contextmanager, suppress
from pathlib import Path
from typing import Any, NamedTuple

from sqlalchemy import BigInteger, Column, Connection, MetaData, String, Table, func, inspect, select, text
from sqlalchemy.exc import OperationalError
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
from streams.storage.database import Database

SMALL = (revisions, area_facts, area_plans, handed_over, governance, erased, retired, statistics)
"""Tables that are looked up while they are filled: they have the keys and indexes of the live ones."""
LOOKED_UP, UNREAD = (history, nudges, inbox, residents), (due, trail)
LARGE = (*LOOKED_UP, *UNREAD)
"""Tables looked up once the facts are in them, and tables that are not: their keys are made while others do parts."""

DIFFERING = {
    table: Table(
        f"differing_{table.name}", MetaData(), *(Column(column.name, column.type) for column in table.primary_key)
    )
    for table in (*SMALL, *LARGE)
}
"""View -> table of the keys of rows to mend: those that only one of the two had at the last comparison."""

counted = Table("counted", MetaData(), *(Column(column.name, column.type) for column in statistics.columns))
"""Additions of pages to the statistics, summed up at the end: updating each count would take longest of all."""

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
"""One row: the progress of the rebuild, committed with the rows that it counts."""

parts = Table(
    "parts",
    MetaData(),
    Column("kind", String, primary_key=True),
    Column("number", BigInteger, primary_key=True, autoincrement=False),
    Column("facts", BigInteger, nullable=False),
)
"""One row for each part that is done, committed with it, so that no part is done twice."""


def make_tables(connection: Connection) -> None:
    """Make all tables, empty."""
    for table in (*SMALL, counted, standing, parts, *DIFFERING.values()):
        table.create(connection)
    for table in LARGE:
        columns = ", ".join(f'"{column.name}" {column.type.compile(connection.dialect)}' for column in table.columns)
        connection.exec_driver_sql(f"CREATE TABLE {table.name} ({columns})")
    if connection.dialect.name == "postgresql":  # all of them: a crash of the server then empties all or none
        for table in (*SMALL, *LARGE, counted, standing, parts, *DIFFERING.values()):
            connection.exec_driver_sql(f"ALTER TABLE {table.name} SET UNLOGGED")


def count(connection: Connection, counts: Mapping[Key, int]) -> None:
    """Store additions to the statistics."""
    rows = [(day.isoformat(), trigger, what, many) for (day, trigger, what), many in counts.items()]
    insert_rows(connection, counted, rows)


def sum_up(connection: Connection) -> None:
    """Make the statistics from the stored additions."""
    key = (counted.c.day, counted.c.trigger, counted.c.what)
    query = select(*key, func.sum(counted.c.count)).group_by(*key)
    connection.execute(statistics.insert().from_select(["day", "trigger", "what", "count"], query))


def index(connection: Connection, table: Table) -> None:
    """Make the key of a large table, and for the history also the index by loads."""
    key = ", ".join(f'"{column.name}"' for column in table.primary_key)
    connection.exec_driver_sql(f"CREATE UNIQUE INDEX {table.name}_key ON {table.name} ({key})")
    if table is history:
        connection.execute(CreateIndex(next(index_ for index_ in table.indexes if index_.name == "history_loaded")))


def forget_differing(connection: Connection) -> None:
    """Delete the keys that an earlier comparison kept."""
    for table in DIFFERING.values():
        connection.execute(table.delete())


def keep_differing(connection: Connection, table: Table, keys: Sequence[tuple[Any, ...]]) -> None:
    """Keep the keys (as the driver gave them) of rows that only one of the two has."""
    marks = ", ".join(["?" if connection.dialect.name == "sqlite" else "%s"] * len(table.primary_key))
    connection.exec_driver_sql(f"INSERT INTO {DIFFERING[table].name} VALUES ({marks})", list(keys))  # noqa: S608  (our own names)


def large_rows(connection: Connection) -> int:
    """Return the approximate number of rows of the large tables, without counting. Their keys must exist."""
    if connection.dialect.name == "sqlite":
        each = [f"coalesce((SELECT max(rowid) FROM {table.name}), 0)" for table in LARGE]  # noqa: S608  (our own names)
    else:  # PostgreSQL counted the rows when it made the indexes
        of = "SELECT greatest(reltuples, 0)::bigint FROM pg_class WHERE oid"
        each = [f"({of} = '{table.name}'::regclass)" for table in LARGE]
    return int(connection.exec_driver_sql(f"SELECT {' + '.join(each)}").scalar_one())


SHADOW = "habarshy_shadow"
LOCK_TIMEOUT_MS, LOCK_ATTEMPTS, PAUSE_S = 300, 200, 0.05
"""The lock timeout is below PostgreSQL's deadlock_timeout, so in a deadlock this process gives up, not a writer."""
LOCK_NOT_AVAILABLE = "55P03"


class NoQuietMoment(Exception):
    """Raised when writers left no moment to compare the views."""

    def __init__(self) -> None:
        super().__init__(
            "The views could not be compared: writers left no moment for it. Nothing was changed; try again later."
        )


class SchemaNames(NamedTuple):
    """The schema names of the live tables and of the shadow's, on a connection that sees both."""

    live: str
    shadow: str


def make(database: Database, name: str) -> Database:
    """Make a new shadow under that name; drop any other."""
    drop(database)
    if not database.sqlite:
        with database.altering() as connection:
            connection.execute(text(f"CREATE SCHEMA {SHADOW}"))
    shadow = Database(_url(database), lasting=False)
    with shadow.altering() as connection:
        make_tables(connection)
        insert_rows(connection, standing, [(name, 0, "", 0, 0, 1)])
    return shadow


def opened(database: Database, name: str) -> Database | None:
    """Return the shadow that was made under that name, or None if it is gone."""
    shadow = Database(_url(database), lasting=False) if _exists(database) else None
    if shadow is None:
        return None
    with shadow.reading() as connection:
        found = connection.execute(select(standing.c.name)).scalar() if _is_usable(connection) else None
    if found == name:
        return shadow
    shadow.close()
    return None


def drop(database: Database) -> bool:
    """Drop any shadow; return True if there was one."""
    if not _exists(database):
        return False
    if database.sqlite:
        for ending in ("", "-wal", "-shm"):
            Path(f"{_file(database)}{ending}").unlink(missing_ok=True)
        return True
    with database.altering() as connection:
        connection.execute(text(f"DROP SCHEMA {SHADOW} CASCADE"))
    return True


@contextmanager
def dropped_on_exit(database: Database) -> Iterator[None]:
    """Drop the shadow on leaving. Until then keep it open, so that closing it inside is not the last close.

    The last close would copy SQLite's write-ahead log into the file, which is as large as the shadow.
    """
    with ExitStack() as kept:
        if database.sqlite and _exists(database):
            driver = kept.enter_context(
                closing(sqlite3.connect(f"{_file(database).absolute().as_uri()}?mode=ro", uri=True))
            )
            with suppress(sqlite3.Error):  # a file that is no shadow
                driver.execute("SELECT 1 FROM standing").fetchall()
        yield
        drop(database)


def _exists(database: Database) -> bool:
    if database.sqlite:
        return _file(database).exists()
    with database.reading() as connection:
        return SHADOW in inspect(connection).get_schema_names()


def _is_usable(connection: Connection) -> bool:
    """Return True if the shadow's tables are usable. They outlive a killed process, but not a crash of the server.

    Another version of the program may have stored its progress in other columns; then the shadow is not usable.
    """
    tables = inspect(connection)
    names = {parts.name, standing.name, *(table.name for table in DIFFERING.values())}
    return names <= set(tables.get_table_names()) and {
        column["name"] for column in tables.get_columns(standing.name)
    } == set(standing.columns.keys())


def _file(database: Database) -> Path:
    return Path(f"{database.engine.url.database}.shadow")


def _url(database: Database) -> str:
    return f"sqlite:///{_file(database)}" if database.sqlite else _within_schema(database)


def _within_schema(database: Database) -> str:
    """Return the URL of the same database with the shadow's schema as search path."""
    url = database.engine.url
    given = url.query.get("options", "")
    options = f"{given if isinstance(given, str) else ' '.join(given)} -csearch_path={SHADOW}".strip()
    return url.update_query_dict({"options": options}).render_as_string(hide_password=False)


@contextmanager
def writers_locked_out(
    live: Database, shadow: Database, tables: Iterable[Table]
) -> Iterator[tuple[Connection, SchemaNames]]:
    """Open a transaction that sees the tables of both, while nobody else writes to the live ones.

    Readers continue with their snapshot.

    Raises:
        NoQuietMoment: others wrote all the time.
    """
    if live.sqlite:
        with _attached(live, shadow) as connection, connection.begin():
            # A write takes the lock, since BEGIN IMMEDIATE would also lock the attached shadow, which still grows.
            connection.exec_driver_sql("UPDATE main.positions SET position = position")
            yield connection, SchemaNames("main", "shadow")
        return
    with live.altering() as connection:
        _lock(connection, tables)
        yield connection, SchemaNames(connection.execute(text("SELECT current_schema()")).scalar_one(), SHADOW)


@contextmanager
def reading_both(live: Database, shadow: Database) -> Iterator[Connection]:
    """Open a read transaction that sees the tables of both as of now; the names are as in `writers_locked_out`."""
    if live.sqlite:
        with _attached(live, shadow) as connection, connection.begin():
            for name in (
                "main.positions",
                "shadow.standing",
            ):  # SQLite takes its snapshot of a file at the first read
                connection.exec_driver_sql(f"SELECT * FROM {name} LIMIT 1").close()  # noqa: S608  (our own names)
            yield connection
    else:
        with live.reading() as connection:
            connection.exec_driver_sql("SELECT 1")
            yield connection


@contextmanager
def _attached(live: Database, shadow: Database) -> Iterator[Connection]:
    with live.engine.connect() as connection:
        driver = connection.connection.driver_connection
        assert driver is not None
        driver.execute("ATTACH DATABASE ? AS shadow", (shadow.engine.url.database,))
        try:
            yield connection
        finally:
            driver.execute("DETACH DATABASE shadow")


def _lock(connection: Connection, tables: Iterable[Table]) -> None:
    """Lock all tables, or none and try again: waiting with some locks held could be a deadlock."""
    names = ", ".join(sorted(table.name for table in tables))
    connection.execute(text(f"SET LOCAL lock_timeout = {LOCK_TIMEOUT_MS}"))
    pause = threading.Event()
    for _ in range(LOCK_ATTEMPTS):
        try:
            with connection.begin_nested():
                connection.execute(text(f"LOCK TABLE {names} IN EXCLUSIVE MODE"))
        except OperationalError as error:
            if getattr(error.orig, "sqlstate", None) != LOCK_NOT_AVAILABLE:
                raise
            pause.wait(PAUSE_S)
        else:
            return
    raise NoQuietMoment
