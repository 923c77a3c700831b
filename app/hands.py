"""Hands: this process works at jobs in threads of its own, so that whoever asked for one need not wait for it."""

import contextlib
import logging
import threading
from collections.abc import AsyncIterator, Mapping
from typing import Any

from fastapi import FastAPI
from fastapi.concurrency import run_in_threadpool

from app.compose import Platform
from app.job_kinds import KINDS, planned_work, work_of
from streams.jobs import Busy, Job, NotNow, Plan, State, Stopped

log = logging.getLogger("habarshy")


class Hands:
    """Begins jobs, goes on with them, cancels them; one thread a job, two jobs of a lane never at once."""

    def __init__(self, platform: Platform) -> None:
        self._platform, self._jobs = platform, platform.jobs
        self._threads: dict[int, threading.Thread] = {}

    def plan(self, kind: str, arguments: Mapping[str, Any]) -> Plan:
        """What such a job would do, and with how much; nothing is changed.

        Raises:
            Busy: another job of its lane is under way.
            NothingToDo: there is nothing to do; and what else its kind raises.
        """
        self._jobs.refuse_second(KINDS[kind].lane)
        return planned_work(self._platform, kind, arguments).plan()

    def seconds(self, kind: str, plan: Plan) -> float:
        """About how long it takes: as fast as the last time, or as is said of its kind."""
        return plan.count / (self._jobs.measured(kind) or plan.a_second)

    def begin(self, kind: str, arguments: Mapping[str, Any], plan: Plan, by: str) -> Job:
        """A new job, at work. Raises Busy where another one of its lane is under way."""
        job = self._jobs.add(kind, KINDS[kind].lane, arguments, plan, by)
        self._start(job)
        return job

    def go_on(self, id_: int) -> Job:
        """Go on with a job that was paused, failed, or lost its process.

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

    def wait(self) -> None:
        """Until nothing is at work here any more."""
        for thread in list(self._threads.values()):
            thread.join()

    def rest(self) -> None:
        """Pause what is at work here, after its present step: any process may go on with it."""
        for id_, thread in list(self._threads.items()):
            if thread.is_alive() and self._jobs.job(id_).state is State.RUNNING:
                with contextlib.suppress(NotNow):
                    self._jobs.pause(id_)
        self.wait()

    @contextlib.asynccontextmanager
    async def lifespan(self, _: FastAPI) -> AsyncIterator[None]:
        """As long as the server runs."""
        yield
        await run_in_threadpool(self.rest)


def _untold(_: Job) -> None:
    """Whoever wants to know how far it has come looks at its row."""
