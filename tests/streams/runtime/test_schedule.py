"""The schedule: each job once at its time, what was missed once, and how it ended is known."""

import asyncio
import threading
from collections.abc import Callable, Sequence
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from app.clock import VirtualClock
from streams.planning.areas import AreaPlanning
from streams.runtime.cron import BadCron, next_after, trigger_of
from streams.runtime.schedule import Run, RunOutcome, Schedule, Scheduled, Stopping, UnderWay, Unfinished, runs_of
from streams.runtime.timetable import Timetable
from streams.runtime.upkeep import Upkeep, UpkeepParts
from tests.streams.storing import PATIENCE
from tests.world import NOON, World

ALMATY = ZoneInfo("Asia/Almaty")
HOUR, DAY = timedelta(hours=1), timedelta(days=1)
NIGHT = "30 3 * * *"


class Job:
    """A job that counts its runs, and does what it is told to."""

    def __init__(self) -> None:
        self.runs, self.does = 0, list[Callable[[], None]]()

    def __call__(self, _: Stopping) -> None:
        self.runs += 1
        if self.does:
            self.does.pop(0)()


def schedule(
    world: World, job: Callable[[Stopping], object], cron: str = NIGHT, told: list[str] | None = None
) -> Schedule:
    """A schedule with one job, by name `night`, as a new process has it."""
    tell = ([] if told is None else told).append
    return Schedule(world.platform.database, world.clock, {"night": Scheduled(cron, job)}, lambda: ALMATY, tell)


def work(kept: Schedule) -> None:
    """Run what is due when a process takes the schedule up."""
    for name in kept.take_up():
        kept.run(name, lambda: False)


def row(world: World) -> Run:
    """The row of the job."""
    [found] = runs_of(world.platform.database)
    return found


def test_a_job_runs_at_its_time(world: World) -> None:
    """At its time it runs once, and its row says when, for how long, how it ended and when it runs next."""
    job = Job()
    kept = schedule(world, job)
    work(kept)
    first = datetime(2025, 6, 2, 22, 30, tzinfo=UTC)
    assert (job.runs, row(world).next_at) == (0, first), "03:30 in Almaty"
    kept.run("night", lambda: False)
    assert job.runs == 0, "it is not due yet"
    job.does.append(lambda: world.at(first + HOUR))
    world.at(first)
    kept.run("night", lambda: False)
    kept.run("night", lambda: False)
    assert job.runs == 1
    expected = Run("night", NIGHT, first + DAY, first, HOUR, RunOutcome.DONE, done_at=first + HOUR)
    assert row(world) == expected


def test_what_was_missed_is_caught_up_once(world: World) -> None:
    """After three days without a process it runs once, and again in the night after."""
    job = Job()
    work(schedule(world, job))
    world.at(NOON + 3 * DAY)
    kept = schedule(world, job)
    work(kept)
    work(kept)
    assert job.runs == 1
    world.at(NOON + 4 * DAY)
    work(kept)
    assert job.runs == 2


def test_a_job_whose_process_died_is_begun_again_once(world: World) -> None:
    """What dies over a job is told of as a failure; the job is begun once more, and then at its next time only."""

    def die() -> None:
        raise KeyboardInterrupt  # as a killed process, which notes nothing

    job = Job()
    job.does = [die, die]
    work(schedule(world, job))
    world.at(NOON + DAY)
    for expected in (RunOutcome.RUNNING, RunOutcome.AGAIN):
        with pytest.raises(KeyboardInterrupt):
            work(schedule(world, job))
        assert row(world).outcome == expected
    work(schedule(world, job))
    assert (job.runs, row(world).outcome, row(world).failures) == (2, RunOutcome.DIED, 2)
    world.at(NOON + 2 * DAY)
    work(schedule(world, job))
    assert (job.runs, row(world).outcome) == (3, RunOutcome.DONE)


