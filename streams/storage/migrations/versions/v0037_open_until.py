"""The end of every message that was tried, so that an inbox finds what is still to be done, however old it is."""

from typing import Any

import msgspec
import sqlalchemy as sa
from alembic import op

from projections.tables import ENDLESS, Id, Pseudonym, micros
from streams.storage.migrations.folded_nudges import fill

revision = "0037"
down_revision = "0036"

INTENT, EXPIRES, MOOT_FROM = 0, 7, 11
DONE, RECIPIENT = 6, 1
"""The places of these fields in a stored nudge, in its intent, and in the facts that say that something was done."""
inbox = sa.table(
    "inbox", sa.column("open_until", sa.BigInteger), sa.column("nudge", Id), sa.column("recipient", Pseudonym)
)


def upgrade() -> None:
    """Add a column, filled from the nudges that the rows are of."""
    op.add_column("inbox", sa.Column("open_until", sa.BigInteger))
    fill(inbox, (inbox.c.recipient, inbox.c.nudge), _open_until)


def _open_until(row: sa.Row[Any]) -> dict[str, int | None]:
    nudge = msgspec.msgpack.decode(row.folded)
    intent, done = nudge[INTENT], nudge[DONE] if len(nudge) > DONE else ()
    moot_from = intent[MOOT_FROM] if len(intent) > MOOT_FROM else None
    if moot_from is not None or any(each[RECIPIENT] == row.recipient for each in done):
        return {"open_until": None}
    return {"open_until": ENDLESS if intent[EXPIRES] is None else micros(intent[EXPIRES])}
