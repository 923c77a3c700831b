"""The outbox: which life events agencies have yet to be told of. Kept with the event, so that none is forgotten."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from uuid import UUID

from msgspec import Struct
from sqlalchemy import Connection, and_, delete, func, select, update

from domain.core.events import LifeEvent
from domain.rules.replies import concerns_agency
from projections.bulk import among, insert_rows
from projections.tables import micros
from streams.storage.tables import webhooks


class Waiting(Struct, frozen=True):
    """An event that an agency is to be told of; `attempts`: how often that was tried."""

    event: UUID
    attempts: int


def note(connection: Connection, events: Iterable[LifeEvent], now: datetime) -> None:
    """Keep those of the new events that answer a nudge: its agency is told."""
    rows = [(each.stream, micros(now), 0) for each in events if concerns_agency(each)]
    if rows:
        insert_rows(connection, webhooks, rows, ignore=True)


def put_back(connection: Connection, event: UUID, now: datetime) -> None:
    """Try once more, as if it were new."""
    insert_rows(connection, webhooks, [(event, micros(now), 0)], ignore=True)


def claim(connection: Connection, now: datetime, until: datetime, limit: int) -> list[Waiting]:
    """Those whose turn has come; nobody else gets them until then."""
    free = (
        select(webhooks.c.event)
        .where(webhooks.c.due_at <= micros(now))
        .order_by(webhooks.c.due_at)
        .limit(limit)
        .with_for_update(skip_locked=True)
        .cte("free")
    )
    statement = update(webhooks).where(webhooks.c.event == free.c.event).values(due_at=micros(until))
    rows = connection.execute(statement.returning(webhooks.c.event, webhooks.c.attempts))
    return [Waiting(row.event, row.attempts) for row in rows]


def done(connection: Connection, events: Sequence[UUID]) -> None:
    """They were told, or nobody wants to be told."""
    connection.execute(delete(webhooks).where(among(webhooks.c.event, events)))


def total(connection: Connection) -> int:
    """How many agencies have yet to be told of, whoever they are."""
    return connection.execute(select(func.count()).select_from(webhooks)).scalar_one()


def forget(connection: Connection, before: datetime) -> None:
    """Let go of what nobody has looked at since then: no process has an agency to tell."""
    connection.execute(delete(webhooks).where(webhooks.c.due_at < micros(before)))


def put_off(connection: Connection, events: Sequence[UUID], at: datetime) -> None:
    """They were not tried; their turn comes then."""
    if events:
        connection.execute(update(webhooks).where(among(webhooks.c.event, events)).values(due_at=micros(at)))


def again(connection: Connection, waiting: Waiting, at: datetime) -> None:
    """An attempt failed; the next one is then."""
    these = and_(webhooks.c.event == waiting.event, webhooks.c.attempts == waiting.attempts)
    connection.execute(update(webhooks).where(these).values(attempts=waiting.attempts + 1, due_at=micros(at)))
