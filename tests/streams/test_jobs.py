"""Jobs: what one process does at a time, what survives it, and who may stop it."""

import signal
from collections.abc import Callable, Iterator
from datetime import timedelta

import pytest
from sqlalchemy import Connection
from sqlalchemy.exc import OperationalError

from app.clock import VirtualClock
from streams.database import Database
from streams.job_book import Jobs
from streams.jobs import Busy, Job, JobFailed, NotNow, State, UnknownJob
from streams.turns import Lane, turn
from tests.streams.storing import NOW
from tests.streams.working import Counting


@pytest.fixture
def clock() -> VirtualClock:
    """The clock of the jobs."""
    return VirtualClock(NOW)


@pytest.fixture
def jobs(database: Database, clock: VirtualClock) -> Jobs:
    """The book of a new database."""
    return Jobs(database, clock)


@pytest.fixture
def work(database: Database) -> Counting:
    """Counts to three."""
    return Counting(database)


@pytest.fixture
def elsewhere(url: str, database: Database, clock: VirtualClock) -> Iterator[Jobs]:  # noqa: ARG001  (it makes the tables)
    """The same book as another process has it."""
    other = Database(url)
    yield Jobs(other, clock)
    other.close()


def asked(jobs: Jobs, work: Counting) -> int:
    """A new job; its number."""
    return jobs.add("count", Lane.VIEWS, {"upto": work.upto}, work.plan(), "olga").id


def silent(_: Job) -> None:
    """Nobody looks at the progress."""


def test_a_job_runs_to_its_end(jobs: Jobs, work: Counting, clock: VirtualClock) -> None:
    """Its row says who asked, what, how far it came at each step, what came of it and how fast it was."""
    seen: list[int] = []
    work.meanwhile.extend([lambda: clock.advance_to(clock() + timedelta(seconds=2))] * 3)

    done = jobs.run(asked(jobs, work), work, lambda job: seen.append(job.done))

    assert (done.state, done.done, done.of, done.unit, done.words) == (State.DONE, 3, 3, "numbers", "counted")
    assert (done.kind, done.asked_by, done.arguments, done.asked_at) == ("count", "olga", {"upto": 3}, NOW)
    assert seen == [1, 2, 3]
    assert (done.worked, jobs.measured("count")) == (timedelta(seconds=6), 0.5)
    assert jobs.measured("other") is None


def test_a_paused_job_goes_on_where_it_stopped(jobs: Jobs, elsewhere: Jobs, work: Counting) -> None:
    """Whoever pauses it, in whichever process, stops it after the step under way; another process goes on."""
    id_ = asked(jobs, work)
    work.meanwhile.append(lambda: elsewhere.pause(id_))

    paused = jobs.run(id_, work, silent)

    assert (paused.state, paused.done, work.counted) == (State.PAUSED, 1, 1)
    assert elsewhere.run(id_, work, silent).state is State.DONE
    assert work.counted == 3


def test_a_cancelled_job_undoes_its_step_and_leaves_nothing(jobs: Jobs, elsewhere: Jobs, work: Counting) -> None:
    """Of a job that is cancelled while a step is under way, that step is rolled back; it is never taken up again."""
    id_ = asked(jobs, work)
    work.meanwhile.extend([lambda: None, lambda: elsewhere.cancel(id_, work)])

    assert jobs.run(id_, work, silent).state is State.CANCELLED

    assert (work.counted, work.abandoned) == (1, 1), "by whoever was at work"
    wishes: list[Callable[[], Job]] = [
        lambda: jobs.run(id_, work, silent), lambda: jobs.cancel(id_, work), lambda: jobs.pause(id_)
    ]  # fmt: skip
    for wish in wishes:
        with pytest.raises(NotNow, match="it is cancelled"):
            wish()
    assert jobs.latest(5)[0].state is State.CANCELLED


def test_who_cancels_a_job_that_nobody_works_at_cleans_up(jobs: Jobs, work: Counting) -> None:
    """What a paused job left behind goes with its cancelling."""
    id_ = asked(jobs, work)
    jobs.pause(id_)
    jobs.cancel(id_, work)
    assert work.abandoned == 1
    jobs.refuse_second(Lane.VIEWS)


def test_the_second_operator_is_refused_and_told_why(jobs: Jobs, elsewhere: Jobs, work: Counting) -> None:
    """While a job is under way no other one of its lane begins, nor is it taken up twice; others may."""
    id_ = asked(jobs, work)
    refused: list[str] = []

    def meanwhile() -> None:
        for wish in (
            lambda: elsewhere.refuse_second(Lane.VIEWS), lambda: asked(elsewhere, work),
            lambda: elsewhere.run(id_, work, silent),
        ):  # fmt: skip
            with pytest.raises(Busy, match=rf"job {id_} \(count, asked for by olga\)") as found:
                wish()
            refused.append(str(found.value))
        elsewhere.refuse_second(Lane.KAFKA)

    work.meanwhile.append(meanwhile)
    assert jobs.run(id_, work, silent).state is State.DONE
    assert len(refused) == 3
    assert "is at work (0 of 3 numbers)" in refused[0]


