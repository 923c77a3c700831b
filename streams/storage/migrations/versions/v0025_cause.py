"""Why the outcome of a message is unknown, and its provider, so that the database can count such messages."""

from collections.abc import Iterator
from typing import Any

import msgspec
import sqlalchemy as sa
from alembic import op

from projections.tables import Id, Pseudonym

revision = "0025"
down_revision = "0024"

PAGE = 5000
DELIVERIES = 3
RECIPIENT, STATE, DUE, REASON, DIGEST, PROVIDER, CLOSED = 0, 1, 2, 7, 10, 11, 19
"""The places of these fields in a stored nudge, and in each of its deliveries."""
inbox = sa.table("inbox", *(sa.column(name) for name in ("state", "cause", "provider")), sa.column("nudge", Id))
inbox.append_column(sa.column("recipient", Pseudonym))
nudges = sa.table("nudges", sa.column("folded"), sa.column("nudge", Id))
KEY = (inbox.c.recipient, inbox.c.nudge)


def upgrade() -> None:
    """Add two columns, filled from the nudges that the rows are of, and an index of the rows that have them."""
    op.add_column("inbox", sa.Column("cause", sa.String))
    op.add_column("inbox", sa.Column("provider", sa.String))
    connection = op.get_bind()
    for page in _pages(connection):
        _set(connection, page)
    there = sa.text("cause IS NOT NULL")
    op.create_index(
        "inbox_cause", "inbox", ["cause", "provider", "channel"], sqlite_where=there, postgresql_where=there
    )


def _pages(connection: sa.Connection) -> Iterator[list[Any]]:
    unknown = inbox.c.state == sa.literal_column("'unknown'")
    query = sa.select(*KEY, nudges.c.folded).join(nudges, nudges.c.nudge == inbox.c.nudge).where(unknown)
    query = query.order_by(*KEY).limit(PAGE)
    page = connection.execute(query).all()
    while page:
        yield list(page)
        last = (sa.literal(value, column.type) for value, column in zip(page[-1][:2], KEY, strict=True))
        page = connection.execute(query.where(sa.tuple_(*KEY) > sa.tuple_(*last))).all()


def _set(connection: sa.Connection, page: list[Any]) -> None:
    found = [(row, cause) for row in page if (cause := _cause(row.folded, row.recipient)) is not None]
    if not found:
        return
    this = [column == sa.bindparam(f"_{column.name}", type_=column.type) for column in KEY]
    connection.execute(
        sa.update(inbox).where(*this).values(cause=sa.bindparam("_cause"), provider=sa.bindparam("_provider")),
        [
            {"_recipient": row.recipient, "_nudge": row.nudge, "_cause": cause, "_provider": provider}
            for row, (cause, provider) in found
        ],
    )


def _cause(folded: bytes, recipient: str) -> tuple[str, str] | None:
    """Return the cause and the provider if nothing more is tried, it goes with no digest and nobody closed it."""
    for delivery in msgspec.msgpack.decode(folded)[DELIVERIES]:
        if delivery[RECIPIENT] != recipient:
            continue
        closed = len(delivery) > CLOSED and delivery[CLOSED]
        if delivery[STATE] == "unknown" and delivery[DUE] is None and delivery[DIGEST] is None and not closed:
            return delivery[REASON] or "", delivery[PROVIDER] or ""
    return None
