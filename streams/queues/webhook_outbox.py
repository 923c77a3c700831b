"""The outbox of webhooks to agencies. An entry is committed together with its life event, so that none is lost."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from uuid import UUID

from msgspec import Struct
from sqlalchemy import Connection, and_, delete, func, select, update

from domain.core.events import LifeEvent
from domain.persons.replies import concerns_agency
from projections.bulk import among, insert_rows
from projections.tables import micros
from streams.storage.tables import webhooks


class WaitingWebhook(Struct, frozen=True):
    """An event whose webhook is to be sent; `attempts`: the failed attempts so far."""

    event: UUID
    attempts: int


def note(connection: Connection, events: Iterable[LifeEvent], now: datetime) -> None:
    """Add the new events that answer a nudge, for the nudge's agency."""
    rows = [(event.stream, micros(now), 0) for event in events if concerns_agency(event)]
    if rows:
        insert_rows(connection, webhooks, rows, ignore=True)


def put_back(connection: Connection, event: UUID, now: datetime) -> None:
    """Add the event again, as if it were new."""
    insert_rows(connection, webhooks, [(event, micros(now), 0)], ignore=True)


def claim(connection: Connection, now: datetime, until: datetime, limit: int) -> list[WaitingWebhook]:
    """Claim and return the due entries; no other process gets them before `until`."""
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
    return [WaitingWebhook(row.event, row.attempts) for row in rows]


def delete_done(connection: Connection, events: Sequence[UUID]) -> None:
    """Delete entries that were sent, or that no agency wants."""
    connection.execute(delete(webhooks).where(among(webhooks.c.event, events)))


def total(connection: Connection) -> int:
    """Return the number of entries, for all agencies."""
    return connection.execute(select(func.count()).select_from(webhooks)).scalar_one()


def tidy(connection: Connection, before: datetime) -> None:
    """Delete entries that were due before then: no process sends webhooks to their agency."""
    connection.execute(delete(webhooks).where(webhooks.c.due_at < micros(before)))


def put_off(connection: Connection, events: Sequence[UUID], at: datetime) -> None:
    """Make entries due at that time, without counting an attempt."""
    if events:
        connection.execute(update(webhooks).where(among(webhooks.c.event, events)).values(due_at=micros(at)))


def retry_at(connection: Connection, waiting: WaitingWebhook, at: datetime) -> None:
    """Count a failed attempt, and make the entry due at that time."""
    these = and_(webhooks.c.event == waiting.event, webhooks.c.attempts == waiting.attempts)
    connection.execute(update(webhooks).where(these).values(attempts=waiting.attempts + 1, due_at=micros(at)))
