"""The pieces of longer SMS that people send, until all are there."""

import sqlalchemy as sa
from alembic import op

revision = "0020"
down_revision = "0019"


def upgrade() -> None:
    """One table."""
    op.create_table(
        "pieces",
        sa.Column("message", sa.LargeBinary(16), primary_key=True),
        sa.Column("number", sa.Integer, primary_key=True),
        sa.Column("digest", sa.LargeBinary(16), primary_key=True),
        sa.Column("provider", sa.String, nullable=False),
        sa.Column("total", sa.Integer, nullable=False),
        sa.Column("until", sa.BigInteger, nullable=False),
        sa.Column("again", sa.BigInteger, nullable=False),
        sa.Column("person", sa.String(32)),
        sa.Column("sealed", sa.LargeBinary),
    )
    op.create_index("pieces_until", "pieces", ["until"])