def test_a_failure_is_noted_without_data(world: World) -> None:
    """Of an error that is not ours only the class is kept; it counts, and the job runs in the next night."""
    job, told = Job(), list[str]()

    def fail() -> None:
        raise LookupError("somebody's data")

    job.does.append(fail)
    kept = schedule(world, job, told=told)
    work(kept)
    world.at(NOON + DAY)
    work(kept)
    found = row(world)
    assert (found.outcome, found.error, found.words, found.failures) == (RunOutcome.FAILED, "LookupError", "", 1)
    assert told == ["night failed: LookupError"]
    world.at(NOON + 2 * DAY)
    work(kept)
    assert (row(world).outcome, row(world).error, row(world).failures) == (RunOutcome.DONE, "", 1)


def test_what_was_stopped_goes_on_at_the_next_start(world: World) -> None:
    """A job that ends early because its process stops is due again at once."""
    job = Job()

    def leave() -> None:
        raise Unfinished

    job.does.append(leave)
    work(schedule(world, job))
    world.at(NOON + DAY)
    work(schedule(world, job))
    assert (row(world).outcome, row(world).failures) == (RunOutcome.STOPPED, 0)
    work(schedule(world, job))
    assert (job.runs, row(world).outcome) == (2, RunOutcome.DONE)


def test_a_job_that_was_asked_for_runs_at_the_next_look(world: World) -> None:
    """Whoever keeps the schedule runs what somebody asked for, also what has no time of its own, and only once."""
    for cron, later in ((NIGHT, True), ("never", False)):
        job = Job()
        kept = schedule(world, job, cron)
        work(kept)
        kept.run_due(lambda: False)
        assert job.runs == 0
        asked = schedule(world, Job(), cron).ask("night")
        for _ in range(2):
            kept.run_due(lambda: False)
        assert (job.runs, row(world).started_at, row(world).outcome) == (1, asked, RunOutcome.DONE)
        assert (row(world).next_at is not None) is later


def test_what_runs_is_not_asked_for_again(world: World) -> None:
    """A job that is under way is not begun by somebody who asks for it meanwhile."""
    job = Job()
    kept = schedule(world, job)
    work(kept)

    def ask() -> None:
        with pytest.raises(UnderWay):
            schedule(world, Job()).ask("night")

    job.does.append(ask)
    kept.ask("night")
    kept.run_due(lambda: False)
    assert (job.runs, row(world).outcome) == (1, RunOutcome.DONE)


def test_what_another_process_runs_now_is_not_taken_for_dead(world: World) -> None:
    """A process that takes the schedule up meanwhile leaves the run alone; one whose process died is begun again."""
    job = Job()
    keeper = schedule(world, Job())

    def take_up() -> None:
        assert (keeper.take_up(), row(world).outcome) == ([], RunOutcome.RUNNING)
        with pytest.raises(UnderWay):
            schedule(world, job).run_now("night", lambda: False)

    job.does.append(take_up)
    assert schedule(world, job).run_now("night", lambda: False).outcome == RunOutcome.DONE
    assert (job.runs, keeper.take_up(), row(world).outcome) == (1, [], RunOutcome.DONE)


def test_another_schedule_counts_from_its_start(world: World) -> None:
    """A changed expression has its own next time, and `never` has none."""
    job = Job()
    work(schedule(world, job))
    work(schedule(world, job, "0 18 * * *"))
    assert row(world).next_at == datetime(2025, 6, 2, 13, tzinfo=UTC)
    world.at(NOON + 3 * DAY)
    work(schedule(world, job, "never"))
    assert (job.runs, row(world).next_at) == (0, None)


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("03:30", "it has 1 fields of 5"),
        ("30 3 * * 1", "a weekday is a name"),
        ("61 3 * * *", "minimum|maximum|higher"),
        ("30 3 31 feb *", "there is no such day"),
        ("a b c d e", "Invalid month name"),
    ],
)
def test_a_schedule_that_is_none_is_refused(text: str, problem: str) -> None:
    """The error says what is wrong with it, and how one is written."""
    with pytest.raises(BadCron, match=problem) as refused:
        trigger_of(text)
    assert "write minute, hour, day, month and weekday" in str(refused.value)


