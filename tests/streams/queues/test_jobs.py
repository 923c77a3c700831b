"""Jobs: what one process does at a time, what survives it, and who may stop it."""

import signal
from collections.abc import Callable, Iterator, Mapping
from datetime import timedelta

import pytest
from sqlalchemy import Connection, update
from sqlalchemy.exc import OperationalError

from app.clock import VirtualClock
from domain.core.translatable import Said
from projections import governance
from streams.queues.job_store import Jobs
from streams.queues.jobs import (
    Busy,
    ForgedJob,
    Job,
    JobFailed,
    JobState,
    NothingToDo,
    NotNow,
    Stale,
    UnknownJob,
    plan_of,
)
from streams.storage.database import Database
from streams.storage.leadership import Lane, job_lock
from streams.storage.tables import jobs as rows
from tests.streams.storing import CODES, NOW
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
    other.use_codes(CODES)
    yield Jobs(other, clock)
    other.close()


def asked(jobs: Jobs, work: Counting) -> int:
    """A new job; its number."""
    return jobs.add("count", Lane.VIEWS, {"upto": work.upto}, plan_of(work), "olga").id


def silent(_: Job) -> None:
    """Nobody looks at the progress."""


def test_a_job_runs_to_its_end(jobs: Jobs, work: Counting, clock: VirtualClock) -> None:
    """Its row says who asked, what, how far it came at each step, what came of it and how fast it was."""
    seen: list[int] = []
    work.meanwhile.extend([lambda: clock.advance_to(clock() + timedelta(seconds=2))] * 3)

    done = jobs.run(asked(jobs, work), work, lambda job: seen.append(job.done))

    assert (done.state, done.done, done.of, done.unit, done.words) == (JobState.DONE, 3, 3, "numbers", "counted")
    assert (done.kind, done.asked_by, done.arguments, done.asked_at) == ("count", "olga", {"upto": 3}, NOW)
    assert seen == [1, 2, 3]
    assert (done.worked, jobs.measured("count")) == (timedelta(seconds=6), 0.5)
    assert jobs.measured("other") is None


FORGED: Mapping[str, Mapping[str, object]] = {
    "another order": {"arguments": '{"upto":9}'},
    "another asker": {"asked_by": "somebody"},
    "another confirmation": {"confirmed_by": "somebody"},
    "another kind": {"kind": "erase"},
    "no code": {"code": None},
}


@pytest.mark.parametrize("changed", FORGED)
def test_a_job_that_our_processes_did_not_write_is_not_begun(
    jobs: Jobs, work: Counting, database: Database, changed: str
) -> None:
    """Whoever can write to the database and has no key gives no orders, and changes none."""
    id_ = asked(jobs, work)
    database.write(lambda connection: connection.execute(update(rows).values(FORGED[changed])))
    with pytest.raises(ForgedJob, match="ask for it again"):
        jobs.run(id_, work, silent)
    assert (jobs.job(id_).state, work.counted) == (JobState.PLANNED, 0)


def test_a_count_is_confirmed_by_our_processes_only(jobs: Jobs, work: Counting, database: Database) -> None:
    """To write that a counted job is confirmed begins nothing; to confirm a job that is not ours neither."""
    id_ = jobs.ask("count", Lane.VIEWS, {}, "olga").id
    assert jobs.run(id_, work, silent).state is JobState.COUNTED
    values = {"state": "planned", "confirmed_by": "olga", "waits": True}
    database.write(lambda connection: connection.execute(update(rows).values(values)))
    with pytest.raises(ForgedJob):
        jobs.run(id_, work, silent)
    other = jobs.ask("count", Lane.NUDGES, {}, "olga").id
    assert jobs.run(other, work, silent).state is JobState.COUNTED
    database.write(lambda connection: connection.execute(update(rows).values(asked_by="oleg")))
    with pytest.raises(ForgedJob):
        jobs.confirm(other, 3, "oleg")
    assert work.counted == 0


def test_a_job_that_has_ended_begins_no_more(jobs: Jobs, work: Counting, database: Database) -> None:
    """What was done once is not done again by a change of its row."""
    id_ = asked(jobs, work)
    assert jobs.run(id_, work, silent).state is JobState.DONE
    values = {"state": "planned", "cursor": "", "waits": True}
    database.write(lambda connection: connection.execute(update(rows).values(values)))
    with pytest.raises(ForgedJob):
        jobs.run(id_, work, silent)
    assert work.counted == 3


