"""habarshy schedule: what runs at which times, and how the last runs ended; and running one of it now."""

import time
from collections.abc import Iterator
from datetime import tzinfo
from typing import Annotated

import typer
from msgspec import structs

from app.cli.options import AsJson, refuse_unknown
from app.cli.platform_options import TimedOptions
from app.cli.principal_session import open_platform, operator_session
from app.compose import Platform
from app.jobs.job_results import trouble
from app.jobs.pace import duration
from app.moments import local_time
from app.scheduled import (
    NEVER_BY_NAME,
    is_late,
    is_scheduler_alive,
    last_requested_jobs,
    schedule_of,
    zone_of_schedule,
)
from app.settings import SCHEDULE
from app.terminal import Exit, print_json, print_line, stop
from streams.runtime.schedule import BAD, UNDER_WAY, Run, Schedule, UnderWay

Now = Annotated[
    str | None, typer.Option("--now", metavar="NAME", help="Run this job now, where the schedule is kept.")
]

LOOK_SECONDS = 0.2
"""The interval of looks whether a job that another process runs has ended."""


def schedule(name: Now = None, as_json: AsJson = False, *, on: TimedOptions) -> None:
    """Show what runs at which times, and how it last ended (exit 1 if something failed or is late); or run a job."""
    if name is not None:
        _run_now(name, on, as_json=as_json)
        return
    with open_platform(on) as platform:
        runs, zone = schedule_of(platform).runs(), zone_of_schedule(platform)
        found = [
            f"{name}: job {job.id}: {problem}"
            for name, job in last_requested_jobs(platform).items()
            if (problem := trouble(job))
        ]
    late = {run.job for run in runs if is_late(run, on.clock())}
    for run in runs:
        _print(run, zone, late=run.job in late, as_json=as_json)
    if late:
        found.append(f"nothing runs {', '.join(sorted(late))}: start `habarshy run`, or a worker")
    if bad := [run.job for run in runs if run.outcome in BAD and run.next_at is not None]:
        found.append(f"the last run of {', '.join(bad)} failed")
    if found:
        stop(Exit.CHECK_FAILED, "; ".join(found))


def _run_now(name: str, on: TimedOptions, *, as_json: bool) -> None:
    if name not in SCHEDULE:
        refuse_unknown("--now", "job", name, tuple(SCHEDULE))
    if name == NEVER_BY_NAME:
        stop(Exit.USAGE, f"--now: {name} destroys; use `habarshy retire`, which shows first what goes, and asks")
    with operator_session("scheduled jobs", on) as at:
        kept, zone = schedule_of(at.platform), zone_of_schedule(at.platform)
        try:
            run = (
                _ran(at.platform, kept, name)
                if is_scheduler_alive(at.platform)
                else kept.run_now(name, lambda: False)
            )
        except UnderWay as busy:
            stop(Exit.UNAVAILABLE, str(busy))
    _print(run, zone, late=False, as_json=as_json)
    if run.outcome in BAD:
        stop(Exit.CHECK_FAILED, f"{name} failed")


def _ran(platform: Platform, kept: Schedule, name: str) -> Run:
    """Have the process that keeps the schedule run the job; wait for its end, and return how it ended."""
    asked = kept.ask(name)
    while True:
        [run] = [each for each in kept.runs() if each.job == name]
        if run.started_at is not None and run.started_at >= asked and run.outcome not in UNDER_WAY:
            return run
        if not is_scheduler_alive(platform):
            stop(Exit.UNAVAILABLE, f"{name}: the process that keeps the schedule is gone; it runs at its next start")
        time.sleep(LOOK_SECONDS)


def _print(run: Run, zone: tzinfo, *, late: bool, as_json: bool) -> None:
    if as_json:
        took = None if run.took is None else run.took.total_seconds()
        print_json({**structs.asdict(run), "took": took, "zone": str(zone), "late": late})
    else:
        print_line(": ".join((run.job, ", ".join(_told(run, zone, late=late)))))


def _told(run: Run, zone: tzinfo, *, late: bool) -> Iterator[str]:
    if run.next_at is None:
        yield "never runs by itself"
    else:
        yield f"{'due since' if late else 'next'} {local_time(run.next_at, zone)} ({run.cron} {zone})"
    if run.started_at is None:
        return
    yield f"last {local_time(run.started_at, zone)}"
    if run.took is not None:
        yield f"took {duration(run.took.total_seconds())}"
    yield f"{run.outcome}{f' ({run.words or run.error})' if run.error else ''}"
