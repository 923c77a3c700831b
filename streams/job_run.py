"""One process at work on one job: step by step, until it ends or somebody stops it."""

from collections.abc import Callable
from datetime import datetime
from typing import Any

from sqlalchemy import Connection

from projections.tables import micros
from streams.database import Database
from streams.job_rows import change, one
from streams.jobs import Busy, Job, JobFailed, State, Step, Stopped, Work
from streams.outages import STORE_AWAY, told
from streams.tables import jobs


class Run:
    """One process at work on one job; `claim` is the job as it was when it was taken up."""

    def __init__(
        self, database: Database, clock: Callable[[], datetime], claim: Job, work: Work, tell: Callable[[Job], None]
    ) -> None:  # fmt: skip
        self._database, self._clock, self._job = database, clock, claim
        self._work, self._tell, self._saved = work, tell, Step(claim.cursor, claim.done)

    def go(self) -> Job:
        """Work; returns the job as it is then."""
        try:
            while self._job.state is State.RUNNING:
                self._one_step()
        except STORE_AWAY as error:
            self._end(State.FAILED, told(error))
            raise JobFailed(self._job.id, told(error)) from error
        except KeyboardInterrupt:
            self._end(State.PAUSED, "interrupted")
        except Exception as error:
            self._end(State.FAILED, f"{type(error).__name__}: {error}" if _is_ours(error) else type(error).__name__)
            raise
        if self._job.state is State.CANCELLED:
            self._work.abandon()
        return self._job

    def _one_step(self) -> None:
        try:
            step = self._work.step(self._job.cursor, self._save)
            if step != self._saved:
                self._database.write(lambda connection: self._save(connection, step))
        except Stopped:
            pass
        with self._database.reading() as connection:
            now = one(connection, self._job.id)
        if now.claim != self._job.claim:
            raise Busy(f"another process has taken {now} up meanwhile")
        self._job = now
        self._tell(now)

    def _save(self, connection: Connection, step: Step) -> None:
        now = self._clock()
        changes: dict[str, Any] = {
            "cursor": step.cursor, "done": step.done, "of": jobs.c.of if step.of is None else step.of,
            "worked": jobs.c.worked + micros(now) - jobs.c.changed_at, "changed_at": micros(now),
        }  # fmt: skip
        if step.finished:
            changes |= {"state": State.DONE.value, "words": step.words}
        if not change(connection, self._job, **changes, ours=True):
            raise Stopped
        self._saved = step

    def _end(self, state: State, words: str) -> None:
        """Note how it stopped; where even that cannot be written, the job is found without a process."""
        try:
            self._database.write(
                lambda connection: change(connection, self._job, state=state.value, words=words, ours=True)
            )
            with self._database.reading() as connection:
                self._job = one(connection, self._job.id)
        except STORE_AWAY:
            return


def _is_ours(error: Exception) -> bool:
    """Whether its words are: those of others might hold data."""
    return type(error).__module__.partition(".")[0] in ("streams", "app")
