"""Keys by period, and which of them are gone."""

import sqlalchemy as sa
from alembic import op

revision = "0015"
down_revision = "0014"


def upgrade() -> None:
    """Two tables."""
    position = sa.BigInteger().with_variant(sa.Integer, "sqlite")
    op.create_table(
        "period_keys",
        sa.Column("person", sa.String(32), primary_key=True),
        sa.Column("type", sa.String, primary_key=True),
        sa.Column("year", sa.Integer, primary_key=True),
        sa.Column("key_id", sa.LargeBinary(8), nullable=False),
        sa.Column("wrapped", sa.LargeBinary, nullable=False),
        sa.Column("wrapped_by", sa.Integer, nullable=False),
    )
    op.create_index("period_keys_period", "period_keys", ["type", "year", "person"])
    op.create_table(
        "retired",
        sa.Column("key_id", sa.LargeBinary(8), primary_key=True),
        sa.Column("position", position, nullable=False),
        sa.Column("at", sa.BigInteger, nullable=False),
    )
