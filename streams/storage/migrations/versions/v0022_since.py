"""Since when each due delivery could go: an old event that was reported late is not overdue when it comes."""

from typing import Any

import msgspec
import sqlalchemy as sa
from alembic import op

from projections.tables import Id, micros
from streams.storage.migrations.folded_nudges import fill

revision = "0022"
down_revision = "0021"

PLANNED_AT = 2
"""The place of `planned_at` in a stored nudge."""
due = sa.table("due", *(sa.column(name) for name in ("due_at", "rank", "recipient", "since")), sa.column("nudge", Id))


def upgrade() -> None:
    """Add a column, filled from the nudges that the rows are of."""
    op.add_column("due", sa.Column("since", sa.BigInteger, nullable=False, server_default="0"))
    op.get_bind().execute(sa.update(due).values(since=due.c.due_at))
    fill(due, (due.c.due_at, due.c.rank, due.c.nudge, due.c.recipient), _late)


def _late(row: sa.Row[Any]) -> dict[str, int] | None:
    planned = micros(msgspec.msgpack.decode(row.folded)[PLANNED_AT])
    return {"since": planned} if planned > row.due_at else None
