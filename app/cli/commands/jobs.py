"""habarshy jobs: long work over history; who asked for it, how far it has come; pause, resume, cancel.

Operators see and decide on all of them, everybody else on what they asked for themselves.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Annotated

import typer

from app.cli.options import AsJson, Limit, Yes
from app.cli.platform_options import PlatformOptions
from app.cli.principal_session import PrincipalSession, operator_session, principal_session
from app.jobs.job_results import print_result, report, trouble
from app.jobs.job_threads import JobControl
from app.jobs.pace import duration, line_of
from app.jobs.requests import Orders
from app.jobs.start import begin_counted, require_done
from app.jobs.start import resume as resume_job
from app.log_places import zone_shown
from app.moments import local_time
from app.terminal import print_json, print_line, talk
from domain.facts.principals import NotAllowed
from streams.queries.altered_jobs import has_result
from streams.queues.jobs import Job

HIDDEN = ("claim", "cursor", "lane", "deaths")
JobId = Annotated[int, typer.Argument(metavar="ID", min=1, help="The number of a job.")]


def list_jobs(limit: Limit = 20, as_json: AsJson = False, *, on: PlatformOptions) -> None:
    """List the jobs, the newest first."""
    with principal_session(on, local=True) as at:
        for job in at.platform.queues.jobs.latest(limit, None if at.who.operator else at.who.name):
            _print(at, job, as_json=as_json)


def show(id_: JobId, as_json: AsJson = False, *, on: PlatformOptions) -> None:
    """Show the state of a job."""
    with _theirs(id_, on) as (at, job):
        _print(at, job, as_json=as_json)
        if not as_json:  # as JSON it is in the job's words
            print_result(job, as_json=False)


def pause(id_: JobId, *, on: PlatformOptions) -> None:
    """Pause a job after its present step, in whichever process it runs."""
    with _theirs(id_, on) as (at, _):
        talk(f"job {at.platform.queues.jobs.pause(id_).id} is paused; `habarshy jobs resume {id_}` goes on")


def confirm(id_: JobId, yes: Yes = False, as_json: AsJson = False, *, on: PlatformOptions) -> None:
    """Start a counted job in this process, after showing its count."""
    with operator_session("jobs", on) as at:
        asked = at.platform.queues.jobs.job(id_)
        Orders(at.platform).check(asked, at.who)
        job = begin_counted(at.platform, asked, at.who.name, yes=yes, as_json=as_json)
        _print(at, job, as_json=as_json)
        report(job, as_json=as_json)


def resume(id_: JobId, as_json: AsJson = False, *, on: PlatformOptions) -> None:
    """Resume a job in this process: one that was paused, failed, or lost its process; or count it anew."""
    with _theirs(id_, on) as (at, asked):
        if not at.who.operator:
            Orders(at.platform).check(asked, at.who)
        job = resume_job(at.platform, asked)
        _print(at, job if job.counted else require_done(job), as_json=as_json)
        report(job, as_json=as_json)


def cancel(id_: JobId, *, on: PlatformOptions) -> None:
    """Cancel a job for good, and remove its leftovers."""
    with _theirs(id_, on) as (at, _):
        talk(f"job {JobControl(at.platform).cancel(id_).id} is cancelled")


@contextmanager
def _theirs(id_: int, on: PlatformOptions) -> Iterator[tuple[PrincipalSession, Job]]:
    """Open the platform with a job that the principal may see and decide on.

    Raises:
        NotAllowed: they are no operator, and somebody else asked for it.
    """
    with principal_session(on, local=True) as at:
        job = at.platform.queues.jobs.job(id_)
        if not at.who.operator and job.asked_by != at.who.name:
            raise NotAllowed(f"job {id_} is for operators and whoever asked for it; {at.who.name} is not one of them")
        yield at, job


def _print(at: PrincipalSession, job: Job, *, as_json: bool) -> None:
    alone = at.platform.queues.jobs.has_lost_process(job)
    if as_json:
        seconds = job.worked.total_seconds()
        told = {name: getattr(job, name) for name in Job.__struct_fields__ if name not in HIDDEN}
        plan = {"plan": job.counted.plan} if job.counted else {}
        print_json({**told, "worked": seconds, "alone": alone, **plan})
        return
    if job.counted is not None:
        print_line(f"job {job.id}: {job.counted.plan.what}; `habarshy jobs confirm {job.id}` begins it")
        return
    standing = f"{job.state}, but its process is gone" if alone else JobControl(at.platform).note(job) or job.state
    found = trouble(job) if has_result(job) else job.words
    words = f"; {found}" if found else ""
    asked_at = local_time(job.asked_at, zone_shown(at.platform.rules.library))
    worked = duration(job.worked.total_seconds())
    print_line(f"{line_of(job, job)}  {job.kind}  {standing}  {job.asked_by} {asked_at}, {worked}{words}")
