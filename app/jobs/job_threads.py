"""Jobs that others work at: whoever asks for one need not wait for it, and the role jobs does it.

`JobControl` asks, and `JobThreads` works, in threads: in a process of the role jobs, and in `run`.
"""

import contextlib
import logging
import threading
from collections.abc import Mapping
from typing import Any

from app.compose import Platform
from app.jobs.kinds import KINDS, UnknownKind, planned_work, work_of
from domain.core.translatable import Words, text_of
from streams.queues.jobs import AT_WORK, Busy, Counted, ForgedJob, Job, JobState, NotNow, Stopped, plan_of
from streams.storage.errors import UNAVAILABLE_ERRORS
from streams.storage.leadership import Attendance, attended

log = logging.getLogger("habarshy")
MOMENT_S, LOOK_S = 0.5, 0.05
MOST_DEATHS = 3
"""A job over whose step so many processes died is given up: it may be what kills them."""
UNATTENDED = "accepted and waiting: no process of the role jobs is running; start `habarshy jobs`"


class JobThreads:
    """Works at the jobs that wait, and at those whose process died; one thread a job."""

    def __init__(self, platform: Platform) -> None:
        self._platform, self._jobs = platform, platform.queues.jobs
        self._attendance = Attendance(platform.database)
        self._threads: dict[int, threading.Thread] = {}
        self._stopping = threading.Event()

    def start_waiting(self) -> None:
        """Begin the jobs that wait.

        Raises:
            OperationalError, …: the database is away.
        """
        self._attendance.keep()
        for job in self._jobs.waiting():
            self.start(job)

    def start(self, job: Job) -> None:
        """Begin a job that waits, unless this process works at it."""
        known = self._threads.get(job.id)
        if self._stopping.is_set() or (known is not None and known.is_alive()):
            return
        if job.deaths >= MOST_DEATHS:
            self._jobs.fail(job, Words("{count} processes died over this step", count=job.deaths))
            return
        thread = threading.Thread(target=self._run, args=[job], name=f"job-{job.id}", daemon=True)
        self._threads[job.id] = thread
        thread.start()

    def _run(self, job: Job) -> None:
        try:
            self._jobs.take(job, work_of(self._platform, job), self._stopping.is_set)
        except (Busy, NotNow, Stopped, UnknownKind):
            pass  # somebody else was quicker, or knows the kind; the job's row says how it stands
        except ForgedJob as forged:
            log.warning("%s", forged)
            self._jobs.fail(job, text_of(forged))
        except Exception as error:  # noqa: BLE001  (its row says that it failed, and why)
            log.error("job %d failed: %s", job.id, type(error).__name__)  # noqa: TRY400  (it may hold data)
            with contextlib.suppress(*UNAVAILABLE_ERRORS):  # it changes nothing where the job had begun
                self._jobs.fail(job, type(error).__name__)

    def wait(self, id_: int | None = None, seconds: float | None = None) -> None:
        """Wait until no job (or not that one) is at work here, for so long at most."""
        threads = self._threads.values() if id_ is None else filter(None, [self._threads.get(id_)])
        for thread in list(threads):
            thread.join(seconds)

    def stop(self) -> None:
        """Begin no more jobs, and give back those at work here after their present step."""
        self._stopping.set()
        self.wait()
        self._attendance.release()


class JobControl:
    """Requests, confirms, resumes and cancels jobs. `workers`: those of this process, if it has any."""

    def __init__(self, platform: Platform, workers: JobThreads | None = None) -> None:
        self._platform, self._jobs, self._workers = platform, platform.queues.jobs, workers

    def ask(self, kind: str, arguments: Mapping[str, Any], by: str) -> Job:
        """Return a new job, which is counted first; whoever confirms that lets it begin.

        Raises:
            Busy: another job of its lane is under way; and what its kind raises.
        """
        _ = planned_work(self._platform, kind, arguments)  # what cannot be at all is said to who asks for it
        return self._begun(self._jobs.ask(kind, KINDS[kind].lane, arguments, by, waits=True))

    def confirm(self, id_: int, count: int, by: str) -> Job:
        """Confirm a counted job, which then begins.

        Raises:
            Busy, ForgedJob, NotNow, Stale, UnknownJob, UnknownKind: with what to do.
        """
        _ = work_of(self._platform, self._jobs.job(id_))
        return self._begun(self._jobs.confirm(id_, count, by, waits=True))

    def seconds(self, kind: str, counted: Counted) -> float:
        """Estimate the duration in seconds: by the last job of the kind, else by the kind's own rate.

        Counting is included.
        """
        plan = counted.plan
        return max(counted.took, plan.count / (self._jobs.measured(kind) or plan.a_second))

    def begin(self, kind: str, arguments: Mapping[str, Any], by: str) -> Job:
        """Request a job that begins without confirmation. Raises Busy where another one of its lane is under way."""
        plan = plan_of(planned_work(self._platform, kind, arguments))
        return self._begun(self._jobs.add(kind, KINDS[kind].lane, arguments, plan, by, waits=True))

    def resume(self, id_: int) -> Job:
        """Resume a job that was paused, failed, or lost its process; one that was counted is counted anew.

        Raises:
            Busy, NotNow, UnknownJob, UnknownKind: with what to do.
        """
        _ = work_of(self._platform, self._jobs.job(id_))
        return self._begun(self._jobs.hand_over(id_))

    def cancel(self, id_: int) -> Job:
        """End a job for good. Raises NotNow, UnknownJob, UnknownKind."""
        if self._jobs.cancel_forged(id_):
            return self._jobs.job(id_)
        return self._jobs.cancel(id_, work_of(self._platform, self._jobs.job(id_)))

    def note(self, job: Job) -> str:
        """Say that the job waits and nobody is there to take it up, or nothing."""
        waits = job.waits and self._workers is None and not attended(self._platform.database)
        return UNATTENDED if waits else ""

    def after_a_moment(self, id_: int) -> Job:
        """Return the job after a moment: one that is counted at once then shows its count already."""
        if self._workers is not None:
            self._workers.wait(id_, MOMENT_S)
            return self._jobs.job(id_)
        job, pause = self._jobs.job(id_), threading.Event()
        for _ in range(round(MOMENT_S / LOOK_S)):
            if job.state not in (JobState.PLANNED, *AT_WORK) or self.note(job):
                break
            pause.wait(LOOK_S)
            job = self._jobs.job(id_)
        return job

    def _begun(self, job: Job) -> Job:
        if self._workers is not None:
            self._workers.start(job)
        return job
