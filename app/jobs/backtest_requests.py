"""Requests for a backtest of a draft, from the workbench or over the API; it runs as a job."""

from collections.abc import Iterator
from datetime import UTC, date, datetime, time, timedelta, tzinfo

from msgspec import to_builtins

from app.backtests.job import BacktestArguments, parse_arguments
from app.jobs.job_threads import JobControl
from app.jobs.requests import BadOrder
from app.packs.draft_bench import LaidOutDraft
from domain.facts.principals import Principal, Role, require
from streams.queues.job_store import Jobs
from streams.queues.jobs import Job, JobState, UnknownJob, UnreadableJob
from streams.rules.approval import RuleApproval

KIND = "backtest"
LONGEST = timedelta(days=3 * 366)
"""The longest history that a backtest covers."""
_LATEST = 200
"""So many jobs are looked through for backtests."""


def period_of(first: date, last: date, zone: tzinfo) -> tuple[datetime, datetime]:
    """Return the period (UTC) from the beginning of the first day to that of the last, in that zone.

    Raises:
        BadOrder: the last day is not later or more than three years later; or the calendar has no such moment.
    """
    try:
        start, end = (datetime.combine(day, time(), zone).astimezone(UTC) for day in (first, last))
    except OverflowError:
        raise BadOrder("from", "there is no such day in history") from None
    if not timedelta() < end - start <= LONGEST:
        raise BadOrder("to", "must be a later day, three years at most")
    return start, end


def arguments_for(
    approval: RuleApproval, laid: LaidOutDraft, agency: str, period: tuple[datetime, datetime], *, caps: bool
) -> BacktestArguments:
    """Return the arguments of a backtest of the draft, compared with that agency's version in force, if there is one.

    The draft must have no findings that prevent its being played.
    """
    [source] = laid.pack().triggers
    live = approval.governed().current(source.name)
    against = live is not None and live.rules["owner"] == agency
    return BacktestArguments(
        agency, laid.text.pack, source.name, source.hash, source.rules, source.words, *period, caps, against
    )


def begin(job_control: JobControl, asked: BacktestArguments, who: Principal) -> Job:
    """Begin the backtest in this process. Raises Busy where another one is under way."""
    return job_control.begin(KIND, to_builtins(asked), who.name)


def backtest_of(jobs: Jobs, id_: int, who: Principal) -> tuple[Job, BacktestArguments]:
    """Return a backtest of their agency, with its arguments.

    Raises:
        NotAllowed: it is another agency's, or they neither write nor approve.
        UnknownJob: it is none.
    """
    job = jobs.job(id_)
    if job.kind != KIND:
        raise UnknownJob(id_)
    if (asked := parse_arguments(job.arguments)) is None:
        raise UnreadableJob(id_)
    require(who, Role.AUTHOR if Role.AUTHOR in who.roles else Role.APPROVER, asked.agency, f"job {id_}")
    return job, asked


def backtests(jobs: Jobs) -> Iterator[tuple[Job, BacktestArguments]]:
    """Yield the backtests among the latest jobs whose arguments can be read, with these, the newest first."""
    for job in jobs.latest(_LATEST):
        if job.kind == KIND and (asked := parse_arguments(job.arguments)) is not None:
            yield job, asked


def finished(
    jobs: Jobs, agency: str, trigger: str, hash_: str | None = None
) -> Iterator[tuple[Job, BacktestArguments]]:
    """Yield the finished backtests of a version, or of all of a trigger's versions, the newest first."""
    for job, asked in backtests(jobs):
        same = (asked.agency, asked.trigger) == (agency, trigger) and hash_ in (None, asked.hash)
        if job.state is JobState.DONE and same:
            yield job, asked