def test_a_paused_job_goes_on_where_it_stopped(jobs: Jobs, elsewhere: Jobs, work: Counting) -> None:
    """Whoever pauses it, in whichever process, stops it after the step under way; another process goes on."""
    id_ = asked(jobs, work)
    work.meanwhile.append(lambda: elsewhere.pause(id_))

    paused = jobs.run(id_, work, silent)

    assert (paused.state, paused.done, work.counted) == (JobState.PAUSED, 1, 1)
    assert elsewhere.run(id_, work, silent).state is JobState.DONE
    assert work.counted == 3


def test_a_cancelled_job_undoes_its_step_and_leaves_nothing(jobs: Jobs, elsewhere: Jobs, work: Counting) -> None:
    """Of a job that is cancelled while a step is under way, that step is rolled back; it is never taken up again."""
    id_ = asked(jobs, work)
    work.meanwhile.extend([lambda: None, lambda: elsewhere.cancel(id_, work)])

    assert jobs.run(id_, work, silent).state is JobState.CANCELLED

    assert (work.counted, work.abandoned) == (1, 1), "by whoever was at work"
    wishes: list[Callable[[], Job]] = [
        lambda: jobs.run(id_, work, silent),
        lambda: jobs.cancel(id_, work),
        lambda: jobs.pause(id_),
    ]
    for wish in wishes:
        with pytest.raises(NotNow, match="it is cancelled"):
            wish()
    assert jobs.latest(5)[0].state is JobState.CANCELLED


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
            lambda: elsewhere.refuse_second(Lane.VIEWS),
            lambda: asked(elsewhere, work),
            lambda: elsewhere.run(id_, work, silent),
        ):
            with pytest.raises(Busy, match=rf"job {id_} \(count, asked for by olga\)") as found:
                wish()
            refused.append(str(found.value))
        elsewhere.refuse_second(Lane.KAFKA)

    work.meanwhile.append(meanwhile)
    assert jobs.run(id_, work, silent).state is JobState.DONE
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
    assert (left.state, left.done, elsewhere.at_work(left)) == (JobState.RUNNING, 1, False)
    with pytest.raises(Busy, match=f"has lost its process; `habarshy jobs resume {id_}` goes on"):
        elsewhere.refuse_second(Lane.VIEWS)
    assert elsewhere.run(id_, work, silent).state is JobState.DONE
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
    assert jobs.job(id_).state is JobState.RUNNING


def test_a_failure_is_kept_in_words_that_hold_no_data(jobs: Jobs, work: Counting) -> None:
    """A defect fails the job by the name of its exception alone; it may be resumed, and is in nobody's way."""

    def fail() -> None:
        raise ValueError("Айгерім 900101300017")

    id_ = asked(jobs, work)
    work.meanwhile.extend([lambda: None, fail])
    with pytest.raises(ValueError, match="900101300017"):
        jobs.run(id_, work, silent)

    failed = jobs.job(id_)
    assert (failed.state, failed.done, failed.words) == (JobState.FAILED, 1, "ValueError")
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
    assert (jobs.job(id_).state, jobs.job(id_).words) == (JobState.FAILED, "database or disk is full")


def test_an_interrupted_job_is_paused(jobs: Jobs, work: Counting) -> None:
    """Ctrl-C ends the process and pauses the job."""
    id_ = asked(jobs, work)
    work.meanwhile.append(lambda: signal.raise_signal(signal.SIGINT))
    before = signal.signal(signal.SIGINT, signal.default_int_handler)  # who runs in the background ignores it

    stopped = jobs.run(id_, work, silent)

    signal.signal(signal.SIGINT, before)

    assert (stopped.state, stopped.words, stopped.done) == (JobState.PAUSED, "interrupted", 0)
    assert jobs.run(id_, work, silent).state is JobState.DONE


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
    with (
        job_lock(database, Lane.VIEWS) as first,
        job_lock(other, Lane.VIEWS) as second,
        job_lock(other, Lane.KAFKA) as third,
    ):
        assert (first, second, third) == (True, False, True)
    with job_lock(other, Lane.VIEWS) as later:
        assert later
    other.close()


