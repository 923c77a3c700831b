"""The keyed code of each job: it says that our processes took the order."""

import sqlalchemy as sa
from alembic import op

revision = "0034"
down_revision = "0033"


def upgrade() -> None:
    """Add a column; a job that had not ended has no code, is given up, and has to be asked for again."""
    op.add_column("jobs", sa.Column("code", sa.LargeBinary))
