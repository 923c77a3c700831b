"""The databases that tests get on PostgreSQL: each is as a migrated one, whatever the test before did to its own."""

from collections.abc import Iterator
from contextlib import closing
from typing import LiteralString

import psycopg
import pytest
from psycopg import sql
from sqlalchemy.engine import URL

from tests.services import postgres
from tests.services.postgres_server import plain
from tests.world import World, iin, registered

_TABLES: LiteralString = "SELECT tablename FROM pg_tables WHERE schemaname = 'public' ORDER BY 1"


@pytest.fixture(scope="module")
def untouched() -> Iterator[URL]:
    """A server on which no test has had a database."""
    with postgres.own(lasting=False) as made:
        yield made.url


def content(of: URL) -> dict[str, list[tuple[object, ...]]]:
    """All rows of all tables."""
    with psycopg.connect(plain(of)) as connection:
        tables = [name for (name,) in connection.execute(_TABLES)]
        return {
            name: connection.execute(sql.SQL("SELECT * FROM {}").format(sql.Identifier(name))).fetchall()
            for name in tables
        }


def identity(at: URL, name: str | None) -> object:
    """The number by which the server knows the database, whatever it is called."""
    with psycopg.connect(plain(at)) as admin:
        return admin.execute("SELECT oid FROM pg_database WHERE datname = %s", [name]).fetchone()


def test_the_next_test_finds_nothing_of_the_one_before(
    untouched: URL, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """It is the same database under another name, with the rows that migrations leave and no others."""
    with postgres.fresh(untouched) as first:
        at_first, was = content(first), identity(untouched, first.database)
        world = World(tmp_path_factory.mktemp("first"), url=first.render_as_string(hide_password=False))
        world.take(*registered(iin(1)))
        assert content(first) != at_first
        left_open = psycopg.connect(plain(first))
    with postgres.fresh(untouched) as second:
        assert (content(second), identity(untouched, second.database)) == (at_first, was)
        assert identity(untouched, first.database) is None
    with closing(left_open), pytest.raises(psycopg.OperationalError):
        left_open.execute("SELECT 1")
    world.close()


@pytest.mark.parametrize(
    "change",
    [
        "CREATE TABLE more ()",
        "ALTER TABLE log ADD COLUMN more int",
        "DROP INDEX history_unplanned",
        "GRANT SELECT ON log TO PUBLIC",
        "ALTER DATABASE {name} SET random_page_cost = 9",
        "ALTER DATABASE {name} CONNECTION LIMIT 3",
    ],
)
def test_a_database_that_was_defined_otherwise_is_not_given_again(untouched: URL, change: LiteralString) -> None:
    """Who alters a table, a right or a setting leaves that to nobody."""
    with postgres.fresh(untouched) as first:
        was = identity(untouched, first.database)
        with psycopg.connect(plain(first), autocommit=True) as connection:
            connection.execute(sql.SQL(change).format(name=sql.Identifier(str(first.database))))
    with postgres.fresh(untouched) as second:
        assert identity(untouched, second.database) != was