def wished(jobs: Jobs, work: Counting) -> int:
    """A new job that is yet to be counted; its number."""
    return jobs.ask("count", Lane.VIEWS, {"upto": work.upto}, "olga").id


def nothing() -> None:
    """In that look nothing happens."""


def test_a_wish_is_counted_and_waits_for_its_confirmation(jobs: Jobs, work: Counting, clock: VirtualClock) -> None:
    """Counting says how far it is and does nothing; only what is confirmed is done, and by whom is written down."""
    seen: list[tuple[JobState, int, int, str]] = []
    work.looks.extend([lambda: clock.advance_to(clock() + timedelta(seconds=3))] * 2)
    id_ = wished(jobs, work)
    assert (jobs.job(id_).state, jobs.job(id_).confirmed_by) == (JobState.COUNTING, None)

    counted = jobs.run(id_, work, lambda job: seen.append((job.state, job.done, job.of, job.unit)))

    assert seen[:2] == [(JobState.COUNTING, 1, 2, "looks"), (JobState.COUNTING, 2, 2, "looks")]
    assert (counted.state, counted.done, counted.of, counted.unit) == (JobState.COUNTED, 0, 3, "numbers")
    assert counted.counted is not None
    assert (counted.counted.plan.what, counted.counted.took, work.counted) == ("count", 6, 0)
    confirmed = jobs.confirm(id_, 3, "oleg")
    assert (confirmed.state, confirmed.asked_by, confirmed.confirmed_by) == (JobState.PLANNED, "olga", "oleg")
    done = jobs.run(id_, work, silent)
    assert (done.state, done.done, work.counted, done.worked) == (JobState.DONE, 3, 3, timedelta())


def test_counting_goes_on_where_its_process_died(jobs: Jobs, elsewhere: Jobs, work: Counting) -> None:
    """Of a count whose process died every look that was kept is kept; another process takes the others."""

    def die() -> None:
        raise SystemExit

    work.looks.extend([nothing, die, nothing, nothing])
    id_ = wished(jobs, work)
    with pytest.raises(SystemExit):
        jobs.run(id_, work, silent)

    left = elsewhere.job(id_)
    assert (left.state, left.done, elsewhere.has_lost_process(left)) == (JobState.COUNTING, 1, True)
    with pytest.raises(NotNow, match="cannot be confirmed: it is counting"):
        elsewhere.confirm(id_, 3, "oleg")
    with pytest.raises(Busy, match=f"has lost its process; `habarshy jobs resume {id_}` goes on"):
        elsewhere.refuse_second(Lane.VIEWS)
    assert elsewhere.run(id_, work, silent).state is JobState.COUNTED
    assert (work.seen, work.counted) == ([1, 2, 3], 0)


def test_counting_is_paused_and_gone_on_with(jobs: Jobs, elsewhere: Jobs, work: Counting) -> None:
    """A count that was paused is still a count: to go on with it does nothing but count."""
    id_ = wished(jobs, work)
    work.looks.extend([lambda: elsewhere.pause(id_), nothing])
    paused = jobs.run(id_, work, silent)
    assert (paused.state, paused.done) == (JobState.PAUSED, 1)
    assert elsewhere.run(id_, work, silent).state is JobState.COUNTED
    assert (work.seen, work.counted) == ([1, 2], 0)


def test_counting_is_cancelled(jobs: Jobs, elsewhere: Jobs, work: Counting) -> None:
    """Whoever cancels while it is counted ends it after the look under way; others may ask at once."""
    id_ = wished(jobs, work)
    work.looks.extend([nothing, lambda: elsewhere.cancel(id_, work), nothing])
    assert jobs.run(id_, work, silent).state is JobState.CANCELLED
    assert (work.seen, work.abandoned, work.counted) == ([1, 2], 0, 0)
    with pytest.raises(NotNow, match="cannot be confirmed: it is cancelled"):
        jobs.confirm(id_, 3, "olga")
    elsewhere.refuse_second(Lane.VIEWS)


