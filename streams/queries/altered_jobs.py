"""Jobs that somebody without our key wrote or changed in the database."""

from collections.abc import Mapping

import msgspec
from msgspec import Struct
from sqlalchemy import Connection

from streams.queues import job_rows
from streams.queues.jobs import Job, JobState
from streams.replay import sample
from streams.replay.verify import Verified

LATEST = 20
"""The latest jobs that are looked at, besides those that may still begin."""


class ComparedViews(Struct, frozen=True):
    """The result of a rebuild: view -> rows that differed."""

    differences: dict[str, int]


class SentAgain(Struct, frozen=True):
    """The result of sending events to Kafka again."""

    records: int
    topic: str


class AuditCounts(Struct, frozen=True):
    """The counts of an audit, without those of each kind of finding."""

    facts: int
    blocks: int
    unchained: int
    findings: int


RESULTS: Mapping[str, type[Struct]] = {
    "replay views": ComparedViews,
    "replay verify": Verified,
    sample.KIND: Verified,
    "replay kafka": SentAgain,
    "audit verify": AuditCounts,
}
"""Kind -> shape of its result, where that is for programs."""


def has_result(job: Job) -> bool:
    """Return True for a job that is done and has a result for programs, readable or not."""
    return job.state is JobState.DONE and job.confirmed and job.kind in RESULTS


def is_readable(job: Job) -> bool:
    """Return False for a job with a result that cannot be read."""
    try:
        return not has_result(job) or bool(msgspec.json.decode(job.words, type=RESULTS[job.kind]))
    except msgspec.DecodeError:
        return False


def altered_jobs(connection: Connection) -> dict[int, str]:
    """Return number -> kind of the jobs that were altered: no code of ours, or a row or result that cannot be read.

    Of results only the last one of each kind counts.
    """
    last: dict[str, Job] = {}
    for job in job_rows.latest(connection, LATEST):
        if job.state is JobState.DONE:
            last.setdefault(job.kind, job)
    unreadable = {job.id: kind for kind, job in last.items() if not is_readable(job)}
    return job_rows.altered(connection, LATEST) | unreadable
