"""The kinds of jobs, each with how its work is made again from its arguments, by any process."""

from collections.abc import Callable, Mapping
from typing import Any

from msgspec import Struct, convert

from app.backtests.job import BacktestWork
from app.compose import Platform
from app.jobs import replay_jobs
from app.jobs.erasure_job import erasure
from domain.core.translatable import Words
from streams.queues.jobs import Job, Work
from streams.replay import sample
from streams.replay.backfill import BackfillRequest
from streams.replay.repair import GapFilter
from streams.replay.retry_failed import Outage
from streams.replay.unknown_outcomes import OutcomeFilter, Resolution
from streams.storage.leadership import Lane


class UnknownKind(Exception):
    """Raised for a job whose kind this version does not know."""

    def __init__(self, job: Job) -> None:
        super().__init__(Words("{job}: this version knows no such kind of job.", job=job.told))


class JobKind(Struct, frozen=True):
    """A kind of job: what it gets in the way of, how its work is made from its arguments and its number (`job`)."""

    lane: Lane
    work: Callable[[Platform, Mapping[str, Any]], Work]


KINDS: Mapping[str, JobKind] = {
    "repair": JobKind(Lane.NUDGES, lambda on, given: on.replay.repair.work(convert(given, GapFilter))),
    "backfill": JobKind(
        Lane.NUDGES,
        lambda on, given: on.replay.backfill.work(convert(given["further"], BackfillRequest), given["by"]),
    ),
    "repair-failed": JobKind(
        Lane.NUDGES, lambda on, given: on.replay.retry_failed.work(convert(given["outage"], Outage), given["by"])
    ),
    "resolve-unknown": JobKind(
        Lane.NUDGES,
        lambda on, given: on.replay.unknown_outcomes.work(
            convert(given["which"], OutcomeFilter), Resolution(given["how"]), given["by"], given["why"]
        ),
    ),
    "replay views": JobKind(Lane.VIEWS, replay_jobs.views),
    "replay kafka": JobKind(Lane.KAFKA, replay_jobs.kafka),
    "replay verify": JobKind(Lane.VIEWS, replay_jobs.verify),
    sample.KIND: JobKind(Lane.SAMPLE, replay_jobs.sample),
    "audit verify": JobKind(Lane.AUDIT, replay_jobs.audit),
    "backtest": JobKind(Lane.BACKTEST, BacktestWork),
    "erase": JobKind(Lane.ERASURE, erasure),
}
"""Every kind of job by its name, which is kept: a job may be taken up again by a later version."""


_NAMES_WHO_CONFIRMED = ("backfill", "repair-failed", "resolve-unknown")


def planned_work(platform: Platform, kind: str, arguments: Mapping[str, Any]) -> Work:
    """Return the work of a job that does not exist yet, to see what it would do."""
    return KINDS[kind].work(platform, {**arguments, "job": 0})


def work_of(platform: Platform, job: Job) -> Work:
    """Return the work of an existing job, whose facts name who confirmed it, as far as that is known.

    An erasure names who asked for it, with their agency. Raises UnknownKind where no such kind is known here.
    """
    if job.kind not in KINDS:
        raise UnknownKind(job)
    arguments = {**job.arguments, "job": job.id}
    if job.confirmed_by and job.kind in _NAMES_WHO_CONFIRMED:
        arguments["by"] = job.confirmed_by
    return KINDS[job.kind].work(platform, arguments)
