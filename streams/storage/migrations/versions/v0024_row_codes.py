"""Each row of the log carries a keyed code."""

import sqlalchemy as sa
from alembic import op

revision = "0024"
down_revision = "0023"


def upgrade() -> None:
    """A column, and two tables; the codes of facts that are there are made afterwards, by who has the key."""
    op.add_column("log", sa.Column("code", sa.LargeBinary(16)))
    op.create_table(
        "log_forged",
        sa.Column("number", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("position", sa.BigInteger, nullable=False),
        sa.Column("originator_id", sa.LargeBinary, nullable=False),
        sa.Column("originator_version", sa.BigInteger, nullable=False),
        sa.Column("topic", sa.String, nullable=False),
        sa.Column("state", sa.LargeBinary, nullable=False),
        sa.Column("code", sa.LargeBinary),
    )
    op.create_table(
        "log_coded",
        sa.Column("number", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("upto", sa.BigInteger, nullable=False),
        sa.Column("facts", sa.BigInteger, nullable=False),
        sa.Column("unproven", sa.BigInteger, nullable=False),
        sa.Column("code", sa.LargeBinary(16), nullable=False),
    )
