"""A second set of views beside the live ones: on SQLite a file of its own, on PostgreSQL a schema of its own."""

import tempfile
import threading
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

from sqlalchemy import Connection, Table, text
from sqlalchemy.exc import OperationalError

from streams.database import Database
from streams.migrating import migrate

SHADOW = "habarshy_shadow"
SHADOW_LOCK = 0x4841_4243
LOCK_TIMEOUT_MS, LOCK_ATTEMPTS, PAUSE_S = 300, 200, 0.05
"""Less than PostgreSQL's deadlock_timeout: in a ring it is us who give up, and no writer."""
LOCK_NOT_AVAILABLE = "55P03"


class AlreadyRebuilding(Exception):
    """Another process rebuilds the views of this database. Wait until it has ended."""

    def __init__(self) -> None:
        super().__init__(type(self).__doc__)


class NoQuietMoment(Exception):
    """The views could not be compared: writers left no moment for it. Nothing was changed; try again later."""

    def __init__(self) -> None:
        super().__init__(type(self).__doc__)


class Beside(NamedTuple):
    """What the live tables and those of the shadow are called before their dot, where both are seen."""

    live: str
    shadow: str


@contextmanager
def shadow_of(database: Database) -> Iterator[Database]:
    """An empty set of tables beside those of the database; it is gone after the block.

    Raises:
        AlreadyRebuilding: there is one.
    """
    with _file(database) if database.sqlite else _schema(database) as url:
        shadow = Database(url)
        try:
            migrate(shadow)
            yield shadow
        finally:
            shadow.close()


@contextmanager
def _file(database: Database) -> Iterator[str]:
    name = database.engine.url.database
    with tempfile.TemporaryDirectory(dir=Path(name).parent if name else None) as folder:
        yield f"sqlite:///{folder}/shadow.sqlite"


@contextmanager
def _schema(database: Database) -> Iterator[str]:
    """The lock goes with the connection, so a schema that somebody died over is nobody's."""
    with database.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        if not connection.execute(text(f"SELECT pg_try_advisory_lock({SHADOW_LOCK})")).scalar_one():
            raise AlreadyRebuilding
        try:
            connection.execute(text(f"DROP SCHEMA IF EXISTS {SHADOW} CASCADE"))
            connection.execute(text(f"CREATE SCHEMA {SHADOW}"))
            yield _within_schema(database)
            connection.execute(text(f"DROP SCHEMA {SHADOW} CASCADE"))
        finally:
            connection.execute(text(f"SELECT pg_advisory_unlock({SHADOW_LOCK})"))


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
