"""The role jobs: it does what was asked for, and goes on where another process died."""

import signal
from contextlib import closing
from datetime import timedelta
from pathlib import Path

import pytest
from msgspec import to_builtins
from sqlalchemy import URL, update

from app.clock import VirtualClock, system_clock
from app.compose import compose
from app.jobs.job_threads import MOST_DEATHS, UNATTENDED, JobControl, JobThreads
from app.jobs.kinds import work_of
from app.scheduled import schedule_of
from app.settings import load_settings
from streams.queues.jobs import Job, JobState, NotNow
from streams.replay.repair import GapFilter
from streams.storage.database import Database
from streams.storage.leadership import Attendance, attended
from streams.storage.tables import jobs as rows
from tests.app.killing import killed
from tests.app.terminal import Terminal
from tests.services import postgres
from tests.streams.distributed import eventually
from tests.world import NOON, World, card, iin, registered

PEOPLE = 6


@pytest.fixture
def workers(world: World) -> JobThreads:
    """A process of the role, on a log with some people whose plans are missing."""
    for number in range(1, PEOPLE + 1):
        world.take(*registered(iin(number)), card(iin(number), "2025-07-20", f"N{number}"))
    return JobThreads(world.platform)


def asked(world: World, kind: str = "repair") -> Job:
    """A job that somebody asked for."""
    return JobControl(world.platform).ask(kind, to_builtins(GapFilter()) if kind == "repair" else {}, "olga")


def test_who_asks_only_asks(world: World, workers: JobThreads) -> None:
    """What is asked for waits, and says that nobody is there; a process of the role counts it, and does it."""
    jobs, job_control = world.platform.queues.jobs, JobControl(world.platform)
    job = asked(world)
    assert (job.state, job.waits, job_control.note(job), jobs.has_lost_process(job)) == (
        JobState.COUNTING,
        True,
        UNATTENDED,
        False,
    )
    assert job_control.after_a_moment(job.id) == job
    workers.start_waiting()
    workers.wait()
    counted = jobs.job(job.id)
    assert (counted.state, counted.waits, world.nudges()) == (JobState.COUNTED, False, [])
    confirmed = job_control.confirm(job.id, counted.of, "oleg")
    assert (confirmed.waits, job_control.note(confirmed)) == (True, ""), "somebody is there"
    workers.start_waiting()
    workers.wait()
    assert (jobs.job(job.id).state, len(world.nudges())) == (JobState.DONE, counted.of)
    workers.stop()


def test_a_job_that_somebody_wrote_into_the_database_is_given_up(world: World, workers: JobThreads) -> None:
    """The role does nothing of it, and says why; the next job goes on."""
    job, jobs = asked(world), world.platform.queues.jobs
    values = {"state": "planned", "confirmed_by": "oleg"}
    world.platform.database.write(lambda connection: connection.execute(update(rows).values(values)))
    workers.start_waiting()
    workers.wait()
    forged = jobs.job(job.id)
    assert (forged.state, world.nudges()) == (JobState.FAILED, [])
    assert "carries no code of this platform" in forged.words
    again = asked(world)
    workers.start_waiting()
    workers.wait()
    assert jobs.job(again.id).state is JobState.COUNTED
    workers.stop()


def test_a_killed_job_is_finished_by_another_process_from_its_last_step(
    world: World, workers: JobThreads, tmp_path: Path
) -> None:
    """What a process that is killed (-9) leaves in the midst is gone on with by the role, behind its last step."""
    jobs = world.platform.queues.jobs
    job = asked(world)
    killed(world, tmp_path, job.id, 3)
    left = jobs.job(job.id)
    assert (left.state, left.done, left.waits, left.deaths) == (JobState.COUNTING, 2, False, 0)
    world.platform.replay.repair.batch = 1
    workers.start_waiting()
    workers.wait()
    counted = jobs.job(job.id)
    assert (counted.state, counted.claim) == (JobState.COUNTED, 2)
    JobControl(world.platform).confirm(job.id, counted.of, "oleg")
    killed(world, tmp_path, job.id, 2)
    assert (jobs.job(job.id).state, jobs.job(job.id).done > 0) == (JobState.RUNNING, True)
    workers.start_waiting()
    workers.wait()
    assert (jobs.job(job.id).state, len(world.nudges()), jobs.job(job.id).deaths) == (JobState.DONE, counted.of, 0)
    workers.stop()


def test_a_job_that_kills_its_processes_is_given_up(world: World, workers: JobThreads, tmp_path: Path) -> None:
    """A step over which several processes died is not tried for ever: the job fails, and says why."""
    jobs = world.platform.queues.jobs
    job = asked(world)
    for _ in range(MOST_DEATHS + 1):
        killed(world, tmp_path, job.id, 1)
    workers.start_waiting()
    workers.wait()
    found = jobs.job(job.id)
    assert (found.state, found.words) == (JobState.FAILED, f"{MOST_DEATHS} processes died over this step")
    JobControl(world.platform).resume(job.id)
    workers.start_waiting()
    workers.wait()
    assert jobs.job(job.id).state is JobState.COUNTED
    workers.stop()


