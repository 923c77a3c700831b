"""A second set of views beside the live ones: on SQLite a file of its own, on PostgreSQL a schema of its own.

The tables of a shadow: without keys and indexes while they are filled, for these cost most of a rebuild's time.
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


SHADOW = "habarshy_shadow"
LOCK_TIMEOUT_MS, LOCK_ATTEMPTS, PAUSE_S = 300, 200, 0.05
"""Less than PostgreSQL's deadlock_timeout: in a ring it is us who give up, and no writer."""
LOCK_NOT_AVAILABLE = "55P03"


class NoQuietMoment(Exception):
    """The views could not be compared: writers left no moment for it. Nothing was changed; try again later."""

    def __init__(self) -> None:
        super().__init__(type(self).__doc__)


class Beside(NamedTuple):
    """What the live tables and those of the shadow are called before their dot, where both are seen."""

    live: str
    shadow: str


def make(database: Database, name: str) -> Database:
    """New tables beside those of the database, under that name; whatever was there goes."""
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
    """The tables that were made under that name, if they are still there."""
    shadow = Database(_url(database), lasting=False) if _there(database) else None
    if shadow is None:
        return None
    with shadow.reading() as connection:
        found = connection.execute(select(standing.c.name)).scalar() if _made(connection) else None
    if found == name:
        return shadow
    shadow.close()
    return None


def drop(database: Database) -> bool:
    """Leave nothing of any shadow; whether there was one."""
    if not _there(database):
        return False
    if database.sqlite:
        for ending in ("", "-wal", "-shm"):
            Path(f"{_file(database)}{ending}").unlink(missing_ok=True)
        return True
    with database.altering() as connection:
        connection.execute(text(f"DROP SCHEMA {SHADOW} CASCADE"))
    return True


@contextmanager
def thrown_away(database: Database) -> Iterator[None]:
    """Whoever closes the shadow within is not the last who had it open; after that nothing of it is left.

    The last one would bring SQLite's write-ahead log into the file first: as much to write as the shadow is large.
    """
    with ExitStack() as kept:
        if database.sqlite and _there(database):
            driver = kept.enter_context(
                closing(sqlite3.connect(f"{_file(database).absolute().as_uri()}?mode=ro", uri=True))
            )
            with suppress(sqlite3.Error):  # a file that never was a shadow
                driver.execute("SELECT 1 FROM standing").fetchall()
        yield
        drop(database)


def _there(database: Database) -> bool:
    if database.sqlite:
        return _file(database).exists()
    with database.reading() as connection:
        return SHADOW in inspect(connection).get_schema_names()


def _made(connection: Connection) -> bool:
    """Of a server that went down hard nothing is left in tables without a log; of a process that was killed, all.

    Another version of the program may have noted otherwise how far it had come: then it is as if nothing were there.
    """
    tables = inspect(connection)
    names = {parts.name, standing.name, *(each.name for each in DIFFERING.values())}
    return names <= set(tables.get_table_names()) and {
        each["name"] for each in tables.get_columns(standing.name)
    } == set(standing.columns.keys())


def _file(database: Database) -> Path:
    return Path(f"{database.engine.url.database}.shadow")


def _url(database: Database) -> str:
    return f"sqlite:///{_file(database)}" if database.sqlite else _within_schema(database)


def _within_schema(database: Database) -> str:
    """The URL of the same database, where every name without a schema is the shadow's."""
    url = database.engine.url
    given = url.query.get("options", "")
    options = f"{given if isinstance(given, str) else ' '.join(given)} -csearch_path={SHADOW}".strip()
    return url.update_query_dict({"options": options}).render_as_string(hide_password=False)


@contextmanager
def quiet(live: Database, shadow: Database, tables: Iterable[Table]) -> Iterator[tuple[Connection, Beside]]:
    """A transaction in which the tables of both are seen, and nobody else writes to those of the live one.

    Readers go on, and see what was there before.

    Raises:
        NoQuietMoment: others wrote all the time.
    """
    if live.sqlite:
        with _attached(live, shadow) as connection, connection.begin():
            # By a write, for BEGIN IMMEDIATE would lock the attached shadow as well, which still grows.
            connection.exec_driver_sql("UPDATE main.positions SET position = position")
            yield connection, Beside("main", "shadow")
        return
    with live.altering() as connection:
        _lock(connection, tables)
        yield connection, Beside(connection.execute(text("SELECT current_schema()")).scalar_one(), SHADOW)


@contextmanager
def watching(live: Database, shadow: Database) -> Iterator[Connection]:
    """A read transaction in which the tables of both are seen, under the same names, as of now."""
    if live.sqlite:
        with _attached(live, shadow) as connection, connection.begin():
            for each in ("main.positions", "shadow.standing"):  # of each file as of when it is first read
                connection.exec_driver_sql(f"SELECT * FROM {each} LIMIT 1").close()  # noqa: S608  (our own names)
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
    """Lock all of them, or none and try again: who waits while holding some of them might be waited for."""
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
