"""Checkpoints beside the writer: the file gets what was committed, and whoever reads keeps their moment."""

import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from sqlalchemy import Connection, func, insert, make_url, select

from projections.tables import positions
from streams.storage.database import Database, Priority
from streams.storage.sqlite_writer import Checkpoints
from tests.streams.storing import PATIENCE, only_sqlite, submitted


@pytest.fixture
def writer(tmp_path: Path) -> Iterator[sqlite3.Connection]:
    """A connection that makes no checkpoint by itself."""
    with closing(sqlite3.connect(tmp_path / "log.sqlite", isolation_level=None)) as connection:
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("PRAGMA wal_autocheckpoint = 0")
        connection.execute("CREATE TABLE facts (number INTEGER PRIMARY KEY)")
        yield connection


def checkpoints(folder: Path, after: int) -> Checkpoints:
    """What is tested, on the file of that folder."""
    return Checkpoints(make_url(f"sqlite:///{folder / 'log.sqlite'}"), after)


def numbers(connection: sqlite3.Connection) -> list[int]:
    """What a connection sees."""
    return [number for (number,) in connection.execute("SELECT number FROM facts ORDER BY number")]


def in_the_file(folder: Path) -> list[int] | None:
    """What the file alone has, without its log; None where it has not even the table."""
    shutil.copy(folder / "log.sqlite", folder / "alone.sqlite")
    with closing(sqlite3.connect(folder / "alone.sqlite")) as alone:
        try:
            return numbers(alone)
        except sqlite3.OperationalError:
            return None


def test_what_was_committed_goes_into_the_file(writer: sqlite3.Connection, tmp_path: Path) -> None:
    """Once enough was, and not for every commit."""
    made = checkpoints(tmp_path, after=3)
    writer.execute("INSERT INTO facts VALUES (1), (2)")
    made.committed(2)
    assert in_the_file(tmp_path) is None
    writer.execute("INSERT INTO facts VALUES (3)")
    made.committed(1)
    made.close()
    assert in_the_file(tmp_path) == [1, 2, 3]


def test_whoever_reads_keeps_their_moment_and_loses_nothing(writer: sqlite3.Connection, tmp_path: Path) -> None:
    """A reader hinders no commit and sees no later one; what could not go into the file goes with the next."""
    with closing(sqlite3.connect(tmp_path / "log.sqlite", isolation_level=None)) as reader:
        reader.execute("BEGIN")
        before = numbers(reader)
        writer.execute("INSERT INTO facts VALUES (1)")
        first = checkpoints(tmp_path, after=1)
        first.committed(1)
        first.close()
        assert (before, numbers(reader), numbers(writer)) == ([], [], [1])
        reader.execute("COMMIT")
        second = checkpoints(tmp_path, after=1)
        second.committed(1)
        second.close()
    assert in_the_file(tmp_path) == numbers(writer) == [1]


def test_a_file_that_is_gone_ends_nothing(tmp_path: Path) -> None:
    """A checkpoint that fails is left to the next one."""
    made = checkpoints(tmp_path / "nowhere", after=1)
    made.committed(1)
    made.close()


@only_sqlite
def test_the_writer_outlives_its_connection(database: Database) -> None:
    """Where the pool has enough connections and closes the writer's, its commit is told, and the next one works."""
    readers = [database.engine.connect() for _ in range(5)]

    def work(connection: Connection) -> str:
        connection.execute(insert(positions).values(reader="a", position=1))
        for reader in readers:
            reader.close()
        return "written"

    assert submitted(database, work, Priority.INTAKE).result(PATIENCE) == "written"
    assert submitted(database, counted_in, Priority.INTAKE).result(PATIENCE) == 1


def counted_in(connection: Connection) -> int:
    """How many positions there are."""
    return connection.execute(select(func.count()).select_from(positions)).scalar_one()