def test_a_job_whose_process_died_is_found_and_taken_up(jobs: Jobs, elsewhere: Jobs, work: Counting) -> None:
    """A job that is running with nobody at work is in the way of a new one, which says what to do; it is resumed."""

    def die() -> None:
        raise SystemExit

    id_ = asked(jobs, work)
    work.meanwhile.extend([lambda: None, die])
    with pytest.raises(SystemExit):
        jobs.run(id_, work, silent)

    left = elsewhere.job(id_)
    assert (left.state, left.done, elsewhere.at_work(left)) == (State.RUNNING, 1, False)
    with pytest.raises(Busy, match=f"has lost its process; `habarshy jobs resume {id_}` goes on"):
        elsewhere.refuse_second(Lane.VIEWS)
    assert elsewhere.run(id_, work, silent).state is State.DONE
    assert work.counted == 3


def test_who_lost_a_job_writes_nothing_more(jobs: Jobs, work: Counting) -> None:
    """A process that was taken for dead, and comes back, cannot go on beside the one that has taken over."""
    id_ = asked(jobs, work)

    def taken_over() -> None:
        """Which only happens where a server ended the first one's lock."""
        jobs._claim(id_)

    work.meanwhile.append(taken_over)
    with pytest.raises(Busy, match="another process has taken"):
        jobs.run(id_, work, silent)
    assert work.counted == 0
    assert jobs.job(id_).state is State.RUNNING


def test_a_failure_is_kept_in_words_that_hold_no_data(jobs: Jobs, work: Counting) -> None:
    """A defect fails the job by the name of its exception alone; it may be resumed, and is in nobody's way."""

    def fail() -> None:
        raise ValueError("Айгерім 900101300017")

    id_ = asked(jobs, work)
    work.meanwhile.extend([lambda: None, fail])
    with pytest.raises(ValueError, match="900101300017"):
        jobs.run(id_, work, silent)

    failed = jobs.job(id_)
    assert (failed.state, failed.done, failed.words) == (State.FAILED, 1, "ValueError")
    jobs.refuse_second(Lane.VIEWS)
    assert jobs.run(id_, work, silent).words == "counted"


def test_a_database_without_room_is_told_in_a_sentence(jobs: Jobs, work: Counting) -> None:
    """What the database says of itself ends the job, with how to go on."""

    def full() -> None:
        raise OperationalError("INSERT …", None, Exception("database or disk is full"))

    id_ = asked(jobs, work)
    work.meanwhile.append(full)
    with pytest.raises(JobFailed, match=f"database or disk is full.*jobs resume {id_}"):
        jobs.run(id_, work, silent)
    assert (jobs.job(id_).state, jobs.job(id_).words) == (State.FAILED, "database or disk is full")


def test_an_interrupted_job_is_paused(jobs: Jobs, work: Counting) -> None:
    """Ctrl-C ends the process and pauses the job."""
    id_ = asked(jobs, work)
    work.meanwhile.append(lambda: signal.raise_signal(signal.SIGINT))
    before = signal.signal(signal.SIGINT, signal.default_int_handler)  # who runs in the background ignores it

    stopped = jobs.run(id_, work, silent)

    signal.signal(signal.SIGINT, before)

    assert (stopped.state, stopped.words, stopped.done) == (State.PAUSED, "interrupted", 0)
    assert jobs.run(id_, work, silent).state is State.DONE


def test_a_step_is_kept_with_what_it_wrote_or_not_at_all(jobs: Jobs, work: Counting, database: Database) -> None:
    """Where the transaction of a step is not committed, neither its effects nor its cursor are there."""

    def cut(_: Connection) -> None:
        raise SystemExit

    id_ = asked(jobs, work)
    work.meanwhile.append(lambda: database.write(cut))
    with pytest.raises(SystemExit):
        jobs.run(id_, work, silent)
    assert (work.counted, jobs.job(id_).cursor) == (0, "")


def test_unknown_jobs_are_named(jobs: Jobs, work: Counting) -> None:
    """To pause, resume, cancel or show what is not there says so."""
    for wish in (jobs.job, jobs.pause, lambda id_: jobs.cancel(id_, work), lambda id_: jobs.run(id_, work, silent)):
        with pytest.raises(UnknownJob, match="no job 7"):
            wish(7)


def test_a_turn_is_one_process_s(database: Database, url: str) -> None:
    """Of two that want a turn one has it; the other one has it afterwards, and nothing is left of it."""
    other = Database(url)
    with turn(database, Lane.VIEWS) as first, turn(other, Lane.VIEWS) as second, turn(other, Lane.KAFKA) as third:
        assert (first, second, third) == (True, False, True)
    with turn(other, Lane.VIEWS) as later:
        assert later
    other.close()
