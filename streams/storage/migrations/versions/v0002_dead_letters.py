"""Letters about what could not be handled."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    """One table, with the index by which letters are grouped."""
    op.create_table(
        "dead_letters",
        sa.Column("id", sa.Uuid().with_variant(sa.LargeBinary(16), "sqlite"), primary_key=True),
        sa.Column("kind", sa.String, nullable=False),
        sa.Column("cause", sa.String, nullable=False),
        sa.Column("at", sa.BigInteger, nullable=False),
        sa.Column("attempts", sa.Integer, nullable=False),
        sa.Column("person", sa.String(32)),
        sa.Column("sealed", sa.LargeBinary, nullable=False),
    )
    op.create_index("dead_letters_cause", "dead_letters", ["kind", "cause", "at"])
