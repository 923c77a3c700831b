"""Counts of recorded facts by hour. They begin empty: the follower fills them from now on."""

import sqlalchemy as sa
from alembic import op

revision = "0028"
down_revision = "0027"


def upgrade() -> None:
    """One table."""
    op.create_table(
        "hourly",
        sa.Column("hour", sa.BigInteger, primary_key=True, autoincrement=False),
        sa.Column("trigger", sa.String, primary_key=True),
        sa.Column("what", sa.String, primary_key=True),
        sa.Column("count", sa.BigInteger, nullable=False),
    )
