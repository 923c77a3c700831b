"""Since when each due delivery could go: an old event that was reported late is not overdue when it comes."""

from collections.abc import Iterator
from typing import Any

import msgspec
import sqlalchemy as sa
from alembic import op

from projections.tables import Id, micros

revision = "0022"
down_revision = "0021"

PAGE = 5000
PLANNED_AT = 2
"""The place of `planned_at` in a stored nudge."""
due = sa.table("due", *(sa.column(name) for name in ("due_at", "rank", "recipient", "since")), sa.column("nudge", Id))
nudges = sa.table("nudges", sa.column("folded"), sa.column("nudge", Id))
KEY = (due.c.due_at, due.c.rank, due.c.nudge, due.c.recipient)


def upgrade() -> None:
    """Add a column, filled from the nudges that the rows are of."""
    op.add_column("due", sa.Column("since", sa.BigInteger, nullable=False, server_default="0"))
    connection = op.get_bind()
    connection.execute(sa.update(due).values(since=due.c.due_at))
    for page in _pages(connection):
        _set(connection, page)


def _pages(connection: sa.Connection) -> Iterator[list[Any]]:
    query = sa.select(*KEY, nudges.c.folded).join(nudges, nudges.c.nudge == due.c.nudge).order_by(*KEY).limit(PAGE)
    page = connection.execute(query).all()
    while page:
        yield list(page)
        last = (sa.literal(value, column.type) for value, column in zip(page[-1][:4], KEY, strict=True))
        page = connection.execute(query.where(sa.tuple_(*KEY) > sa.tuple_(*last))).all()


def _set(connection: sa.Connection, page: list[Any]) -> None:
    late = [(row, planned) for row in page if (planned := _planned_at(row.folded)) > row.due_at]
    if not late:
        return
    this = [column == sa.bindparam(f"_{column.name}") for column in KEY]
    connection.execute(
        sa.update(due).where(*this).values(since=sa.bindparam("_since")),
        [
            {
                "_due_at": row.due_at,
                "_rank": row.rank,
                "_nudge": row.nudge,
                "_recipient": row.recipient,
                "_since": planned,
            }
            for row, planned in late
        ],
    )


def _planned_at(folded: bytes) -> int:
    return micros(msgspec.msgpack.decode(folded)[PLANNED_AT])
