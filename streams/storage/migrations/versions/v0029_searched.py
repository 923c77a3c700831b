"""The trigger and the provider of every message that was tried, so that operators can search for messages."""

from typing import Any

import msgspec
import sqlalchemy as sa
from alembic import op

from projections.tables import Id, Pseudonym
from streams.storage.migrations.folded_nudges import fill

revision = "0029"
down_revision = "0028"

INTENT, TRIGGER = 0, 2
DELIVERIES = 3
RECIPIENT, PROVIDER = 0, 11
"""The places of these fields in a stored nudge, in its intent and in each of its deliveries."""
inbox = sa.table(
    "inbox",
    *(sa.column(name, sa.String) for name in ("trigger", "provider")),
    sa.column("nudge", Id),
    sa.column("recipient", Pseudonym),
)


def upgrade() -> None:
    """Add a column, filled with the provider from the nudges that the rows are of, and the indexes of a search."""
    op.add_column("inbox", sa.Column("trigger", sa.String))
    fill(inbox, (inbox.c.recipient, inbox.c.nudge), _found)
    op.create_index("inbox_at", "inbox", ["at"])
    for state in ("failed", "unknown"):
        there = sa.text(f"state = '{state}'")
        op.create_index(f"inbox_{state}_at", "inbox", ["at"], sqlite_where=there, postgresql_where=there)


def _found(row: sa.Row[Any]) -> dict[str, str | None]:
    nudge = msgspec.msgpack.decode(row.folded)
    providers = (
        each[PROVIDER] for each in nudge[DELIVERIES] if each[RECIPIENT] == row.recipient and len(each) > PROVIDER
    )
    provider = next(providers, None) if row.provider is None else row.provider
    return {"trigger": nudge[INTENT][TRIGGER], "provider": provider}
