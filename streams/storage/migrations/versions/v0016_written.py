"""Indexes of what citizens wrote and of what auditors read."""

import sqlalchemy as sa
from alembic import op

revision = "0016"
down_revision = "0015"


def upgrade() -> None:
    """Two indexes of few rows."""
    written = sa.text("type IN ('citizen.disputed', 'citizen.message_received')")
    op.create_index("history_written", "history", ["position"], sqlite_where=written, postgresql_where=written)
    account = sa.text("topic IN ('person-viewed/1', 'letters-dropped/1')")
    op.create_index("log_accounts", "log", ["position"], sqlite_where=account, postgresql_where=account)
