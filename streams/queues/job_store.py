"""The store of jobs: who asked for them, their progress, and the claim on each that only one process has."""

from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from typing import Any, NoReturn

import msgspec
from sqlalchemy import Connection, func, select

from domain.core.translatable import N_, Number, Said, Words, as_stored
from projections.bulk import insert_rows
from projections.tables import micros
from streams.queues.job_rows import (
    change,
    is_forged,
    job_with_id,
    last_of,
    latest,
    readable,
    refuse_forged,
    refuse_stale,
    sign,
    unfinished,
)
from streams.queues.job_runner import JobRun
from streams.queues.jobs import AT_WORK, CANCELLABLE, ENDED, Busy, Job, JobState, NotNow, Plan, Work
from streams.storage.advisory_locks import take_turns
from streams.storage.database import Database
from streams.storage.errors import UNAVAILABLE_ERRORS
from streams.storage.leadership import TRIES, Lane, job_lock
from streams.storage.tables import jobs

JOBS_LOCK = 0x4841_4244
SOON = timedelta(minutes=1)
_WORKS = N_("a process is working on {job}")


class Jobs:
    """Keeps jobs and runs them, on either database."""

    def __init__(self, database: Database, clock: Callable[[], datetime]) -> None:
        self._database, self._clock = database, clock

    def refuse_second(self, lane: Lane) -> None:
        """Check that no job of the lane is unfinished.

        Raises:
            Busy: one is; the message names it and says what to do.
        """
        with self._database.reading() as connection:
            found = unfinished(connection, lane)
        if found is not None:
            self._refuse(found)

    def add(
        self, kind: str, lane: Lane, arguments: Mapping[str, Any], plan: Plan, by: str, *, waits: bool = False
    ) -> Job:
        """Add a job that the person who asks for it has confirmed. `waits`: for a process of the role jobs.

        Raises:
            Busy: another job of the lane is unfinished.
        """
        return self._new(kind, lane, arguments, plan, by, waits=waits)

    def ask(self, kind: str, lane: Lane, arguments: Mapping[str, Any], by: str, *, waits: bool = False) -> Job:
        """Add a job that first counts; nothing is done before somebody confirms it. `waits`: see `add`.

        Raises:
            Busy: another job of the lane is unfinished.
        """
        return self._new(kind, lane, arguments, None, by, waits=waits)

    def _new(
        self, kind: str, lane: Lane, arguments: Mapping[str, Any], plan: Plan | None, by: str, *, waits: bool
    ) -> Job:
        """Add a job: one that was planned is confirmed."""
        state, confirmed_by = (JobState.COUNTING, None) if plan is None else (JobState.PLANNED, by)
        of = (0, "") if plan is None else (plan.count, plan.unit)

        def work(connection: Connection) -> Job:
            take_turns(connection, JOBS_LOCK)
            if (other := unfinished(connection, lane)) is not None:
                self._refuse(other)
            id_ = connection.execute(select(func.coalesce(func.max(jobs.c.id), 0))).scalar_one() + 1
            now, given = micros(self._clock()), msgspec.json.encode(arguments).decode()
            what = (id_, kind, lane.value, given, state.value)
            row = (*what, 0, *of, "", by, now, None, now, 0, 0, "", confirmed_by, waits, 0, None)
            insert_rows(connection, jobs, [row])
            sign(connection, id_)
            return job_with_id(connection, id_)

        return self._database.write(work)

    def confirm(self, id_: int, count: int, by: str, *, waits: bool = False) -> Job:
        """Confirm a counted job; `count`: the count that the person who confirms has seen. `waits`: see `add`.

        Raises:
            Busy: another job of the lane is unfinished.
            ForgedJob, NotNow, UnknownJob: it is not ours, does not wait to be confirmed, or there is none.
            Stale: the count no longer holds.
        """

        def confirmed(connection: Connection, job: Job) -> None:
            if job.counted is None:
                raise NotNow(job, NotNow.CONFIRM)
            if (other := unfinished(connection, job.lane)) is not None:
                self._refuse(other)
            refuse_stale(connection, job, job.counted.plan, count, self._clock())
            refuse_forged(connection, id_)
            change(connection, job, state=JobState.PLANNED.value, cursor="", confirmed_by=by, waits=waits)
            sign(connection, id_)

        return self._changed(id_, confirmed)

    def _changed(self, id_: int, work: Callable[[Connection, Job], None]) -> Job:
        """Do the work on the job while nobody else changes one; return the job as it is then. Raises UnknownJob."""

        def alone(connection: Connection) -> Job:
            take_turns(connection, JOBS_LOCK)
            work(connection, job_with_id(connection, id_))
            return job_with_id(connection, id_)

        return self._database.write(alone)

    def _refuse(self, other: Job) -> NoReturn:
        if other.state in AT_WORK and self.at_work(other):
            counting = other.state is JobState.COUNTING
            doing = Words(N_("{job} is being counted") if counting else N_("{job} is at work"), job=other.told)
            if not other.of:
                raise Busy(doing)
            of = {"done": Number(other.done), "of": Number(other.of), "unit": Said(other.unit)}
            raise Busy(Words("{doing} ({done} of {of} {unit})", doing=doing, **of))
        standing = N_("{job} has lost its process") if self.has_lost_process(other) else N_("{job} is {state}")
        standing = N_("{job} waits for a process of the role jobs") if other.waits else standing
        raise Busy(
            Words(
                "{standing}; `habarshy jobs resume {id}` goes on with it, `jobs cancel {id}` ends it",
                standing=Words(standing, job=other.told, state=other.state.told),
                id=other.id,
            )
        )

    def at_work(self, job: Job) -> bool:
        """Return whether a process works in the job's lane right now."""
        with job_lock(self._database, job.lane) as free:
            return not free

    def has_lost_process(self, job: Job) -> bool:
        """Return whether the job's process died: its row says running, but no process works in its lane.

        A job of the last minute that nobody claimed yet is about to start, and one that waits has none yet.
        """
        new = job.waits or (not job.claim and self._clock() - job.asked_at < SOON)
        return job.state in AT_WORK and not new and not self.at_work(job)

    def resumable(self, id_: int) -> Job:
        """Return the job, if it may be resumed right now.

        Raises:
            Busy: another process works in its lane, or another job of the lane is unfinished.
            NotNow, UnknownJob: it has ended, or there is none.
        """
        with self._database.reading() as connection:
            job = job_with_id(connection, id_)
            other = unfinished(connection, job.lane)
        if job.state in ENDED:
            raise NotNow(job, NotNow.RESUME)
        if other is not None and (other.id != id_ or self.at_work(job)):
            self._refuse(other)
        return job

    def hand_over(self, id_: int) -> Job:
        """Let the role jobs continue a job; count it again if it is not confirmed yet.

        Raises:
            Busy, NotNow, UnknownJob: as `resumable`.
        """
        self.resumable(id_)

        def handed_over(connection: Connection, job: Job) -> None:
            if job.state in ENDED:
                raise NotNow(job, NotNow.RESUME)
            state = JobState.PLANNED if job.confirmed else JobState.COUNTING
            change(connection, job, state=state.value, waits=True, deaths=0, **_to_be_counted_again(job))

        return self._changed(id_, handed_over)

    def waiting(self) -> list[Job]:
        """Return the jobs for the role jobs: those that wait for it, and those whose process died over them."""
        query = select(jobs).where(jobs.c.state.in_((JobState.PLANNED, *AT_WORK))).order_by(jobs.c.id)
        with self._database.reading() as connection:
            found = readable(connection.execute(query))
        return [job for job in found if job.waits or (_begun(job) and not self.at_work(job))]

    def fail(self, job: Job, words: str) -> None:
        """Give a job up that nobody works at; it may be resumed."""
        changes = {"state": JobState.FAILED.value, "words": as_stored(words), "waits": False}
        self._database.write(lambda connection: change(connection, job, ours=True, **changes))

    def job(self, id_: int) -> Job:
        """Return the job. Raises UnknownJob where there is none of that number."""
        with self._database.reading() as connection:
            return job_with_id(connection, id_)

    def latest(self, limit: int, asked_by: str | None = None) -> list[Job]:
        """Return up to `limit` jobs, the newest first; with `asked_by` only that person's."""
        with self._database.reading() as connection:
            return latest(connection, limit, asked_by)

    def last(self, kind: str) -> Job | None:
        """Return the newest job of that kind, or None."""
        with self._database.reading() as connection:
            return last_of(connection, kind)

    def measured(self, kind: str) -> float | None:
        """Return the rate (items a second) of the last finished job of that kind, or None."""
        query = select(jobs).where(jobs.c.kind == kind, jobs.c.state == JobState.DONE.value, jobs.c.worked > 0)
        with self._database.reading() as connection:
            row = connection.execute(query.order_by(jobs.c.id.desc()).limit(1)).first()
        return None if row is None or not row.done else row.done * 1_000_000 / row.worked

    def pause(self, id_: int) -> Job:
        """Stop the job after its present step.

        Raises:
            NotNow, UnknownJob: it is not running or waiting to, or there is none.
        """
        return self._turn_to(id_, JobState.PAUSED, NotNow.PAUSE, (JobState.PLANNED, *AT_WORK))

    def cancel(self, id_: int, work: Work) -> Job:
        """End the job for good and clean up after it: here, or in the process that is running it.

        Raises:
            NotNow, UnknownJob: it has ended already, or there is none.
        """
        try:
            job = self._cancelled(id_)
        except UNAVAILABLE_ERRORS:
            job = self.job(id_)
            if job.state not in CANCELLABLE:
                raise
            self._abandon(job, work)  # its leftovers may be what fills the disk
            job = self._cancelled(id_)
        self._abandon(job, work)
        return job

    def cancel_forged(self, id_: int) -> bool:
        """End a job that our processes did not write, and clean up nothing; return False for any other."""
        with self._database.reading() as connection:
            forged = job_with_id(connection, id_).state in CANCELLABLE and is_forged(connection, id_)
        return forged and bool(self._cancelled(id_))

    def _cancelled(self, id_: int) -> Job:
        return self._turn_to(id_, JobState.CANCELLED, NotNow.CANCEL, CANCELLABLE)

    def _abandon(self, job: Job, work: Work) -> None:
        with job_lock(self._database, job.lane, TRIES) as ours:
            if ours and job.confirmed:
                work.abandon()

    def _turn_to(self, id_: int, state: JobState, wish: str, allowed: tuple[JobState, ...]) -> Job:
        def turned(connection: Connection, job: Job) -> None:
            if job.state not in allowed:
                raise NotNow(job, wish)
            change(connection, job, state=state.value, waits=False)

        return self._changed(id_, turned)

    def take(self, seen: Job, work: Work, leave: Callable[[], bool]) -> Job:
        """Run a job that was `waiting`, as `run` does, if it still is as it was seen; give it back to `leave`.

        Raises:
            Busy, ForgedJob, JobFailed, NotNow, UnknownJob: as `run`; or somebody else took or stopped it meanwhile.
        """
        with job_lock(self._database, seen.lane) as ours:
            if not ours:
                raise Busy(Words(_WORKS, job=seen.told))
            return JobRun(self._database, self._clock, self._claim(seen.id, seen), work, _ignore_progress, leave).go()

    def run(self, id_: int, work: Work, tell: Callable[[Job], None]) -> Job:
        """Run the job from its cursor until it ends or somebody stops it; `tell` is called after each step.

        A job that is not confirmed is only counted; one that was counted is counted again.

        Raises:
            Busy: another process works in its lane, or another job of the lane is unfinished.
            ForgedJob: our processes did not write it.
            JobFailed: the database is away, or has no room; the job may be resumed.
            NotNow, UnknownJob: it has ended, or there is none.
        """
        with job_lock(self._database, self.job(id_).lane, TRIES) as ours:
            if not ours:
                raise Busy(Words(_WORKS, job=self._other(id_).told))
            return JobRun(self._database, self._clock, self._claim(id_), work, tell, lambda: False).go()

    def _other(self, id_: int) -> Job:
        """Return the job that is running in the lane of this one."""
        job = self.job(id_)
        with self._database.reading() as connection:
            return unfinished(connection, job.lane) or job

    def _claim(self, id_: int, seen: Job | None = None) -> Job:
        def taken(connection: Connection, job: Job) -> None:
            if job.state in ENDED:
                raise NotNow(job, NotNow.RESUME)
            refuse_forged(connection, id_)
            if seen is not None and (seen.state, seen.claim, seen.waits) != (job.state, job.claim, job.waits):
                raise NotNow(job, NotNow.TAKE_UP)
            other = unfinished(connection, job.lane)
            if other is not None and other.id != id_:
                self._refuse(other)
            now = micros(self._clock())
            state = JobState.RUNNING if job.confirmed else JobState.COUNTING
            began, deaths = func.coalesce(jobs.c.began_at, now), job.deaths + (_begun(job) and not job.waits)
            claimed = dict[str, Any](state=state.value, claim=job.claim + 1, began_at=began, deaths=deaths)
            change(connection, job, **claimed, changed_at=now, words="", waits=False, **_to_be_counted_again(job))

        return self._changed(id_, taken)


def _to_be_counted_again(job: Job) -> dict[str, Any]:
    """Return what is changed for a job to be counted anew, if it was counted."""
    return {"cursor": "", "done": 0, "of": 0, "unit": ""} if job.state is JobState.COUNTED else {}


def _begun(job: Job) -> bool:
    """Return whether a process took it up, and did not end with it."""
    return job.state in AT_WORK and job.claim > 0


def _ignore_progress(_: Job) -> None:
    """Ignore the progress, which the job's row shows."""
