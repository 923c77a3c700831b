"""An index of due emergencies: every claim looks for them first, and hardly ever finds one."""

import sqlalchemy as sa
from alembic import op

revision = "0036"
down_revision = "0035"


def upgrade() -> None:
    """One partial index."""
    emergency = sa.text("rank = -1")
    columns = ["due_at", "rank", "nudge"]
    op.create_index("due_emergency", "due", columns, sqlite_where=emergency, postgresql_where=emergency)
