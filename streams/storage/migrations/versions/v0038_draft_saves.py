"""Earlier revisions of drafts, so that their authors can go back."""

import sqlalchemy as sa
from alembic import op

revision = "0038"
down_revision = "0037"


def upgrade() -> None:
    """Add an empty table; each save fills it with what it replaces."""
    op.create_table(
        "draft_saves",
        sa.Column("draft", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("revision", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("files", sa.String, nullable=False),
        sa.Column("changed_by", sa.String, nullable=False),
        sa.Column("changed_at", sa.BigInteger, nullable=False),
    )
