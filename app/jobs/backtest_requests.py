"""Requests for a backtest of a draft, from the workbench or over the API; it runs as a job."""

from datetime import datetime, timedelta

from msgspec import to_builtins

from app.backtests.job import Asked, BacktestWork, asked_of
from app.compose import Platform
from app.jobs.job_threads import Hands
from app.packs.draft_bench import Laid
from domain.facts.principals import Principal, Role, require
from streams.queues.jobs import Job, UnknownJob, plan_of

KIND = "backtest"
LONGEST = timedelta(days=3 * 366)
"""Over so much history, at most."""


def asked_for(platform: Platform, laid: Laid, agency: str, start: datetime, end: datetime, *, caps: bool) -> Asked:
    """The draft as it is now, in which nothing hinders; compared with that agency's in force, if there is one."""
    [source] = laid.pack().triggers
    live = platform.rules.approval.governed().current(source.name)
    against = live is not None and live.rules["owner"] == agency
    return Asked(
        agency, laid.text.pack, source.name, source.hash, source.rules, source.words, start, end, caps, against
    )


def begin(platform: Platform, hands: Hands, asked: Asked, who: Principal) -> Job:
    """Have it played by this process. Raises Busy where another one is under way."""
    plain = to_builtins(asked)
    return hands.begin(KIND, plain, plan_of(BacktestWork(platform, plain)), who.name)


def backtest_of(platform: Platform, id_: int, who: Principal) -> tuple[Job, Asked]:
    """A backtest of their agency, and what was asked.

    Raises:
        NotAllowed: it is another agency's, or they neither write nor approve.
        UnknownJob: it is none.
    """
    job = platform.queues.jobs.job(id_)
    if job.kind != KIND:
        raise UnknownJob(id_)
    asked = asked_of(job.arguments)
    require(who, Role.AUTHOR if Role.AUTHOR in who.roles else Role.APPROVER, asked.agency, f"job {id_}")
    return job, asked