def test_what_was_counted_is_cancelled_and_touches_nothing(jobs: Jobs, work: Counting) -> None:
    """Nothing was done, so nothing is cleaned up: what is there may be another job's."""
    jobs.run(id_ := wished(jobs, work), work, silent)
    assert (jobs.cancel(id_, work).state, work.abandoned) == (JobState.CANCELLED, 0)


def test_nothing_to_do_ends_the_job(jobs: Jobs, work: Counting) -> None:
    """Where there is nothing, that is what came of it, and how fast others were is not forgotten by it."""

    def none() -> None:
        raise NothingToDo(Said("7 looks"))

    work.looks.extend([nothing, none])
    ended = jobs.run(wished(jobs, work), work, silent)
    assert (ended.state, ended.words) == (JobState.DONE, "There is nothing to do: 7 looks looked at.")
    assert (jobs.measured("count"), work.counted) == (None, 0)


def test_two_operators_ask(jobs: Jobs, elsewhere: Jobs, work: Counting) -> None:
    """While one is counted another is refused and told why; what waits for its confirmation is in nobody's way."""
    refused: list[str] = []

    def other() -> None:
        with pytest.raises(Busy) as found:
            wished(elsewhere, work)
        refused.append(str(found.value))

    work.looks.append(other)
    first = wished(jobs, work)
    jobs.run(first, work, silent)
    assert "asked for by olga) is being counted" in refused[0]
    second = elsewhere.ask("count", Lane.VIEWS, {}, "oleg").id
    assert elsewhere.run(second, work, silent).state is JobState.COUNTED
    elsewhere.confirm(second, 3, "oleg")
    with pytest.raises(Busy, match=f"job {second} .* is planned"):
        jobs.confirm(first, 3, "olga")


def test_a_plan_is_confirmed_once(jobs: Jobs, elsewhere: Jobs, work: Counting) -> None:
    """Whoever confirms it second, before, while or after it runs, is told how it stands."""
    jobs.run(id_ := wished(jobs, work), work, silent)

    def again(state: str) -> None:
        with pytest.raises(NotNow, match=f"cannot be confirmed: it is {state}"):
            elsewhere.confirm(id_, 3, "oleg")

    jobs.confirm(id_, 3, "olga")
    again("planned")
    work.meanwhile.append(lambda: again("running"))
    jobs.run(id_, work, silent)
    again("done")
    assert (work.counted, jobs.job(id_).confirmed_by) == (3, "olga")


def test_what_is_confirmed_is_what_was_seen(jobs: Jobs, work: Counting, clock: VirtualClock) -> None:
    """Another count than that which was seen, and one of long ago, are refused; counted anew it may be confirmed."""
    jobs.run(id_ := wished(jobs, work), work, silent)
    with pytest.raises(Stale, match=f"3 numbers were counted, not 2. `habarshy jobs resume {id_}` counts it anew"):
        jobs.confirm(id_, 2, "olga")
    clock.advance_to(clock() + timedelta(hours=25))
    with pytest.raises(Stale, match="more than a day ago"):
        jobs.confirm(id_, 3, "olga")
    work.upto = 5
    assert jobs.run(id_, work, silent).of == 5
    with pytest.raises(Stale, match="5 numbers were counted, not 3"):
        jobs.confirm(id_, 3, "olga")
    assert jobs.confirm(id_, 5, "olga").confirmed


def test_what_depends_on_the_rules_is_stale_when_they_have_moved(
    jobs: Jobs, work: Counting, clock: VirtualClock, database: Database
) -> None:
    """A count by rules is refused once these are others, or another job of its lane was at work; others are not."""
    jobs.run(free := wished(jobs, work), work, silent)
    work.rules = 0
    jobs.run(bound := wished(jobs, work), work, silent)
    clock.advance_to(clock() + timedelta(seconds=1))
    other = asked(jobs, work)
    jobs.run(other, work, silent)
    with pytest.raises(Stale, match=rf"job {other} \(.*\) was at work since"):
        jobs.confirm(bound, 3, "olga")
    assert jobs.run(bound, work, silent).state is JobState.COUNTED
    database.write(lambda connection: governance.note(connection, 9, "trigger-published/1"))
    with pytest.raises(Stale, match="the rules have changed since"):
        jobs.confirm(bound, 3, "olga")
    assert jobs.confirm(free, 3, "olga").confirmed
