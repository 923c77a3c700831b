"""Databases with our tables that tests get one after the other: to empty one costs a fiftieth of a new one."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import LiteralString, NamedTuple

import psycopg
from psycopg import sql
from sqlalchemy.engine import URL

from tests.services.postgres_server import plain

MOST_GROWTH = 4 * 2**20
"""Bytes by which a database may grow before it is dropped: what tests wrote leaves its pages behind."""

_CATALOGUES = (
    "pg_attrdef",
    "pg_attribute",
    "pg_class",
    "pg_constraint",
    "pg_index",
    "pg_namespace",
    "pg_policy",
    "pg_proc",
    "pg_rewrite",
    "pg_trigger",
    "pg_type",
)
"""Where definitions are kept: whatever a test defines, grants or truncates writes a row with a later xmin there."""
_TABLES: LiteralString = "SELECT relname FROM pg_class WHERE relnamespace = 'public'::regnamespace AND relkind = 'r'"
_SEQUENCES: LiteralString = "SELECT setval(seqrelid::regclass, seqstart, false) FROM pg_sequence"
_SETTINGS: LiteralString = """\
SELECT xmin::text, (SELECT count(*) FROM pg_db_role_setting WHERE setdatabase = pg_database.oid)
FROM pg_database WHERE datname = %s
"""
_PUT_OUT: LiteralString = """\
SELECT pg_terminate_backend(pid, 60000) FROM pg_stat_activity
WHERE datname = %s AND backend_type = 'client backend'
"""


class _Made(NamedTuple):
    """A database, and how it was when it was made."""

    url: URL
    settings: object
    definitions: object
    size: int


class Shelf:
    """The databases of one server that wait for their next test.

    `like`: a database with the tables and the rows that each has at first; `make` copies it, and `drop` drops a copy;
    `name` gives a name that no database has had.
    """

    def __init__(
        self, at: URL, like: URL, make: Callable[[], URL], drop: Callable[[URL], None], name: Callable[[], str]
    ) -> None:
        self._at, self._make, self._drop, self._name = at, make, drop, name
        self._waiting: list[_Made] = []
        self._rows = _rows_of(like)

    @contextmanager
    def database(self) -> Iterator[URL]:
        """Give a database as it is at first, for one test."""
        made = self._waiting.pop() if self._waiting else self._new()
        try:
            yield made.url
        finally:
            self._take_back(made)

    def close(self) -> None:
        """Drop those that wait."""
        while self._waiting:
            self._drop(self._waiting.pop().url)

    def _new(self) -> _Made:
        url = self._make()
        with psycopg.connect(plain(self._at)) as admin, psycopg.connect(plain(url)) as found:
            return _Made(url, _settings(admin, url), _definitions(found), _size(found))

    def _take_back(self, made: _Made) -> None:
        with psycopg.connect(plain(self._at), autocommit=True) as admin:
            if _settings(admin, made.url) != made.settings:
                self._drop(made.url)
                return
            url = made.url.set(database=self._name())
            _rename(admin, str(made.url.database), str(url.database))
            again = made._replace(url=url, settings=_settings(admin, url))
        if self._emptied(again):
            self._waiting.append(again)
        else:
            self._drop(again.url)

    def _emptied(self, made: _Made) -> bool:
        """Empty it; return whether it is as it was at first."""
        try:
            with psycopg.connect(plain(made.url)) as used:
                if _size(used) > made.size + MOST_GROWTH or _definitions(used) != made.definitions:
                    return False
                self._write_first_rows(used)
        except psycopg.Error:  # its user may not do this, or the disk is full, as the test would have it
            return False
        return True

    def _write_first_rows(self, used: psycopg.Connection) -> None:
        used.execute("SET session_replication_role = replica")  # no trigger and no reference refuses
        for table, rows in self._rows.items():
            used.execute(sql.SQL("DELETE FROM {}").format(sql.Identifier(table)))
            if rows:
                with used.cursor().copy(sql.SQL("COPY {} FROM STDIN").format(sql.Identifier(table))) as copy:
                    copy.write(rows)
        used.execute(_SEQUENCES)


def _rename(admin: psycopg.Connection, name: str, to: str) -> None:
    """Rename a database and end all connections to it: a process that a test left behind does not find it again."""
    old, new = sql.Identifier(name), sql.Identifier(to)
    admin.execute(sql.SQL("ALTER DATABASE {} ALLOW_CONNECTIONS false").format(old))
    admin.execute(_PUT_OUT, [name])
    admin.execute(sql.SQL("ALTER DATABASE {} RENAME TO {}").format(old, new))
    admin.execute(sql.SQL("ALTER DATABASE {} ALLOW_CONNECTIONS true").format(new))


def _rows_of(like: URL) -> dict[str, bytes]:
    found: dict[str, bytes] = {}
    with psycopg.connect(plain(like)) as connection:
        for (table,) in connection.execute(_TABLES).fetchall():
            with connection.cursor().copy(sql.SQL("COPY {} TO STDOUT").format(sql.Identifier(table))) as copy:
                found[table] = b"".join(map(bytes, copy))
    return found


def _settings(admin: psycopg.Connection, of: URL) -> object:
    return admin.execute(_SETTINGS, [of.database]).fetchone()


def _definitions(connection: psycopg.Connection) -> object:
    parts = [
        sql.SQL("SELECT count(*), max(xmin::text::bigint) FROM {}").format(sql.Identifier(one)) for one in _CATALOGUES
    ]
    return connection.execute(sql.SQL(" UNION ALL ").join(parts)).fetchall()


def _size(connection: psycopg.Connection) -> int:
    [(size,)] = connection.execute("SELECT pg_database_size(current_database())")
    return int(size)
