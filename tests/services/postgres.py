"""A PostgreSQL server of the tests' own, on a private port of loopback, in a folder that goes with it."""

import itertools
import os
import tempfile
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import psycopg
from sqlalchemy.engine import URL, make_url

from streams.storage.database import Database
from streams.storage.schema import migrate
from tests.services.postgres_server import Server, plain

GIVEN = "HABARSHY_TEST_POSTGRES"
"""An SQLAlchemy URL of a server to use instead, whose user may create databases."""

_numbers = itertools.count(1)


@contextmanager
def server(*, lasting: bool = False) -> Iterator[URL]:
    """A running server, stopped and removed afterwards; `lasting`: as `own` has it.

    Raises:
        DidNotStart, NoPostgres: with what to do about it.
    """
    if given := os.environ.get(GIVEN):
        with _ours_removed(at := make_url(given)):
            yield at
        return
    with own(lasting=lasting) as made:
        yield made.url


@contextmanager
def own(
    password: str = "", *, archived: bool = False, room: Path | None = None, lasting: bool = True
) -> Iterator[Server]:
    """A running server that the test may kill and start; with a password all have to sign in (SCRAM, RFC 5802).

    `archived`: its write-ahead log is kept; `room`: the folder that it gets instead of one of its own; `lasting`: it
    waits for the disk, as one that has to outlast a loss of power (its own death it outlasts in any case).

    Raises:
        DidNotStart, NoPostgres: with what to do about it.
    """
    with (
        tempfile.TemporaryDirectory(prefix="habarshy-pg-") as folder,
        closing(Server(room or Path(folder), password, archived=archived, lasting=lasting)) as made,
    ):
        made.start()
        try:
            yield made
        finally:
            _with_tables.pop(made.url, None)


@contextmanager
def fresh(at: URL) -> Iterator[URL]:
    """A database with our tables on that server, dropped afterwards."""
    if at not in _with_tables:
        _with_tables[at] = _migrated(at)
    with empty(at, _with_tables[at]) as made:
        yield made


_with_tables: dict[URL, URL] = {}
"""Server -> a database there with our tables, which is copied: to make them takes half a second each time."""


def _migrated(at: URL) -> URL:
    made = at.set(database=f"habarshy_test_{os.getpid()}_tables")
    _administer(at, f'CREATE DATABASE "{made.database}"')
    database = Database(made.render_as_string(hide_password=False))
    migrate(database)
    database.close()
    return made


@contextmanager
def _ours_removed(at: URL) -> Iterator[None]:
    try:
        yield
    finally:
        if (made := _with_tables.pop(at, None)) is not None:
            _administer(at, f'DROP DATABASE "{made.database}" WITH (FORCE)')


@contextmanager
def empty(at: URL, like: URL | None = None, encoding: str = "") -> Iterator[URL]:
    """A database without any table (or with all that is in another, to which nobody is connected), dropped later.

    `encoding`: another one than the server's.
    """
    name = f"habarshy_test_{os.getpid()}_{next(_numbers)}"
    template = f' TEMPLATE "{like.database}" STRATEGY FILE_COPY' if like else ""  # a third of the work of WAL_LOG
    other = f" TEMPLATE template0 LOCALE 'C' ENCODING '{encoding}'" if encoding else ""
    _administer(at, f'CREATE DATABASE "{name}"{template}{other}')
    try:
        yield at.set(database=name)
    finally:
        _administer(at, f'DROP DATABASE "{name}" WITH (FORCE)')


def _administer(at: URL, statement: str) -> None:
    with psycopg.connect(plain(at), autocommit=True) as admin:
        admin.execute(statement.encode())