def test_a_process_that_stops_gives_its_job_back(world: World, workers: JobThreads) -> None:
    """Asked to stop, a process ends its present step, and another one goes on behind it."""
    jobs, on = world.platform.queues.jobs, world.platform
    job = asked(world)
    on.replay.repair.batch = 1
    steps: list[int] = []

    def leave() -> bool:
        steps.append(jobs.job(job.id).done)
        return len(steps) > 2

    given_back = jobs.take(job, work_of(on, job), leave)
    assert (given_back.state, given_back.waits, given_back.done) == (JobState.COUNTING, True, 2)
    workers.start_waiting()
    workers.wait()
    assert (jobs.job(job.id).state, jobs.job(job.id).deaths) == (JobState.COUNTED, 0)
    workers.stop()


def test_what_was_paused_meanwhile_is_not_taken_up(world: World, workers: JobThreads) -> None:
    """A job that somebody paused after a process saw it waiting stays paused; gone on with, it is taken up."""
    jobs, job_control = world.platform.queues.jobs, JobControl(world.platform)
    seen = asked(world)
    jobs.pause(seen.id)
    with pytest.raises(NotNow, match="taken up"):
        jobs.take(seen, work_of(world.platform, seen), lambda: False)
    workers.start_waiting()
    workers.wait()
    assert jobs.job(seen.id).state is JobState.PAUSED
    job_control.resume(seen.id)
    workers.start_waiting()
    workers.wait()
    assert jobs.job(seen.id).state is JobState.COUNTED
    workers.stop()


def attending(database: Database, other: Database) -> None:
    """Others see a process of the role as long as it is there."""
    assert not attended(other)
    first, second = Attendance(database), Attendance(database)
    first.keep()
    first.keep()
    second.keep()
    first.release()
    assert attended(other)
    second.release()
    eventually(lambda: not attended(other))


def test_others_see_whether_the_role_is_there(world: World, server: URL) -> None:
    """On either database it is seen while one of several processes lives."""
    with closing(Database(world.platform.settings.database)) as other:
        attending(world.platform.database, other)
    with postgres.fresh(server) as at:
        url = at.render_as_string(hide_password=False)
        with closing(Database(url)) as database, closing(Database(url)) as other:
            attending(database, other)


def test_the_log_is_verified_by_the_schedule(tmp_path: Path) -> None:
    """The schedule asks for an audit, which a process of the role does."""
    terminal = Terminal(tmp_path)
    assert terminal.run("run", "--until-idle", "--clock", NOON.isoformat()).code == 0
    data, clock = tmp_path / "data" / "habarshy", VirtualClock(NOON)
    platform = compose(load_settings(database=f"sqlite:///{data / 'habarshy.sqlite'}", key_file=data / "key"), clock)
    with closing(platform.database):
        platform.runtime.chain_builder.finish()
        kept = schedule_of(platform)
        kept.take_up()
        clock.advance_to(NOON + timedelta(days=7))
        kept.run("verify", lambda: False)
        [job] = platform.queues.jobs.latest(5)
        assert (job.kind, job.waits, job.asked_by) == ("audit verify", True, "schedule")
        workers = JobThreads(platform)
        workers.start_waiting()
        workers.wait()
        workers.stop()
        assert platform.queues.jobs.job(job.id).state is JobState.DONE


def test_habarshy_jobs_works_until_it_is_stopped(tmp_path: Path) -> None:
    """The command takes up what waits, answers on its health port, and ends well when it is asked to."""
    terminal = Terminal(tmp_path)
    assert terminal.run("run", "--until-idle", "--clock", NOON.isoformat()).code == 0
    data = tmp_path / "data" / "habarshy"
    platform = compose(
        load_settings(database=f"sqlite:///{data / 'habarshy.sqlite'}", key_file=data / "key"), system_clock
    )
    with closing(platform.database):
        job_control, jobs = JobControl(platform), platform.queues.jobs
        job = job_control.ask("replay verify", {}, "olga")
        listed = terminal.run("jobs", "list")
        assert (listed.code, UNATTENDED in listed.lines[0]) == (0, True)
        running = terminal.start("jobs")
        try:
            eventually(lambda: jobs.job(job.id).state is JobState.COUNTED)
            assert attended(platform.database)
        finally:
            running.send_signal(signal.SIGTERM)
            _, said = running.communicate(timeout=60)
    assert (running.returncode, b"working at jobs" in said, b"stopped" in said) == (0, True, True), said
