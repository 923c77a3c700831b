"""The cause of an unknown outcome, and its provider, so that the database can count such messages."""

from typing import Any

import msgspec
import sqlalchemy as sa
from alembic import op

from projections.tables import Id, Pseudonym
from streams.storage.migrations.folded_nudges import fill

revision = "0025"
down_revision = "0024"

DELIVERIES = 3
RECIPIENT, STATE, DUE, REASON, DIGEST, PROVIDER, CLOSED = 0, 1, 2, 7, 10, 11, 19
"""The places of these fields in a stored nudge, and in each of its deliveries."""
inbox = sa.table(
    "inbox",
    *(sa.column(name) for name in ("state", "cause", "provider")),
    sa.column("nudge", Id),
    sa.column("recipient", Pseudonym),
)


def upgrade() -> None:
    """Add two columns, filled from the nudges that the rows are of, and an index of the rows that have them."""
    op.add_column("inbox", sa.Column("cause", sa.String))
    op.add_column("inbox", sa.Column("provider", sa.String))
    fill(inbox, (inbox.c.recipient, inbox.c.nudge), _cause, inbox.c.state == sa.literal_column("'unknown'"))
    there = sa.text("cause IS NOT NULL")
    op.create_index(
        "inbox_cause", "inbox", ["cause", "provider", "channel"], sqlite_where=there, postgresql_where=there
    )


def _cause(row: sa.Row[Any]) -> dict[str, str] | None:
    """Return the cause and the provider if nothing more is tried, it goes with no digest and nobody closed it."""
    for delivery in msgspec.msgpack.decode(row.folded)[DELIVERIES]:
        if delivery[RECIPIENT] != row.recipient:
            continue
        closed = len(delivery) > CLOSED and delivery[CLOSED]
        if delivery[STATE] == "unknown" and delivery[DUE] is None and delivery[DIGEST] is None and not closed:
            return {"cause": delivery[REASON] or "", "provider": delivery[PROVIDER] or ""}
    return None
