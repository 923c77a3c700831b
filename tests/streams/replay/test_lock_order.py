"""The order of locks on PostgreSQL: persons (sorted), due rows and nudges, views, and the log last."""

import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial

import pytest
from msgspec.structs import replace
from sqlalchemy import Connection, inspect, text, update
from sqlalchemy.exc import OperationalError

from app.clock import fixed
from projections import area_plans, history, nudges, tables
from projections.history import Concerns
from streams.intake.intake import Intake
from streams.replay import shadow as beside
from streams.replay.rebuild_compare import COMPARED
from streams.replay.shadow import LOCK_NOT_AVAILABLE, SHADOW, standing, writers_locked_out
from streams.storage.database import Database
from tests.streams.storing import (
    AIDA,
    BOLAT,
    DANA,
    NAMES,
    NOW,
    PATIENCE,
    Store,
    cancelled,
    counted,
    life,
    nudge,
    nudge_id,
)

pytestmark = pytest.mark.parametrize("url", ["postgresql"], indirect=True)
DEADLOCK = "40P01"
Step = Callable[[Connection], object]


@pytest.fixture
def known(store: Store) -> Store:
    """A log on PostgreSQL that knows some persons and a nudge."""
    store.take(life(), life("2", persons={"child": (BOLAT,), "mother": (DANA,)}))
    store.database.write(lambda connection: nudges.add(connection, [nudge(1)]))
    return store


def waits(database: Database) -> bool:
    """Whether anybody comes to wait for a lock."""
    pause = threading.Event()
    with database.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        query = text("SELECT count(*) FROM pg_locks WHERE NOT granted")
        return any(connection.execute(query).scalar_one() or pause.wait(0.01) for _ in range(PATIENCE * 100))


def transaction(database: Database, steps: Sequence[Step]) -> str | None:
    """Take the steps in one transaction; returns PostgreSQL's code for what ended it, if anything did."""
    try:
        with database.engine.begin() as connection:
            for step in steps:
                step(connection)
    except OperationalError as error:
        return str(getattr(error.orig, "sqlstate", None))
    return None


def meet(database: Database, one: Sequence[Step], other: Sequence[Step]) -> set[str | None]:
    """The one takes its first step, the other goes as far as it can, and then the one goes on: how the two ended."""
    begun, go_on = threading.Event(), threading.Event()

    def pause(_: Connection) -> None:
        begun.set()
        assert go_on.wait(PATIENCE)

    with ThreadPoolExecutor(2) as threads:
        first = threads.submit(transaction, database, [one[0], pause, *one[1:]])
        assert begun.wait(PATIENCE)
        second = threads.submit(transaction, database, other)
        assert waits(database)
        go_on.set()
        return {first.result(PATIENCE), second.result(PATIENCE)}


def appending(store: Store, stream: int) -> Step:
    """Append a fact to that stream."""
    return partial(store.log.append, entries=[cancelled(stream)])


HOLD: Step = partial(nudges.hold, ids=[nudge_id(1)])


def test_the_log_before_a_due_row_is_a_deadlock(known: Store) -> None:
    """A planner that appended and then wants a nudge stands against a dispatcher who has it; as designed, not."""
    wrong = meet(known.database, [appending(known, 71), HOLD], [HOLD, appending(known, 72)])
    right = meet(known.database, [HOLD, appending(known, 73)], [HOLD, appending(known, 74)])

    assert (wrong, right) == ({None, DEADLOCK}, {None})


def test_persons_in_any_order_are_a_deadlock(known: Store) -> None:
    """Who holds persons one by one as they come meets somebody in a ring; `hold` sorts them and does not."""
    hold, both = known.keys.hold, (AIDA, BOLAT)
    one, other = ([partial(hold, persons=[each]) for each in order] for order in (both[::-1], both))
    at_once: list[Step] = [partial(hold, persons=both[::-1]), partial(hold, persons=both)]

    assert meet(known.database, one, other) == {None, DEADLOCK}
    assert meet(known.database, at_once[:1], at_once[1:]) == {None}


def test_a_correction_holds_whom_it_wakes_before_the_log(known: Store) -> None:
    """Whoever only another revision names is woken by a correction, and held as early as who it names itself."""
    intake = Intake(known.database, known.log, NAMES, pytest.fail, fixed(NOW))
    known.database.write(partial(intake.append, events=[life("9", persons={"child": (AIDA,)}, fields={})]))
    correction = life("9-2", persons={"child": (BOLAT,)}, fields={}, corrects="9", revision=2)

    def plan(connection: Connection) -> None:
        known.keys.hold(connection, [AIDA])
        history.mark_planned(connection, history.versions(connection, [AIDA]))

    assert meet(known.database, [plan, appending(known, 71)], [partial(intake.append, events=[correction])]) == {None}
    with known.database.reading() as connection:
        assert history.versions(connection, [AIDA])[AIDA].rows == 2
        assert history.unplanned(connection, 10) == [AIDA, BOLAT]


