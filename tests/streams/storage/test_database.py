import multiprocessing
import threading
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import pytest
from sqlalchemy import Connection, event, select

from projections.positions import position_of
from projections.tables import positions
from streams.storage.database import Database, Priority
from streams.storage.errors import DatabaseUnavailable
from streams.storage.schema import migrate
from tests.streams.storing import (
    PATIENCE,
    commits,
    counted,
    hold_the_lock,
    only_sqlite,
    save_position,
    second_process,
    submitted,
    url_in,
    writer_held,
)


class Refused(Exception):
    """What a work of these tests fails with."""


def fail(connection: Connection) -> None:
    """Write something, then fail."""
    save_position("failed", 1)(connection)
    raise Refused


def readers(database: Database) -> set[str]:
    """Whose positions are stored: what the works of these tests write."""
    with database.reading() as connection:
        return set(connection.execute(select(positions.c.reader)).scalars())


def test_a_write_returns_what_the_work_returns(database: Database) -> None:
    """The caller gets the result of its own work, when it is committed."""
    assert database.write(lambda connection: position_of(connection, "nobody") + 5) == 5


def test_a_work_that_fails_leaves_nothing_and_says_why(database: Database) -> None:
    """An exception rolls the transaction back and reaches the one who submitted the work, as it was."""
    with pytest.raises(Refused):
        database.write(fail)

    assert readers(database) == set()


def test_after_a_failure_the_next_write_goes_through(database: Database) -> None:
    """One bad work does not stop the writer."""
    with pytest.raises(Refused):
        database.write(fail)
    database.write(save_position("good", 1))

    assert readers(database) == {"good"}


@only_sqlite
def test_works_that_wait_share_one_commit(database: Database) -> None:
    """What waits while the disk is busy is committed together: that is what makes many small writes fast."""
    with commits(database) as seen:
        with writer_held(database):
            waiting = [submitted(database, save_position(str(at), at), Priority.INTAKE) for at in range(10)]
        for each in waiting:
            each.result(PATIENCE)

    assert len(seen) == 2, "the work that held the writer, and all others"


@only_sqlite
def test_of_a_group_only_the_failed_work_is_rolled_back(database: Database) -> None:
    """Works that share a commit do not share their failures."""
    with writer_held(database):
        before = submitted(database, save_position("before", 1), Priority.INTAKE)
        failed = submitted(database, fail, Priority.INTAKE)
        after = submitted(database, save_position("after", 1), Priority.INTAKE)

    before.result(PATIENCE)
    after.result(PATIENCE)
    with pytest.raises(Refused):
        failed.result(PATIENCE)
    assert readers(database) == {"before", "after"}


@only_sqlite
def test_nobody_is_told_before_the_commit(database: Database) -> None:
    """A work is not reported as done while its group can still fail."""
    done_early: list[bool] = []
    with writer_held(database):
        first = submitted(database, save_position("first", 1), Priority.INTAKE)
        second = submitted(database, lambda _: done_early.append(first.done()), Priority.INTAKE)

    second.result(PATIENCE)
    assert done_early == [False]
    assert first.done()


@only_sqlite
def test_when_the_commit_fails_everybody_learns_it(database: Database) -> None:
    """A group whose commit fails is stored for nobody, and nobody waits for ever."""
    with commits_failing_after(1, database):
        with writer_held(database):
            waiting = [submitted(database, save_position(str(at), at), Priority.INTAKE) for at in range(3)]
        for each in waiting:
            with pytest.raises(Refused):
                each.result(PATIENCE)

    assert readers(database) == set()


@contextmanager
def commits_failing_after(good: int, database: Database) -> Iterator[None]:
    """So many commits succeed, all later ones in the block fail."""
    left = [Refused()] * good

    def refuse(_: Connection) -> None:
        if not left:
            raise Refused
        left.pop()

    event.listen(database.engine, "commit", refuse)
    yield
    event.remove(database.engine, "commit", refuse)


@only_sqlite
def test_the_most_urgent_goes_first(database: Database) -> None:
    """When several wait, dispatch writes before planning, planning before intake, and equals in their order."""
    done: list[str] = []

    def noting(name: str, priority: Priority) -> "Future[None]":
        return submitted(database, lambda _: done.append(name), priority)

    with writer_held(database):
        waiting = [
            noting(f"{priority.name} {at}", priority)
            for at in (1, 2)
            for priority in (Priority.FOLLOWING, Priority.INTAKE, Priority.PLANNING, Priority.DISPATCH)
        ]
    for each in waiting:
        each.result(PATIENCE)

    order = ("DISPATCH", "PLANNING", "INTAKE", "FOLLOWING")
    assert done == [f"{name} {at}" for name in order for at in (1, 2)]


