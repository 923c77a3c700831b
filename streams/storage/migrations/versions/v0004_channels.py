"""References of providers, conversations by SMS, rate limits and webhooks."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"

ID = sa.Uuid().with_variant(sa.LargeBinary(16), "sqlite")


def upgrade() -> None:
    """Five tables, and an index by which the urgent is found."""
    op.create_index(
        "due_urgent",
        "due",
        ["due_at", "rank", "nudge"],
        sqlite_where=sa.text("rank <= 1"),
        postgresql_where=sa.text("rank <= 1"),
    )
    op.create_table(
        "handed_over",
        sa.Column("provider", sa.String, primary_key=True),
        sa.Column("reference", sa.String, primary_key=True),
        sa.Column("nudge", ID, nullable=False),
        sa.Column("recipient", sa.String(32), nullable=False),
        sa.Column("attempt", sa.Integer, nullable=False),
    )
    op.create_table(
        "early_receipts",
        sa.Column("provider", sa.String, primary_key=True),
        sa.Column("reference", sa.String, primary_key=True),
        sa.Column("heard", sa.String, primary_key=True),
        sa.Column("reason", sa.String),
        sa.Column("at", sa.BigInteger, nullable=False),
    )
    op.create_table(
        "conversations",
        sa.Column("number", sa.LargeBinary(16), primary_key=True),
        sa.Column("nudge", ID, primary_key=True),
        sa.Column("recipient", sa.String(32), primary_key=True),
        sa.Column("at", sa.BigInteger, nullable=False),
        sa.Column("mark", sa.String, nullable=False),
    )
    op.create_index("conversations_recipient", "conversations", ["recipient"])
    op.create_table(
        "paces",
        sa.Column("name", sa.String, primary_key=True),
        sa.Column("free_at", sa.BigInteger, nullable=False),
    )
    op.create_table(
        "webhooks",
        sa.Column("event", ID, primary_key=True),
        sa.Column("due_at", sa.BigInteger, nullable=False),
        sa.Column("attempts", sa.Integer, nullable=False),
    )
    op.create_index("webhooks_due", "webhooks", ["due_at"])
