"""The trigger and the provider of every message that was tried, so that operators can search for messages."""

from collections.abc import Iterator
from typing import Any

import msgspec
import sqlalchemy as sa
from alembic import op

from projections.tables import Id, Pseudonym

revision = "0029"
down_revision = "0028"

PAGE = 5000
INTENT, TRIGGER = 0, 2
DELIVERIES = 3
RECIPIENT, PROVIDER = 0, 11
"""The places of these fields in a stored nudge, in its intent and in each of its deliveries."""
inbox = sa.table("inbox", *(sa.column(name) for name in ("trigger", "provider")), sa.column("nudge", Id))
inbox.append_column(sa.column("recipient", Pseudonym))
nudges = sa.table("nudges", sa.column("folded"), sa.column("nudge", Id))
KEY = (inbox.c.recipient, inbox.c.nudge)


def upgrade() -> None:
    """Add a column, filled with the provider from the nudges that the rows are of, and the indexes of a search."""
    op.add_column("inbox", sa.Column("trigger", sa.String))
    connection = op.get_bind()
    for page in _pages(connection):
        _set(connection, page)
    op.create_index("inbox_at", "inbox", ["at"])
    for state in ("failed", "unknown"):
        there = sa.text(f"state = '{state}'")
        op.create_index(f"inbox_{state}_at", "inbox", ["at"], sqlite_where=there, postgresql_where=there)


def _pages(connection: sa.Connection) -> Iterator[list[Any]]:
    query = sa.select(*KEY, nudges.c.folded).join(nudges, nudges.c.nudge == inbox.c.nudge)
    query = query.order_by(*KEY).limit(PAGE)
    page = connection.execute(query).all()
    while page:
        yield list(page)
        last = (sa.literal(value, column.type) for value, column in zip(page[-1][:2], KEY, strict=True))
        page = connection.execute(query.where(sa.tuple_(*KEY) > sa.tuple_(*last))).all()


def _set(connection: sa.Connection, page: list[Any]) -> None:
    this = [column == sa.bindparam(f"_{column.name}", type_=column.type) for column in KEY]
    provider = sa.func.coalesce(inbox.c.provider, sa.bindparam("_provider", type_=sa.String))
    connection.execute(
        sa.update(inbox).where(*this).values(trigger=sa.bindparam("_trigger"), provider=provider),
        [
            {"_recipient": row.recipient, "_nudge": row.nudge, "_trigger": trigger, "_provider": provider}
            for row in page
            for trigger, provider in [_found(row.folded, row.recipient)]
        ],
    )


def _found(folded: bytes, recipient: str) -> tuple[str, str | None]:
    nudge = msgspec.msgpack.decode(folded)
    providers = (
        each[PROVIDER] for each in nudge[DELIVERIES] if each[RECIPIENT] == recipient and len(each) > PROVIDER
    )
    return nudge[INTENT][TRIGGER], next(providers, None)
