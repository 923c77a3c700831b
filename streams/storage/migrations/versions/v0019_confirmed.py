"""The person who confirmed a job; existing jobs were confirmed before that was recorded."""

import sqlalchemy as sa
from alembic import op

revision = "0019"
down_revision = "0018"


def upgrade() -> None:
    """One column."""
    op.add_column("jobs", sa.Column("confirmed_by", sa.String))
    op.execute("UPDATE jobs SET confirmed_by = asked_by")