def test_an_earlier_load_holds_whom_it_wakes_before_the_log(known: Store) -> None:
    """An event that comes live after a historical load is planned as live, also by who planned it at that moment."""
    intake = Intake(known.database, known.log, NAMES, pytest.fail, fixed(NOW))
    loaded = [life(each, persons={"child": (AIDA,)}, fields={}, ahead_from=NOW) for each in ("8", "9")]
    known.database.write(partial(intake.append, events=loaded))
    live, other = (replace(each, ahead_from=None) for each in loaded)
    with known.database.reading() as connection:
        seen = history.versions(connection, [AIDA])

    def plan(connection: Connection) -> None:
        known.keys.hold(connection, [AIDA])
        if history.versions(connection, [AIDA]) == seen:
            history.mark_planned(connection, seen)

    assert meet(known.database, [partial(intake.append, events=[live])], [plan]) == {None}
    with known.database.reading() as connection:
        assert history.unplanned(connection, 10) == [AIDA], "it was planned as it counted before"
    fresh = life("10", persons={"child": (AIDA,)}, fields={})
    assert meet(known.database, [plan, appending(known, 71)], [partial(intake.append, events=[other, fresh])]) == {
        None
    }


@pytest.mark.parametrize("again", ["corrected", "loaded earlier"])
def test_who_has_an_area_event_planned_again_waits_for_its_chunk_without_the_log(known: Store, again: str) -> None:
    """While a chunk of an area event is planned, its correction or an earlier load waits, and others append."""
    intake = Intake(known.database, known.log, NAMES, pytest.fail, fixed(NOW))
    flood = life("9", persons={}, fields={}, area="75", ahead_from=NOW)
    known.database.write(partial(intake.append, events=[flood]))
    correction = life("9-2", persons={}, fields={}, area="75", corrects="9", revision=2)
    comes = correction if again == "corrected" else replace(flood, ahead_from=None)
    with known.database.reading() as connection:
        (waiting,) = area_plans.all_waiting(connection)

    def plan(connection: Connection) -> None:
        assert area_plans.held(connection, waiting, alone=False) is not None

    def append_elsewhere(_: Connection) -> None:
        with known.database.engine.begin() as other:
            other.execute(text("SET LOCAL lock_timeout = 2000"))
            appending(known, 72)(other)

    chunk = [plan, append_elsewhere, appending(known, 71)]
    assert meet(known.database, chunk, [partial(intake.append, events=[comes])]) == {None}
    with known.database.reading() as connection:
        (begun,) = area_plans.all_waiting(connection)
    assert begun.position > waiting.position


def test_who_waited_for_an_area_event_holds_it_as_it_was_begun_meanwhile(known: Store) -> None:
    """Of two corrections of one area event the second holds it before the log, too, so that no chunk begins."""
    original = life("9").stream
    known.database.write(partial(area_plans.begin, original=original, position=1))

    def no_chunk_begins(_: Connection) -> None:
        with known.database.engine.begin() as other:
            (waiting,) = area_plans.all_waiting(other)
            assert waiting.position == 2
            assert area_plans.held(other, waiting, alone=False) is None

    hold: Step = partial(area_plans.hold, originals=[original])
    first: list[Step] = [hold, partial(area_plans.begin, original=original, position=2)]
    assert meet(known.database, first, [hold, no_chunk_begins]) == {None}


def test_a_deadlock_is_taken_back_and_done_again(known: Store) -> None:
    """Should two meet in a ring all the same, both writes are done in the end, each once."""
    together, done = threading.Barrier(2), threading.Event()
    tries: list[int] = []

    def write(number: int, *, log_first: bool) -> None:
        order = [appending(known, number), HOLD]
        first, second = order if log_first else order[::-1]

        def work(connection: Connection) -> None:
            tries.append(number)
            if len(tries) > 2:
                done.wait(PATIENCE)  # else it might get in front of the other again, and meet it in another ring
            first(connection)
            if len(tries) <= 2:
                together.wait(PATIENCE)
            second(connection)

        known.database.write(work)
        done.set()

    with ThreadPoolExecutor(2) as threads:
        for each in [threads.submit(write, 71, log_first=True), threads.submit(write, 72, log_first=False)]:
            each.result(PATIENCE)
    assert len(tries) == 3
    assert {entry.originator_id.int for entry in known.scanned()} >= {71, 72}