@only_sqlite
def test_a_dispatch_does_not_wait_for_all_of_a_long_queue(database: Database) -> None:
    """A group is bounded, so what comes urgent meanwhile soon overtakes the rest of the queue."""
    done: list[str] = []
    urgent: list[Future[None]] = []

    def first(_: Connection) -> None:
        urgent.append(submitted(database, lambda _: done.append("urgent"), Priority.DISPATCH))

    with writer_held(database):
        waiting = [submitted(database, first, Priority.INTAKE)]
        waiting += [submitted(database, lambda _: done.append("bulk"), Priority.INTAKE) for _ in range(500)]
    for each in [*waiting, *urgent]:
        each.result(PATIENCE)

    assert len(done) == 501
    assert done.index("urgent") < 100


def test_threads_get_the_results_of_their_own_works(database: Database) -> None:
    """However many write at once, results are not mixed up and nothing is lost."""

    def write(number: int) -> int:
        def work(connection: Connection) -> int:
            save_position(str(number), number)(connection)
            return number

        return database.write(work, Priority(number % len(Priority)))

    with ThreadPoolExecutor(8) as threads:
        results = list(threads.map(write, range(200)))

    assert results == list(range(200))
    assert readers(database) == set(map(str, range(200)))


def test_close_waits_for_what_was_submitted(tmp_path: Path) -> None:
    """Closing finishes the writes that wait: nothing accepted is thrown away."""
    database = Database(url_in(tmp_path))
    migrate(database)
    with writer_held(database):
        waiting = [submitted(database, save_position(str(at), at), Priority.INTAKE) for at in range(100)]
        closing = threading.Thread(target=database.close)
        closing.start()
    closing.join(PATIENCE)

    assert not closing.is_alive()
    assert all(each.done() for each in waiting)
    again = Database(url_in(tmp_path))
    assert counted(again, positions) == 100
    again.close()


@pytest.mark.parametrize("writes", [0, 1])
def test_a_closed_database_leaves_no_thread(tmp_path: Path, writes: int) -> None:
    """The writer ends with its database, whether it ever wrote or not; closing twice does no harm."""
    before = threading.enumerate()
    database = Database(url_in(tmp_path))
    migrate(database)
    for at in range(writes):
        database.write(save_position(str(at), at))
    database.close()
    database.close()

    assert threading.enumerate() == before


def test_create_keeps_what_is_there(database: Database) -> None:
    """Starting again on the same database changes nothing in it."""
    database.write(save_position("kept", 1))
    migrate(database)

    assert readers(database) == {"kept"}


def test_a_folder_that_is_missing_is_explained(tmp_path: Path) -> None:
    """A database that cannot be opened gives one sentence that says what to check."""
    database = Database(f"sqlite:///{tmp_path}/missing/log.sqlite")

    refused = "connection failed: no\n\tIs the server running on that host and accepting TCP/IP connections?"
    assert str(DatabaseUnavailable(refused)).startswith(
        "The database cannot be used: connection failed: no. Check HAB"
    )
    with pytest.raises(DatabaseUnavailable, match=r"unable to open database file\. Check HABARSHY_DATABASE"):
        migrate(database)


def test_a_read_sees_one_moment(database: Database) -> None:
    """All queries of one reading see the same snapshot, whatever is committed meanwhile."""
    with database.reading() as connection:
        assert position_of(connection, "reader") == 0
        database.write(save_position("reader", 9))

        assert position_of(connection, "reader") == 0
    with database.reading() as connection:
        assert position_of(connection, "reader") == 9


@only_sqlite
def test_a_read_sees_nothing_uncommitted(database: Database) -> None:
    """While a write is under way, nobody sees it."""
    written, go = threading.Event(), threading.Event()

    def work(connection: Connection) -> None:
        save_position("under way", 1)(connection)
        written.set()
        assert go.wait(PATIENCE)

    waiting = submitted(database, work, Priority.INTAKE)
    assert written.wait(PATIENCE)
    assert readers(database) == set()
    go.set()
    waiting.result(PATIENCE)
    assert readers(database) == {"under way"}


@only_sqlite
def test_a_commit_is_on_the_disk(database: Database) -> None:
    """Every connection waits for the disk at each commit, logs ahead, and overwrites what it deletes."""
    wanted = {"synchronous": 2, "journal_mode": "wal", "secure_delete": 1}

    def settings(connection: Connection) -> dict[str, object]:
        return {name: connection.exec_driver_sql(f"PRAGMA {name}").scalar_one() for name in wanted}

    with database.reading() as connection:
        assert settings(connection) == wanted
    assert database.write(settings) == wanted


def test_a_write_waits_for_another_process(tmp_path: Path) -> None:
    """While another process writes, ours waits for it and sees what it wrote: neither fails."""
    database = Database(url_in(tmp_path))
    migrate(database)
    context = multiprocessing.get_context("spawn")
    holding, release = context.Event(), context.Event()

    with second_process(hold_the_lock, url_in(tmp_path), holding, release):
        assert holding.wait(PATIENCE)
        ours = submitted(database, lambda connection: position_of(connection, "second"), Priority.DISPATCH)
        with database.reading() as connection:
            assert position_of(connection, "second") == 0, "reading does not wait for the other process"
        release.set()

        assert ours.result(PATIENCE) == 7
    database.close()
