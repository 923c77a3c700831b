"""Lanes in the due table, so that where rates bind no trigger's backlog is in front of another's deliveries."""

from collections.abc import Iterator
from typing import Any

import msgspec
import sqlalchemy as sa
from alembic import op

from projections.lanes import lane_of
from projections.tables import Id

revision = "0008"
down_revision = "0007"

PAGE = 5000
due = sa.table("due", *(sa.column(name) for name in ("due_at", "rank", "recipient", "lane")), sa.column("nudge", Id))
nudges = sa.table("nudges", sa.column("folded"), sa.column("nudge", Id))
KEY = (due.c.due_at, due.c.rank, due.c.nudge, due.c.recipient)


def upgrade() -> None:
    """A column, known from the nudges that the rows are of, and an index."""
    op.add_column("due", sa.Column("lane", sa.Integer, nullable=False, server_default="0"))
    for page in _pages(op.get_bind()):
        _set(op.get_bind(), page)
    op.create_index("due_lane", "due", ["lane", "due_at", "rank", "nudge"])


def _pages(connection: sa.Connection) -> Iterator[list[Any]]:
    query = sa.select(*KEY, nudges.c.folded).join(nudges, nudges.c.nudge == due.c.nudge).order_by(*KEY).limit(PAGE)
    page = connection.execute(query).all()
    while page:
        yield list(page)
        last = (sa.literal(value, column.type) for value, column in zip(page[-1][:4], KEY, strict=True))
        page = connection.execute(query.where(sa.tuple_(*KEY) > sa.tuple_(*last))).all()


def _set(connection: sa.Connection, page: list[Any]) -> None:
    this = [column == sa.bindparam(f"_{column.name}") for column in KEY]
    connection.execute(
        sa.update(due).where(*this).values(lane=sa.bindparam("_lane")),
        [
            {
                "_due_at": row.due_at,
                "_rank": row.rank,
                "_nudge": row.nudge,
                "_recipient": row.recipient,
                "_lane": lane_of(_trigger(row.folded), row.rank),
            }
            for row in page
        ],
    )


def _trigger(folded: bytes) -> str:
    """A nudge begins with its intent: id, person, trigger."""
    return str(msgspec.msgpack.decode(folded)[0][2])
