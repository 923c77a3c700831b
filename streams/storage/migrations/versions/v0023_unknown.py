"""An index of the messages of which nobody knows whether they went: few, and counted at every scrape."""

import sqlalchemy as sa
from alembic import op

revision = "0023"
down_revision = "0022"


def upgrade() -> None:
    """One partial index."""
    unknown = sa.text("state = 'unknown'")
    op.create_index("inbox_unknown", "inbox", ["recipient", "nudge"], sqlite_where=unknown, postgresql_where=unknown)
