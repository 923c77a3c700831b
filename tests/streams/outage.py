"""A database that is away for a while, or takes nothing, as it really happens."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from typing import Any

import psycopg
from sqlalchemy import event

from streams.storage.database import Database


@contextmanager
def away(database: Database) -> Iterator[None]:
    """In the block it answers nobody: PostgreSQL lets nobody in, SQLite's file is locked, and ours don't wait."""
    with _locked(database) if database.sqlite else _shut(database):
        yield


@contextmanager
def read_only(database: Database) -> Iterator[None]:
    """In the block PostgreSQL takes no writes, as a standby."""
    name = database.engine.url.database
    with _administering(database) as admin:
        admin.execute(f'ALTER DATABASE "{name}" SET default_transaction_read_only = on'.encode())
        _end_sessions(admin, name)
        yield
        admin.execute(f'ALTER DATABASE "{name}" RESET default_transaction_read_only'.encode())
        _end_sessions(admin, name)


@contextmanager
def _locked(database: Database) -> Iterator[None]:
    def impatient(connection: Any, _record: object) -> None:
        connection.execute("PRAGMA busy_timeout = 0").close()

    event.listen(database.engine, "connect", impatient)
    database.engine.dispose()
    with closing(sqlite3.connect(str(database.engine.url.database), isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        yield
        other.execute("ROLLBACK")
    event.remove(database.engine, "connect", impatient)


@contextmanager
def _shut(database: Database) -> Iterator[None]:
    name = database.engine.url.database
    with _administering(database) as admin:
        admin.execute(f'ALTER DATABASE "{name}" ALLOW_CONNECTIONS false'.encode())
        _end_sessions(admin, name)
        yield
        admin.execute(f'ALTER DATABASE "{name}" ALLOW_CONNECTIONS true'.encode())


def _end_sessions(admin: psycopg.Connection, name: str | None) -> None:
    admin.execute("SELECT pg_terminate_backend(pid, 60000) FROM pg_stat_activity WHERE datname = %s", [name])


@contextmanager
def _administering(database: Database) -> Iterator[psycopg.Connection]:
    server = database.engine.url.set(database="postgres", drivername="postgresql")
    with psycopg.connect(server.render_as_string(hide_password=False), autocommit=True) as admin:
        yield admin
