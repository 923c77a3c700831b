"""The facts about attempts, from the end of the log."""

import sqlalchemy as sa
from alembic import op

revision = "0018"
down_revision = "0017"
OF_ATTEMPTS = (
    "topic IN ('nudge-attempted/1', 'nudge-sent/1', 'nudge-delivered/1', 'nudge-failed/1', 'nudge-unknown/1')"
)


def upgrade() -> None:
    """One index."""
    these = sa.text(OF_ATTEMPTS)
    op.create_index("log_of_attempts", "log", ["position"], sqlite_where=these, postgresql_where=these)
