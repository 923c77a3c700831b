"""habarshy jobs: long work over history; who asked for it, how far it has come; pause, resume, cancel."""

from typing import Annotated

import typer

from app.desk import Desk, operators
from app.job_kinds import work_of
from app.jobs import finished, go_on
from app.options import AsJson, DatabaseUrl, KeyFile
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
        _print(at, at.platform.jobs.job(id_), as_json=as_json)


def pause(id_: JobId, database: DatabaseUrl = None, key_file: KeyFile = None) -> None:
    """Have a job stop after its present step, wherever it runs."""
    with operators("jobs", database, key_file) as at:
        talk(f"job {at.platform.jobs.pause(id_).id} is paused; `habarshy jobs resume {id_}` goes on")


def resume(id_: JobId, as_json: AsJson = False, database: DatabaseUrl = None, key_file: KeyFile = None) -> None:
    """Go on with a job in this process: one that was paused, failed, or lost its process."""
    with operators("jobs", database, key_file) as at:
        job = finished(go_on(at.platform, at.platform.jobs.job(id_)))
        _print(at, job, as_json=as_json)


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
        data_json({**told, "worked": seconds, "alone": alone})
        return
    standing = "running, but its process is gone" if alone else job.state
    words = f"; {job.words}" if job.words else ""
    data(
        f"{line_of(job, job)}  {job.kind}  {standing}  "
        f"{job.asked_by} {job.asked_at:%Y-%m-%d %H:%M}Z, {duration(job.worked.total_seconds())}{words}"
    )
