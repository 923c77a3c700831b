"""Requests for a backtest of a draft, from the workbench or over the API; it runs as a job."""

from datetime import UTC, date, datetime, time, timedelta, tzinfo

from msgspec import to_builtins

from app.backtests.job import Asked, asked_of
from app.jobs.job_threads import Hands
from app.jobs.requests import BadOrder
from app.packs.draft_bench import Laid
from domain.facts.principals import Principal, Role, require
from streams.queues.job_store import Jobs
from streams.queues.jobs import Job, UnknownJob, UnreadableJob
from streams.rules.approval import RuleApproval

KIND = "backtest"
LONGEST = timedelta(days=3 * 366)
"""The longest history that a backtest covers."""


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


def asked_for(
    approval: RuleApproval, laid: Laid, agency: str, period: tuple[datetime, datetime], *, caps: bool
) -> Asked:
    """Return the arguments of a backtest of the draft, compared with that agency's version in force, if there is one.

    The draft must have no findings that prevent its being played.
    """
    [source] = laid.pack().triggers
    live = approval.governed().current(source.name)
    against = live is not None and live.rules["owner"] == agency
    return Asked(agency, laid.text.pack, source.name, source.hash, source.rules, source.words, *period, caps, against)


def begin(hands: Hands, asked: Asked, who: Principal) -> Job:
    """Begin the backtest in this process. Raises Busy where another one is under way."""
    return hands.begin(KIND, to_builtins(asked), who.name)


def backtest_of(jobs: Jobs, id_: int, who: Principal) -> tuple[Job, Asked]:
    """Return a backtest of their agency, with its arguments.

    Raises:
        NotAllowed: it is another agency's, or they neither write nor approve.
        UnknownJob: it is none.
    """
    job = jobs.job(id_)
    if job.kind != KIND:
        raise UnknownJob(id_)
    if (asked := asked_of(job.arguments)) is None:
        raise UnreadableJob(id_)
    require(who, Role.AUTHOR if Role.AUTHOR in who.roles else Role.APPROVER, asked.agency, f"job {id_}")
    return job, asked
