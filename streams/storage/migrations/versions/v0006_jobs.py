"""Jobs: long work over history that survives a restart."""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"


def upgrade() -> None:
    """One table."""
    op.create_table(
        "jobs",
        sa.Column("id", sa.Integer, primary_key=True, autoincrement=False),
        *(sa.Column(name, sa.String, nullable=False) for name in ("kind", "lane", "arguments", "state")),
        sa.Column("done", sa.BigInteger, nullable=False),
        sa.Column("of", sa.BigInteger, nullable=False),
        *(sa.Column(name, sa.String, nullable=False) for name in ("unit", "cursor", "asked_by")),
        sa.Column("asked_at", sa.BigInteger, nullable=False),
        sa.Column("began_at", sa.BigInteger),
        sa.Column("changed_at", sa.BigInteger, nullable=False),
        sa.Column("worked", sa.BigInteger, nullable=False),
        sa.Column("claim", sa.Integer, nullable=False),
        sa.Column("words", sa.String, nullable=False),
    )
