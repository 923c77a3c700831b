"""Comparing rebuilt views with live ones: as of one moment, while others write; mended by what differs, and equal."""

from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from random import Random

import pytest
from sqlalchemy import Connection, Table, delete, func, select, update

from projections import tables
from streams.queues.jobs import Job, JobState, Plan, Step, Stopped
from streams.replay import shadow
from streams.replay.rebuild import ViewRebuild
from streams.replay.rebuild_compare import COMPARED, ROWS, mend, unmended
from streams.storage.database import Database
from streams.storage.leadership import Lane
from streams.storage.schema import migrate
from tests.streams.rebuilding import lived_on, rebuilt, unsaved
from tests.world import LONG_AGO, World, annulled, card, corrected, fine, iin, registered

PEOPLE, PAGE = 6, 4
Damage = Callable[[Connection], object]


@pytest.fixture(params=["sqlite", "postgresql"])
def world(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[World]:
    """A platform that lived a little, on each kind of database; then one view lost its rows."""
    yield from lived_on(request, tmp_path, PEOPLE)


def work_of(world: World, *, swap: bool = True) -> ViewRebuild:
    """A rebuild in small parts."""
    platform = world.platform
    catalogue = platform.rules.library.rules().catalogue
    return ViewRebuild(
        platform.database, platform.log, platform.identity.names, catalogue, print, swap=swap, page=PAGE
    )


def compared(work: ViewRebuild) -> Step:
    """The step with which its comparison has begun, and is not at its end."""
    step = work.step("", unsaved)
    while step.unit != ROWS:
        step = work.step(step.cursor, unsaved)
    return step


def rows(world: World, table: Table) -> int:
    """How many the live view has."""
    with world.platform.database.reading() as connection:
        return connection.execute(select(func.count()).select_from(table)).scalar_one()


def lives_on(world: World, random: Random, number: int) -> None:
    """Something that others do at any time."""
    person = iin(random.randrange(1, PEOPLE + 3))
    new = card(person, "2027-03-20", number=f"R{number}")
    match random.randrange(5):
        case 0:
            world.take(*registered(iin(100 + number), LONG_AGO), card(iin(100 + number), "2026-12-20", number="N"))
        case 1:
            world.take(new, corrected(new, 2, expires_on="2027-01-20"))
        case 2:
            world.take(fine(person, f"R{number}", "2025-02-01T00:00:00Z"), *([annulled(new, 3)] * (number % 2)))
        case 3:
            world.plan()
        case _:
            world.platform.replay.follower.drain()


DAMAGE: tuple[Damage, ...] = (
    lambda connection: connection.execute(update(tables.statistics).values(count=tables.statistics.c.count + 1)),
    lambda connection: connection.execute(delete(tables.trail).where(tables.trail.c.position % 3 == 0)),
    lambda connection: connection.execute(delete(tables.residents)),
    lambda connection: connection.execute(update(tables.history).values(time=tables.history.c.time + 1)),
    lambda connection: connection.execute(delete(tables.revisions)),
    lambda connection: connection.execute(update(tables.nudges).values(state="sent")),
    lambda connection: connection.execute(update(tables.due).values(due_at=tables.due.c.due_at + 1)),
)


@pytest.mark.parametrize("seed", range(3))
def test_whatever_others_write_meanwhile_the_views_are_equal(world: World, seed: int) -> None:
    """Events, corrections, plans and followers in any step, and damage before it: it ends, and all is equal."""
    random = Random(seed)  # noqa: S311  (a seeded test)
    database = world.platform.database
    for damage in DAMAGE[seed::3]:
        database.write(damage)
    work, step, number = work_of(world), Step("", 0), 0
    while not step.finished:
        step, number = work.step(step.cursor, unsaved), number + 1
        if number < 120 and number % 3 == 0:
            lives_on(world, random, number)
    assert '"due":0' not in step.words
    assert rebuilt(world.platform).equal


def test_the_comparison_is_as_of_one_moment(world: World) -> None:
    """What is recorded, planned and even lost while it is compared is no difference yet; the next one sees it."""
    rebuilt(world.platform, swap=True)
    work = work_of(world, swap=False)
    step = compared(work)
    before = world.health().facts
    world.take(*registered(iin(50), LONG_AGO), card(iin(50), "2026-12-20"))
    world.plan()
    world.platform.replay.follower.drain()
    world.platform.database.write(lambda connection: connection.execute(delete(tables.due)))
    while not step.finished:
        step = work.step(step.cursor, unsaved)
    assert f'"position":{before},' in step.words
    assert '"due":0' in step.words
    assert rebuilt(world.platform).differences["due"] > 0


def test_a_paused_comparison_holds_nothing(world: World) -> None:
    """Paused while it compares, a rebuild keeps no transaction: its shadow can be dropped, or it goes on."""
    work = work_of(world)
    step = compared(work)
    work.rest()
    again = work_of(world)
    while not step.finished:
        step = again.step(step.cursor, unsaved)
    assert rebuilt(world.platform).equal
    work = work_of(world)
    compared(work)
    work.rest()
    assert shadow.drop(world.platform.database)


def test_cancelled_while_it_compares_the_live_views_are_untouched(world: World) -> None:
    """Whoever cancels a comparison has the views as they were, what differs included, and no shadow is left."""
    jobs, work = world.platform.queues.jobs, work_of(world)
    id_ = jobs.add("replay views", Lane.VIEWS, {}, Plan("rebuild", 1, "facts", 1), "olga").id

    def cancel(job: Job) -> None:
        if job.unit == ROWS and job.state is JobState.RUNNING:
            jobs.cancel(id_, work_of(world))

    assert jobs.run(id_, work, cancel).state is JobState.CANCELLED
    assert rows(world, tables.due) == 0
    assert not shadow.drop(world.platform.database)


def test_cancelled_at_its_end_nothing_is_mended(world: World) -> None:
    """A cancel that comes just before the views are mended undoes the mending."""
    work, step = work_of(world), Step("", 0)

    def cancelled(_: Connection, __: Step) -> None:
        raise Stopped

    with suppress(Stopped):
        while True:
            step = work.step(step.cursor, cancelled)
    assert rows(world, tables.due) == 0
    work.abandon()


def test_what_differs_alone_is_looked_at_while_nobody_writes(tmp_path: Path) -> None:
    """The statements that mend go by the keys that were kept: none reads a whole view, so none grows with the log."""
    database = Database(f"sqlite:///{tmp_path}/log.sqlite")
    migrate(database)
    views = shadow.make(database, "ours")
    plans: list[str] = []

    class Explained:
        """A connection that tells how each statement would be done."""

        def exec_driver_sql(self, statement: str) -> "Explained":
            with shadow.reading_both(database, views) as connection:
                plans.extend(row[3] for row in connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}"))
            return self

        def scalar_one(self) -> int:
            return 0

    for table in COMPARED:
        for look in (mend, unmended):
            look(Explained(), shadow.SchemaNames("main", "shadow"), table)  # type: ignore[arg-type]
    assert {plan for plan in plans if plan.startswith("SCAN")} == {"SCAN kept"}
    views.close()
    database.close()
