"""Lanes in the due table, so that where rates bind no trigger's backlog is in front of another's deliveries."""

from typing import Any

import msgspec
import sqlalchemy as sa
from alembic import op

from projections.lanes import lane_of
from projections.tables import Id
from streams.storage.migrations.folded_nudges import fill

revision = "0008"
down_revision = "0007"

due = sa.table("due", *(sa.column(name) for name in ("due_at", "rank", "recipient", "lane")), sa.column("nudge", Id))


def upgrade() -> None:
    """A column, known from the nudges that the rows are of, and an index."""
    op.add_column("due", sa.Column("lane", sa.Integer, nullable=False, server_default="0"))
    fill(due, (due.c.due_at, due.c.rank, due.c.nudge, due.c.recipient), _lane)
    op.create_index("due_lane", "due", ["lane", "due_at", "rank", "nudge"])


def _lane(row: sa.Row[Any]) -> dict[str, int]:
    return {"lane": lane_of(_trigger(row.folded), row.rank)}


def _trigger(folded: bytes) -> str:
    """A nudge begins with its intent: id, person, trigger."""
    return str(msgspec.msgpack.decode(folded)[0][2])
