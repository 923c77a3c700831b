"""The guesses of each caller in a minute, counted over all processes."""

import sqlalchemy as sa
from alembic import op

revision = "0031"
down_revision = "0030"


def upgrade() -> None:
    """Add a table; it holds the minute that runs."""
    op.create_table(
        "guesses",
        sa.Column("caller", sa.LargeBinary(16), primary_key=True),
        sa.Column("minute", sa.BigInteger, primary_key=True),
        sa.Column("count", sa.Integer, nullable=False),
    )
