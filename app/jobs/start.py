"""Begins jobs and takes them up again: the plan first, then a typed confirmation, then the work with its progress."""

import signal
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from types import FrameType
from typing import Any, NoReturn

from app.compose import Platform
from app.jobs.kinds import KINDS, planned_work, work_of
from app.jobs.pace import duration
from app.jobs.progress import counting_progress, progress
from app.terminal import Exit, confirm, print_json_or_lines, stop, talk
from streams.kafka.errors import KafkaFailure
from streams.kafka.producer import NotDelivered
from streams.queues.jobs import Job, JobFailed, JobState, NothingToDo, NotNow, Plan, Work, plan_of
from streams.storage.errors import UNAVAILABLE_ERRORS, summary


def begin(
    platform: Platform,
    kind: str,
    arguments: Mapping[str, Any],
    by: str,
    *,
    yes: bool,
    as_json: bool,
    plan_only: bool = False,
) -> Job:
    """Say what would be done, ask, and do it; return the job once it is done, else end the command.

    Raises:
        Busy: another job of its lane is under way.
    """
    lane, work = KINDS[kind].lane, planned_work(platform, kind, arguments)
    if not plan_only:
        platform.queues.jobs.refuse_second(lane)
    plan = _plan(work)
    _show(platform, kind, plan, as_json=as_json)
    if plan_only:
        raise SystemExit(int(Exit.OK))
    confirm(plan.what, str(plan.count), yes=yes)
    try:
        job = platform.queues.jobs.add(kind, lane, arguments, plan, by)
    except UNAVAILABLE_ERRORS as error:
        stop(Exit.UNAVAILABLE, f"nothing was done: no job could be noted ({summary(error)})")
    talk(f"job {job.id}; `habarshy jobs pause {job.id}` or Ctrl-C pauses it")
    return require_done(resume(platform, job))


def _plan(work: Work) -> Plan:
    try:
        with counting_progress() as shown:
            return plan_of(work, lambda step: shown(step.done, step.of or step.done, step.unit or ""))
    except NothingToDo as nothing:
        if not nothing.left:
            raise
        stop(Exit.CHECK_FAILED, str(nothing))


def begin_counted(platform: Platform, job: Job, by: str, *, yes: bool, as_json: bool) -> Job:
    """Say what was counted, ask, and do it; return the job once it is done, else end the command.

    Raises:
        Busy, NotNow, Stale: see streams.queues.job_store.
    """
    if job.counted is None:
        raise NotNow(job, NotNow.CONFIRM)
    plan = job.counted.plan
    _show(platform, job.kind, plan, as_json=as_json)
    confirm(plan.what, str(plan.count), yes=yes)
    return require_done(resume(platform, platform.queues.jobs.confirm(job.id, plan.count, by)))


def _show(platform: Platform, kind: str, plan: Plan, *, as_json: bool) -> None:
    measured = platform.queues.jobs.measured(kind)
    seconds = plan.count / (measured or plan.a_second)
    plain = {"what": plan.what, "count": plan.count, "unit": plan.unit, "seconds": round(seconds, 1)}
    basis = "as fast as the last time" if measured else f"estimated at {plan.a_second:,.0f} a second"
    line = f"{plan.what}: {plan.count:,} {plan.unit}, about {duration(seconds)} ({basis})"
    print_json_or_lines(plain | {"rate": "measured" if measured else "estimated"}, line, as_json=as_json)


def resume(platform: Platform, job: Job) -> Job:
    """Work at the job in this process, from where it stands."""
    shown = progress()
    try:
        with _interruptible():
            return platform.queues.jobs.run(job.id, work_of(platform, job), shown)
    except JobFailed as failure:
        shown.end()
        stop(Exit.UNAVAILABLE, str(failure))
    except (KafkaFailure, NotDelivered) as failure:
        shown.end()
        stop(Exit.UNAVAILABLE, f"{failure} `habarshy jobs resume {job.id}` goes on.")
    finally:
        shown.end()


def require_done(job: Job) -> Job:
    """Return the job, if it is done; else say how it stands, and end the command."""
    if job.state is not JobState.DONE:
        further = f"; `habarshy jobs resume {job.id}` goes on" if job.state is JobState.PAUSED else ""
        stop(Exit.CHECK_FAILED, f"job {job.id} is {job.state} at {job.done:,} of {job.of:,} {job.unit}{further}")
    return job


@contextmanager
def _interruptible() -> Iterator[None]:
    """SIGTERM pauses the job as Ctrl-C does."""

    def interrupt(_number: int, _frame: FrameType | None) -> NoReturn:
        raise KeyboardInterrupt

    before = signal.signal(signal.SIGTERM, interrupt)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)
