"""The end of every message that was tried, so that an inbox finds what is still to be done, however old it is."""

from collections.abc import Iterator
from typing import Any

import msgspec
import sqlalchemy as sa
from alembic import op

from projections.tables import ENDLESS, Id, Pseudonym, micros

revision = "0037"
down_revision = "0036"

PAGE = 5000
INTENT, EXPIRES, MOOT_FROM = 0, 7, 11
DONE, RECIPIENT = 6, 1
"""The places of these fields in a stored nudge, in its intent, and in the facts that say that something was done."""
inbox = sa.table("inbox", sa.column("open_until"), sa.column("nudge", Id), sa.column("recipient", Pseudonym))
nudges = sa.table("nudges", sa.column("folded"), sa.column("nudge", Id))
KEY = (inbox.c.recipient, inbox.c.nudge)


def upgrade() -> None:
    """Add a column, filled from the nudges that the rows are of."""
    op.add_column("inbox", sa.Column("open_until", sa.BigInteger))
    connection = op.get_bind()
    for page in _pages(connection):
        _set(connection, page)


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
    connection.execute(
        sa.update(inbox).where(*this).values(open_until=sa.bindparam("_open_until", type_=sa.BigInteger)),
        [
            {"_recipient": row.recipient, "_nudge": row.nudge, "_open_until": _found(row.folded, row.recipient)}
            for row in page
        ],
    )


def _found(folded: bytes, recipient: str) -> int | None:
    nudge = msgspec.msgpack.decode(folded)
    intent, done = nudge[INTENT], nudge[DONE] if len(nudge) > DONE else ()
    moot_from = intent[MOOT_FROM] if len(intent) > MOOT_FROM else None
    if moot_from is not None or any(each[RECIPIENT] == recipient for each in done):
        return None
    return ENDLESS if intent[EXPIRES] is None else micros(intent[EXPIRES])
