"""A second set of views beside the live ones: on SQLite a file of its own, on PostgreSQL a schema of its own."""

import sqlite3
import threading
from collections.abc import Iterable, Iterator
from contextlib import ExitStack, closing, contextmanager, suppress
from pathlib import Path
from typing import NamedTuple

from sqlalchemy import Connection, Table, inspect, select, text
from sqlalchemy.exc import OperationalError

from projections.bulk import insert_rows
from streams.database import Database
from streams.shadow_tables import DIFFERING, make_tables, parts, standing

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
