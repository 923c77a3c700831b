"""Hands: this process works at jobs in threads of its own, so that whoever asked for one need not wait for it."""

import contextlib
import logging
import threading
from collections.abc import AsyncIterator, Mapping
from typing import Any

from fastapi import FastAPI
from fastapi.concurrency import run_in_threadpool

from app.compose import Platform
from app.jobs.kinds import KINDS, planned_work, work_of
from streams.queues.jobs import AT_WORK, Busy, Counted, Job, NotNow, Stopped, plan_of

log = logging.getLogger("habarshy")
MOMENT_S = 0.5


class Hands:
    """Begins jobs, goes on with them, cancels them; one thread a job, two jobs of a lane never at once."""

    def __init__(self, platform: Platform) -> None:
        self._platform, self._jobs = platform, platform.queues.jobs
        self._threads: dict[int, threading.Thread] = {}

    def ask(self, kind: str, arguments: Mapping[str, Any], by: str) -> Job:
        """Return a new job, which is counted here; whoever confirms that lets it begin.

        Raises:
            Busy: another job of its lane is under way; and what its kind raises.
        """
        _ = planned_work(self._platform, kind, arguments)  # what cannot be at all is said to who asks for it
        job = self._jobs.ask(kind, KINDS[kind].lane, arguments, by)
        self._start(job)
        return job

    def confirm(self, id_: int, count: int, by: str) -> Job:
        """Begin a job that was counted.

        Raises:
            Busy, NotNow, Stale, UnknownJob, UnknownKind: with what to do.
        """
        _ = work_of(self._platform, self._jobs.job(id_))
        job = self._jobs.confirm(id_, count, by)
        self._start(job)
        return job

    def seconds(self, kind: str, counted: Counted) -> float:
        """Estimate the duration in seconds: by the last job of the kind, else by the kind's own rate.

        Counting is included.
        """
        plan = counted.plan
        return max(counted.took, plan.count / (self._jobs.measured(kind) or plan.a_second))

    def begin(self, kind: str, arguments: Mapping[str, Any], by: str) -> Job:
        """Begin a job that needs no confirmation. Raises Busy where another one of its lane is under way."""
        plan = plan_of(planned_work(self._platform, kind, arguments))
        job = self._jobs.add(kind, KINDS[kind].lane, arguments, plan, by)
        self._start(job)
        return job

    def go_on(self, id_: int) -> Job:
        """Go on with a job that was paused, failed, or lost its process; one that was counted is counted anew.

        Raises:
            Busy, NotNow, UnknownJob, UnknownKind: with what to do.
        """
        job = self._jobs.resumable(id_)
        self._start(job)
        return job

    def cancel(self, id_: int) -> Job:
        """End a job for good. Raises NotNow, UnknownJob, UnknownKind."""
        return self._jobs.cancel(id_, work_of(self._platform, self._jobs.job(id_)))

    def _start(self, job: Job) -> None:
        work = work_of(self._platform, job)

        def run() -> None:
            try:
                self._jobs.run(job.id, work, _untold)
            except (Busy, NotNow, Stopped):
                pass  # somebody else was quicker; the job's row says how it stands
            except Exception as error:  # noqa: BLE001  (its row says that it failed, and why)
                log.error("job %d failed: %s", job.id, type(error).__name__)  # noqa: TRY400  (it may hold data)

        thread = threading.Thread(target=run, name=f"job-{job.id}", daemon=True)
        self._threads[job.id] = thread
        thread.start()

    def soon(self, id_: int) -> Job:
        """Return the job in a moment: what is counted at once need not be looked for again."""
        if (thread := self._threads.get(id_)) is not None:
            thread.join(MOMENT_S)
        return self._jobs.job(id_)

    def wait(self) -> None:
        """Wait until no job is at work here."""
        for thread in list(self._threads.values()):
            thread.join()

    def rest(self) -> None:
        """Pause what is at work here, after its present step: any process may go on with it."""
        for id_, thread in list(self._threads.items()):
            if thread.is_alive() and self._jobs.job(id_).state in AT_WORK:
                with contextlib.suppress(NotNow):
                    self._jobs.pause(id_)
        self.wait()

    @contextlib.asynccontextmanager
    async def lifespan(self, _: FastAPI) -> AsyncIterator[None]:
        """Pause the jobs when the server stops."""
        yield
        await run_in_threadpool(self.rest)


def _untold(_: Job) -> None:
    """Ignore the progress, which the job's row shows."""
