"""The counts of the reconciler."""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"


def upgrade() -> None:
    """One table."""
    op.create_table(
        "reconciled",
        sa.Column("at", sa.BigInteger, primary_key=True, autoincrement=False),
        sa.Column("found", sa.Integer, nullable=False),
    )
