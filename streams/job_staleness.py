"""Whether what was counted is still what a job would do: people confirm what they have seen, and nothing else."""

from datetime import datetime, timedelta

from sqlalchemy import Connection

from projections import governance
from streams.job_rows import worked_since
from streams.jobs import Job, Plan, Stale

GOOD_FOR = timedelta(days=1)


def refuse_stale(connection: Connection, job: Job, plan: Plan, seen: int, now: datetime) -> None:
    """Nothing, if the count is as it was `seen` and still holds; facts that came meanwhile are looked at by the job.

    Raises:
        Stale: with why.
    """
    if plan.count != seen:
        raise Stale(job, f"{plan.count:,} {plan.unit} were counted, not {seen:,}")
    if now - job.changed_at > GOOD_FOR:
        raise Stale(job, "it was counted more than a day ago")
    if plan.rules is None:
        return
    if governance.latest(connection) != plan.rules:
        raise Stale(job, "the rules have changed since")
    if (other := worked_since(connection, job)) is not None:
        raise Stale(job, f"{other} was at work since")
