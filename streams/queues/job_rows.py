"""The rows of jobs: reading, changing, and checking that a count still holds when it is confirmed."""

from collections.abc import Collection, Iterable
from contextlib import suppress
from datetime import datetime, timedelta
from typing import Any

import msgspec
from msgspec.structs import replace
from sqlalchemy import Connection, Row, select, update

from domain.core.translatable import Number, Said, Words, from_stored
from projections import governance
from projections.tables import micros, moment, optional_moment
from streams.log.row_codes import codes_of
from streams.queues.jobs import (
    AT_WORK,
    ENDED,
    HOLDS_LANE,
    ForgedJob,
    Job,
    JobState,
    Plan,
    Stale,
    UnknownJob,
    UnreadableJob,
)
from streams.storage.leadership import Lane
from streams.storage.tables import jobs


def change(connection: Connection, job: Job, *, ours: bool = False, **changes: Any) -> bool:
    """Change columns and return whether that was done; `ours`: only if the claim still holds and is not cancelled.

    A job that ends loses its code, so nobody can have it begin anew by changing its row.
    """
    if changes.get("state") in ENDED:
        changes["code"] = None
    these = update(jobs).where(jobs.c.id == job.id)
    if ours:
        these = these.where(jobs.c.claim == job.claim, jobs.c.state != JobState.CANCELLED.value)
    return connection.execute(these.values(changes)).rowcount > 0


def unfinished(connection: Connection, lane: Lane) -> Job | None:
    """Return the unfinished job of that lane, running or not."""
    query = select(jobs).where(jobs.c.lane == lane.value, jobs.c.state.in_(HOLDS_LANE)).order_by(jobs.c.id)
    return next(iter(readable(connection.execute(query))), None)


def others_under_way(connection: Connection, id_: int) -> bool:
    """Return True if another job than this is at work, or about to begin."""
    other = (jobs.c.id != id_, jobs.c.state.in_((JobState.PLANNED, *AT_WORK)))
    return connection.execute(select(jobs.c.id).where(*other).limit(1)).first() is not None


def last_of(connection: Connection, kind: str, states: Collection[JobState] = tuple(JobState)) -> Job | None:
    """Return the newest job of that kind in one of these states."""
    these = (jobs.c.kind == kind, jobs.c.state.in_([state.value for state in states]))
    found = readable(connection.execute(select(jobs).where(*these).order_by(jobs.c.id.desc()).limit(1)))
    return found[0] if found else None


def latest(connection: Connection, limit: int, asked_by: str | None = None) -> list[Job]:
    """Return up to `limit` jobs that can be read, the newest first; with `asked_by` only that person's."""
    query = select(jobs).order_by(jobs.c.id.desc()).limit(limit)
    return readable(connection.execute(query if asked_by is None else query.where(jobs.c.asked_by == asked_by)))


def later_job_in_lane(connection: Connection, job: Job) -> Job | None:
    """Return another job of its lane that worked after the job's last step."""
    after = (jobs.c.lane == job.lane.value, jobs.c.id != job.id, jobs.c.changed_at > micros(job.changed_at))
    done = (jobs.c.confirmed_by.is_not(None), jobs.c.began_at.is_not(None))
    found = readable(connection.execute(select(jobs).where(*after, *done).order_by(jobs.c.id.desc()).limit(1)))
    return found[0] if found else None


def job_with_id(connection: Connection, id_: int) -> Job:
    """Return the job. Raises UnknownJob where there is none of that number, or it cannot be read."""
    row = connection.execute(select(jobs).where(jobs.c.id == id_)).first()
    if row is None:
        raise UnknownJob(id_)
    return job_of(row)


_ORDER = ("id", "kind", "lane", "arguments", "asked_by", "asked_at", "confirmed_by")
"""The columns that say what is to be done, and who wants it."""


def sign(connection: Connection, id_: int) -> None:
    """Give a job the code of what was asked for, or confirmed, in this transaction."""
    row = connection.execute(select(jobs).where(jobs.c.id == id_)).one()
    connection.execute(update(jobs).where(jobs.c.id == id_).values(code=_code(connection, row)))


def refuse_forged(connection: Connection, id_: int) -> None:
    """Check that a job carries the code of what it is to do. Raises ForgedJob where it does not."""
    if is_forged(connection, id_):
        raise ForgedJob(
            Words(
                "{job} carries no code of this platform, so nothing of it is done: somebody wrote it into the "
                "database, or it was asked for before an upgrade. If it is wanted, ask for it again.",
                job=job_with_id(connection, id_).told,
            )
        )


def is_forged(connection: Connection, id_: int) -> bool:
    """Return True for a job that does not carry the code of what it is to do."""
    row = connection.execute(select(jobs).where(jobs.c.id == id_)).one()
    return bool(row.code != _code(connection, row))


def altered(connection: Connection, newest: int) -> dict[int, str]:
    """Return number -> kind of the jobs that our processes did not write so.

    Those that may begin and carry no valid code; and those that cannot be read, of the `newest` and of these.
    """
    pending = connection.execute(select(jobs).where(jobs.c.state.not_in(ENDED))).all()
    newer = connection.execute(select(jobs).order_by(jobs.c.id.desc()).limit(newest)).all()
    wrong = [row for row in pending if row.code != _code(connection, row)]
    wrong += [row for row in (*pending, *newer) if not readable([row])]
    return {row.id: str(row.kind) for row in wrong}


def _code(connection: Connection, row: Row[Any]) -> bytes:
    return codes_of(connection).job_code([row._mapping[name] for name in _ORDER])  # noqa: SLF001  (public, so named)


def job_of(row: Row[Any]) -> Job:
    """Return the job of a row. Raises UnreadableJob where the row has values that no job has."""
    try:
        given = {name: getattr(row, name) for name in Job.__struct_fields__} | {
            "lane": Lane(row.lane),
            "state": JobState(row.state),
            "arguments": msgspec.json.decode(row.arguments, type=dict[str, Any]),
            "asked_at": moment(row.asked_at),
            "began_at": optional_moment(row.began_at),
            "changed_at": moment(row.changed_at),
            "worked": timedelta(microseconds=row.worked),
        }
        job = msgspec.convert(given, Job)
        _ = job.counted
    except (ValueError, TypeError, OverflowError) as error:  # msgspec's is a ValueError
        raise UnreadableJob(row.id) from error
    return replace(job, words=from_stored(row.words))


def readable(rows: Iterable[Row[Any]]) -> list[Job]:
    """Return the jobs of the rows that can be read."""
    found = []
    for row in rows:
        with suppress(UnreadableJob):
            found.append(job_of(row))
    return found


COUNT_HOLDS_FOR = timedelta(days=1)


def refuse_stale(connection: Connection, job: Job, plan: Plan, seen: int, now: datetime) -> None:
    """Check that the count is the one that was `seen`, and still holds. Facts added since are left to the job.

    Raises:
        Stale: it does not; with the reason.
    """
    if plan.count != seen:
        raise Stale(
            job,
            Words(
                "{count} {unit} were counted, not {seen}",
                count=Number(plan.count),
                unit=Said(plan.unit),
                seen=Number(seen),
            ),
        )
    if now - job.changed_at > COUNT_HOLDS_FOR:
        raise Stale(job, Said("it was counted more than a day ago"))
    if plan.rules is None:
        return
    if governance.latest(connection) != plan.rules:
        raise Stale(job, Said("the rules have changed since"))
    if (other := later_job_in_lane(connection, job)) is not None:
        raise Stale(job, Words("{job} was at work since", job=other.told))