def test_what_is_refused_in_the_middle_of_a_copy_is_told_as_everywhere(known: Store) -> None:
    """Bulk rows that wait for another's give up like any other statement: so a deadlock in them is done again too."""
    one = [nudge(2)]
    with known.database.engine.begin() as first, known.database.engine.connect() as second:
        nudges.add(first, one)
        second.execute(text("SET LOCAL lock_timeout = 50"))
        with pytest.raises(OperationalError) as refused:
            nudges.add(second, one)
    assert getattr(refused.value.orig, "sqlstate", None) == LOCK_NOT_AVAILABLE


def test_who_commits_later_stands_later(known: Store) -> None:
    """While one has appended and not committed, nobody else's position can be taken, so a reader passes no gap."""
    seen: list[int] = []
    before = known.scanned()[-1].position

    def look(_: Connection) -> None:
        seen.append(known.scanned()[-1].position)

    assert meet(known.database, [appending(known, 71), look], [appending(known, 72)]) == {None}

    assert seen == [before], "nothing is seen behind what is not there yet"
    assert [entry.originator_id.int for entry in known.scanned()[-2:]] == [71, 72]


@pytest.fixture
def shadow(known: Store) -> Iterator[Database]:
    """A second set of views beside the live ones."""
    made = beside.make(known.database, "ours")
    yield made
    made.close()
    beside.drop(known.database)


def test_a_rebuild_gives_way_to_who_writes(known: Store, shadow: Database) -> None:
    """Who has written to one view and goes on to another is not stopped by a rebuild that waits for both."""
    note: Step = partial(history.add, rows=[Concerns(AIDA, 99, 0, "t", None, planned=False, recorded=0, woken=0)])

    def touch(connection: Connection) -> None:
        connection.execute(update(tables.nudges).values(version=9))

    def rebuild(_: Connection) -> None:
        with writers_locked_out(known.database, shadow, COMPARED) as (connection, beside):
            found = connection.exec_driver_sql(f"SELECT count(*) FROM {beside.live}.history WHERE position = 99")  # noqa: S608  (ours)
            assert found.scalar_one() == 1

    assert meet(known.database, [touch, note], [rebuild]) == {None}


def test_nobody_writes_while_views_are_compared_and_swapped(known: Store, shadow: Database) -> None:
    """In the quiet moment who reads goes on, and who writes waits for its end and is then done."""

    def write(connection: Connection) -> None:
        nudges.add(connection, [nudge(2)])
        known.log.append(connection, [cancelled(71)])

    with ThreadPoolExecutor(1) as thread:
        with writers_locked_out(known.database, shadow, COMPARED):
            writing = thread.submit(known.database.write, write)
            assert waits(known.database)
            assert known.scanned()
        writing.result(PATIENCE)
    assert known.scanned()[-1].originator_id.int == 71


def test_a_shadow_is_found_by_its_name(known: Store, shadow: Database) -> None:
    """Who goes on finds the tables under the name that they were made under, and nobody else's."""
    shadow.write(lambda connection: nudges.add(connection, [nudge(2)]))
    again = beside.opened(known.database, "ours")
    assert again is not None
    assert counted(again, tables.nudges) == 1
    assert beside.opened(known.database, "another's") is None
    again.close()


def test_what_a_dead_rebuild_left_is_in_nobodys_way(known: Store) -> None:
    """Where a rebuild died, the next one begins anew, and leaves nothing behind."""
    with known.database.altering() as connection:
        connection.execute(text(f"CREATE SCHEMA {SHADOW}"))
        connection.execute(text(f"CREATE TABLE {SHADOW}.nudges (of_another_time INTEGER)"))

    assert beside.opened(known.database, "ours") is None
    made = beside.make(known.database, "ours")
    assert counted(made, tables.nudges) == 0
    made.close()
    assert beside.drop(known.database)
    assert not beside.drop(known.database)
    assert SHADOW not in inspect(known.database.engine).get_schema_names()


def test_a_server_that_went_down_hard_leaves_nothing_to_go_on_with(known: Store, shadow: Database) -> None:
    """PostgreSQL empties tables without a log then, all of them: a shadow without its standing is nobody's."""
    shadow.write(lambda connection: connection.execute(standing.delete()))
    assert beside.opened(known.database, "ours") is None
