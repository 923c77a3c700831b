"""The references of providers for the parts of a long SMS before the last."""

import sqlalchemy as sa
from alembic import op

revision = "0021"
down_revision = "0020"


def upgrade() -> None:
    """One table."""
    op.create_table(
        "sent_parts",
        sa.Column("provider", sa.String, primary_key=True),
        sa.Column("reference", sa.String, primary_key=True),
        sa.Column(
            "nudge", sa.LargeBinary(16) if op.get_context().dialect.name == "sqlite" else sa.Uuid, nullable=False
        ),
        sa.Column("recipient", sa.String(32), nullable=False),
        sa.Column("attempt", sa.Integer, nullable=False),
        sa.Column("at", sa.BigInteger, nullable=False),
        sqlite_with_rowid=False,
    )
    op.create_index("ix_sent_parts_at", "sent_parts", ["at"])
