"""Ranges of residents for whom an area event is yet to be planned, which several processes share."""

import sqlalchemy as sa
from alembic import op

revision = "0033"
down_revision = "0032"


def upgrade() -> None:
    """Add a table; an area event that is under way goes on behind the last resident planned."""
    op.create_table(
        "area_chunks",
        sa.Column("original", sa.Uuid().with_variant(sa.LargeBinary(16), "sqlite"), primary_key=True),
        sa.Column("home", sa.String(), primary_key=True),
        sa.Column("person", sa.String(), primary_key=True),
        sa.Column("upto_home", sa.String(), nullable=False),
        sa.Column("upto_person", sa.String(), nullable=False),
    )