def test_weekdays_are_those_of_the_calendar() -> None:
    """`sun` is Sunday."""
    trigger = trigger_of("0 0 * * sun", UTC)
    assert trigger is not None
    found = next_after(trigger, NOON)
    assert found is not None
    assert found.strftime("%a") == "Sun"


@pytest.mark.parametrize("zone", ["Asia/Almaty", "Europe/Berlin", "America/New_York", "Australia/Lord_Howe"])
@pytest.mark.parametrize("cron", ["7 * * * *", "30 1 * * *", "30 2 * * *", "0 0 * * *", "30 3 * * sun"])
def test_the_next_time_is_always_ahead(zone: str, cron: str) -> None:
    """In a year in which clocks are set back and forward no run follows itself, and a nightly job runs each night."""
    trigger, at, days = trigger_of(cron, ZoneInfo(zone)), datetime(2024, 1, 1, 12, tzinfo=UTC), list[date]()
    assert trigger is not None
    while at < datetime(2025, 1, 1, tzinfo=UTC):
        found = next_after(trigger, at)
        assert found is not None
        assert found > at
        at = found
        days.append(at.astimezone(ZoneInfo(zone)).date())
    apart = timedelta(days=7 if cron.endswith("sun") else 1)
    assert sorted(set(days)) == [days[0] + number * apart for number in range(len(set(days)))]
    assert cron.startswith("7") or len(days) == len(set(days)), "once a night"


def test_a_clock_that_was_ahead_holds_no_job_up(world: World) -> None:
    """A job whose next time was set by a clock that was a year ahead runs once as soon as the clock is right."""
    job = Job()
    work(schedule(world, job))
    ahead = VirtualClock(NOON + 365 * DAY)
    wrong = Schedule(
        world.platform.database, ahead, {"night": Scheduled(NIGHT, job)}, lambda: ALMATY, list[str]().append
    )
    work(wrong)
    assert job.runs == 1
    kept = schedule(world, job)
    kept.run_due(lambda: False)
    kept.run_due(lambda: False)
    assert (job.runs, row(world).next_at) == (2, datetime(2025, 6, 2, 22, 30, tzinfo=UTC))


class NoAreas(AreaPlanning):
    """There is no area event."""

    def turn(self, *, leads: bool = True) -> bool:  # noqa: ARG002  (the signature)
        return False


async def test_the_upkeep_runs_what_is_due_one_after_the_other(world: World) -> None:
    """Who takes the upkeep up catches up what was missed, one job after the other, and waits for it at a stop."""
    on, begun, end = world.platform, threading.Event(), threading.Event()
    said: list[str] = []

    def first(_: Stopping) -> None:
        said.append("first begins")
        begun.set()
        end.wait(PATIENCE)
        said.append("first ends")

    jobs = {"first": Scheduled(NIGHT, first), "second": Scheduled(NIGHT, lambda _: said.append("second"))}
    kept = Schedule(on.database, world.clock, jobs, lambda: UTC, said.append)
    kept.take_up()
    world.at(NOON + DAY)
    upkeep, stopped, table = Upkeep(on.database, parts(world, kept)), asyncio.Event(), Timetable()
    going = asyncio.create_task(table.until(upkeep.tasks(table), stopped, upkeep.stop, upkeep.close))
    await asyncio.to_thread(begun.wait, PATIENCE)
    stopped.set()
    await asyncio.sleep(0)
    assert said == ["first begins"]
    end.set()
    await asyncio.wait_for(going, PATIENCE)
    assert said == ["first begins", "first ends"], "nothing more is begun once it is stopped"
    assert [run.outcome for run in runs_of(on.database)] == [RunOutcome.DONE, RunOutcome.NONE]


def parts(world: World, kept: Schedule) -> UpkeepParts:
    """The parts of the upkeep, with that schedule."""
    on = world.platform
    none = NoAreas(on.database, on.log, on.rules.library, on.planning.planning, on.queues.dead_letter_queue, on.clock)
    told: Sequence[str] = []
    return UpkeepParts(
        none,
        on.replay.follower,
        on.runtime.chain_builder,
        on.planning.reconciler,
        on.queries.backlog,
        kept,
        list(told).append,
    )
