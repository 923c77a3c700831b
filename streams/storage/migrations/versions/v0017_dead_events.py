"""Counts of the events from Kafka that were refused."""

import sqlalchemy as sa
from alembic import op

revision = "0017"
down_revision = "0016"


def upgrade() -> None:
    """One table."""
    op.create_table(
        "dead_events",
        sa.Column("code", sa.String, primary_key=True),
        sa.Column("refused", sa.BigInteger, nullable=False),
        sa.Column("last", sa.BigInteger, nullable=False),
    )
