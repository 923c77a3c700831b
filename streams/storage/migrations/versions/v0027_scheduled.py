"""The jobs of the schedule: each job's next run, and how its last one ended."""

import sqlalchemy as sa
from alembic import op

revision = "0027"
down_revision = "0026"


def upgrade() -> None:
    """Add a table; each job's row is made by the first process that keeps the schedule."""
    op.create_table(
        "scheduled",
        sa.Column("job", sa.String, primary_key=True),
        sa.Column("cron", sa.String, nullable=False),
        sa.Column("next_at", sa.BigInteger),
        sa.Column("started_at", sa.BigInteger),
        sa.Column("took", sa.BigInteger),
        sa.Column("outcome", sa.String, nullable=False),
        sa.Column("error", sa.String, nullable=False),
        sa.Column("words", sa.String, nullable=False),
        sa.Column("done_at", sa.BigInteger),
        sa.Column("failures", sa.Integer, nullable=False),
    )
