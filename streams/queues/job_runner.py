"""Runs a job in this process, step by step, until it ends or somebody stops it."""

from collections.abc import Callable
from contextlib import suppress
from datetime import datetime
from typing import Any

import msgspec
from msgspec.structs import replace
from sqlalchemy import Connection

from domain.core.translatable import Said, Words, as_stored, text_of
from projections.tables import micros
from streams.queues.job_rows import change, job_with_id
from streams.queues.jobs import AT_WORK, Busy, Counted, Job, JobFailed, JobState, NothingToDo, Step, Stopped, Work
from streams.storage.database import Database
from streams.storage.errors import UNAVAILABLE_ERRORS, summary
from streams.storage.tables import jobs


class JobRun:
    """A run of a job; `claim` is the job as it was when this process claimed it."""

    def __init__(
        self,
        database: Database,
        clock: Callable[[], datetime],
        claim: Job,
        work: Work,
        tell: Callable[[Job], None],
        leave: Callable[[], bool],
    ) -> None:
        self._database, self._clock, self._job, self._leave = database, clock, claim, leave
        self._work, self._tell, self._saved = work, tell, Step(claim.cursor, claim.done)

    def go(self) -> Job:
        """Run the job; return it as it is afterwards.

        Raises:
            JobFailed: the database is away, or has no room.
            Busy: another process claimed the job.
        """
        try:
            while self._job.state in AT_WORK and not self._left():
                self._one_step()
        except UNAVAILABLE_ERRORS as error:
            self._end(JobState.FAILED, summary(error))
            raise JobFailed(
                f"Job {self._job.id} stopped: {summary(error).rstrip('.')}. Nothing that was kept is lost;"
                f" `habarshy jobs resume {self._job.id}` goes on from there."
            ) from error
        except KeyboardInterrupt:
            self._end(JobState.PAUSED, Said("interrupted"))
        except Exception as error:
            name = type(error).__name__
            told = Words("{name}: {error}", name=name, error=text_of(error)) if _is_ours(error) else name
            self._end(JobState.FAILED, told)
            raise
        finally:
            with suppress(*UNAVAILABLE_ERRORS):  # its resources went with the connection
                self._work.rest()
        if self._job.state is JobState.CANCELLED and self._job.confirmed:
            self._work.abandon()
        return self._job

    def _left(self) -> bool:
        """Give the job back, if this process is to leave: another one goes on with it."""
        if not self._leave():
            return False
        self._end(JobState.PLANNED if self._job.confirmed else JobState.COUNTING, "", waits=True)
        return True

    def _one_step(self) -> None:
        try:
            if self._job.confirmed:
                self._keep(self._work.step(self._job.cursor, self._save))
            else:
                self._count()
        except Stopped:
            pass
        with self._database.reading() as connection:
            now = job_with_id(connection, self._job.id)
        if now.claim != self._job.claim:
            raise Busy(Words("another process has taken {job} up meanwhile", job=now.told))
        self._job = now
        self._tell(now)

    def _keep(self, step: Step) -> None:
        if step != self._saved:
            self._database.write(lambda connection: self._save(connection, step))

    def _count(self) -> None:
        try:
            found = self._work.count(self._job.cursor)
        except NothingToDo as nothing:
            self._change(
                state=JobState.DONE.value, cursor="", done=0, of=0, worked=0, words=as_stored(text_of(nothing))
            )
            return
        if isinstance(found, Step):
            self._keep(found)
            return
        took = self._job.worked + self._clock() - self._job.changed_at
        plan = replace(found, what=as_stored(found.what))
        counted = msgspec.json.encode(Counted(plan, took.total_seconds())).decode()
        self._change(
            state=JobState.COUNTED.value,
            cursor=counted,
            done=0,
            of=found.count,
            unit=found.unit,
            worked=0,
            changed_at=micros(self._clock()),
        )

    def _change(self, **changes: Any) -> None:
        self._database.write(lambda connection: change(connection, self._job, **changes, ours=True))

    def _save(self, connection: Connection, step: Step) -> None:
        now = self._clock()
        changes: dict[str, Any] = {
            "cursor": step.cursor,
            "done": step.done,
            "of": jobs.c.of if step.of is None else step.of,
            "unit": jobs.c.unit if step.unit is None else step.unit,
            "worked": jobs.c.worked + micros(now) - jobs.c.changed_at,
            "changed_at": micros(now),
            "deaths": 0,
        }
        if step.finished:
            changes |= {"state": JobState.DONE.value, "words": as_stored(step.words)}
        if not change(connection, self._job, **changes, ours=True):
            raise Stopped
        self._saved = step

    def _end(self, state: JobState, words: str, *, waits: bool = False) -> None:
        """Note how the run stopped; where that cannot be written, the job is later found without a process."""
        try:
            self._change(state=state.value, words=as_stored(words), waits=waits)
            with self._database.reading() as connection:
                self._job = job_with_id(connection, self._job.id)
        except UNAVAILABLE_ERRORS:
            return


def _is_ours(error: Exception) -> bool:
    """Return whether the error is one of ours; the text of another may hold personal data."""
    return type(error).__module__.partition(".")[0] in ("streams", "app")
