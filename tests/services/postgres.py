"""A PostgreSQL server of the tests' own, on a private port of loopback, in a folder that goes with it."""

import itertools
import os
import tempfile
from collections.abc import Iterator
from contextlib import closing, contextmanager
from functools import partial
from pathlib import Path

import psycopg
from sqlalchemy.engine import URL, make_url

from streams.storage.database import Database
from streams.storage.schema import migrate
from tests.services.postgres_reuse import Shelf
from tests.services.postgres_server import Server, plain

GIVEN = "HABARSHY_TEST_POSTGRES"
"""An SQLAlchemy URL of a server to use instead, whose user may create databases."""

_numbers = itertools.count(1)
_TABLES = f"habarshy_test_{os.getpid()}_tables"
"""The database that others are copied from: to migrate takes half a second each time."""


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
            _shelves.pop(made.url, None)


@contextmanager
def fresh(at: URL) -> Iterator[URL]:
    """A database with our tables on that server, for one test; the next one gets it emptied."""
    if at not in _shelves:
        like = _migrated(at)
        _shelves[at] = Shelf(at, like, partial(_made, at, like), partial(_dropped, at), _new_name)
    with _shelves[at].database() as made:
        yield made


_shelves: dict[URL, Shelf] = {}


def _migrated(at: URL) -> URL:
    made = at.set(database=_TABLES)
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
        if (shelf := _shelves.pop(at, None)) is not None:
            shelf.close()
            _dropped(at, at.set(database=_TABLES))


@contextmanager
def empty(at: URL, like: URL | None = None, encoding: str = "") -> Iterator[URL]:
    """A database without any table (or with all that is in another, to which nobody is connected), dropped later.

    `encoding`: another one than the server's.
    """
    made = _made(at, like, encoding)
    try:
        yield made
    finally:
        _dropped(at, made)


def _new_name() -> str:
    return f"habarshy_test_{os.getpid()}_{next(_numbers)}"


def _made(at: URL, like: URL | None = None, encoding: str = "") -> URL:
    name = _new_name()
    template = f' TEMPLATE "{like.database}" STRATEGY FILE_COPY' if like else ""  # a third of the work of WAL_LOG
    other = f" TEMPLATE template0 LOCALE 'C' ENCODING '{encoding}'" if encoding else ""
    _administer(at, f'CREATE DATABASE "{name}"{template}{other}')
    return at.set(database=name)


def _dropped(at: URL, made: URL) -> None:
    _administer(at, f'DROP DATABASE "{made.database}" WITH (FORCE)')


def _administer(at: URL, statement: str) -> None:
    with psycopg.connect(plain(at), autocommit=True) as admin:
        admin.execute(statement.encode())
