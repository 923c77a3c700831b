"""habarshy jobs: long work over history; who asked for it, how far it has come; pause, resume, cancel."""

from typing import Annotated

import typer

from app.desk import Desk, operators
from app.job_ends import end, tells, wrong
from app.job_ends import show as show_end
from app.job_kinds import work_of
from app.jobs import begin_counted, finished, go_on
from app.options import AsJson, DatabaseUrl, KeyFile, Yes
from app.orders import Orders
from app.progress import duration, line_of
from app.terminal import data, data_json, talk
from streams.jobs import Job

JobId = Annotated[int, typer.Argument(metavar="ID", min=1, help="The number of a job.")]
Limit = Annotated[int, typer.Option("--limit", min=1, help="At most so many.")]


def list_jobs(
    limit: Limit = 20, as_json: AsJson = False, database: DatabaseUrl = None, key_file: KeyFile = None
) -> None:
    """Print the jobs, the newest first."""
    with operators("jobs", database, key_file) as at:
        for job in at.platform.jobs.latest(limit):
            _print(at, job, as_json=as_json)


def show(id_: JobId, as_json: AsJson = False, database: DatabaseUrl = None, key_file: KeyFile = None) -> None:
    """Print how a job stands."""
    with operators("jobs", database, key_file) as at:
        job = at.platform.jobs.job(id_)
        _print(at, job, as_json=as_json)
        if not as_json:  # as JSON it is in the job's words
            show_end(job, as_json=False)


def pause(id_: JobId, database: DatabaseUrl = None, key_file: KeyFile = None) -> None:
    """Have a job stop after its present step, wherever it runs."""
    with operators("jobs", database, key_file) as at:
        talk(f"job {at.platform.jobs.pause(id_).id} is paused; `habarshy jobs resume {id_}` goes on")


def confirm(
    id_: JobId, yes: Yes = False, as_json: AsJson = False, database: DatabaseUrl = None, key_file: KeyFile = None
) -> None:
    """Begin a job that was counted, in this process; it is said first what was counted."""
    with operators("jobs", database, key_file) as at:
        asked = at.platform.jobs.job(id_)
        Orders(at.platform).check(asked, at.who)
        job = finished(begin_counted(at.platform, asked, at.who.name, yes=yes, as_json=as_json))
        _print(at, job, as_json=as_json)
        end(job, as_json=as_json)


def resume(id_: JobId, as_json: AsJson = False, database: DatabaseUrl = None, key_file: KeyFile = None) -> None:
    """Go on with a job in this process: one that was paused, failed, or lost its process; or count it anew."""
    with operators("jobs", database, key_file) as at:
        job = go_on(at.platform, at.platform.jobs.job(id_))
        _print(at, job if job.counted else finished(job), as_json=as_json)
        end(job, as_json=as_json)


def cancel(id_: JobId, database: DatabaseUrl = None, key_file: KeyFile = None) -> None:
    """End a job for good; what it left behind goes."""
    with operators("jobs", database, key_file) as at:
        work = work_of(at.platform, at.platform.jobs.job(id_))
        talk(f"job {at.platform.jobs.cancel(id_, work).id} is cancelled")


def _print(at: Desk, job: Job, *, as_json: bool) -> None:
    alone = at.platform.jobs.is_alone(job)
    if as_json:
        seconds = job.worked.total_seconds()
        told = {name: getattr(job, name) for name in Job.__struct_fields__ if name not in ("claim", "cursor", "lane")}
        plan = {"plan": job.counted.plan} if job.counted else {}
        data_json({**told, "worked": seconds, "alone": alone, **plan})
        return
    if job.counted is not None:
        data(f"job {job.id}: {job.counted.plan.what}; `habarshy jobs confirm {job.id}` begins it")
        return
    standing = f"{job.state}, but its process is gone" if alone else job.state
    found = wrong(job) if tells(job) else job.words
    words = f"; {found}" if found else ""
    data(
        f"{line_of(job, job)}  {job.kind}  {standing}  "
        f"{job.asked_by} {job.asked_at:%Y-%m-%d %H:%M}Z, {duration(job.worked.total_seconds())}{words}"
    )
