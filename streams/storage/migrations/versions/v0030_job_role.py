"""Jobs that wait for a process of the role jobs, and how often one died over the present step of each."""

import sqlalchemy as sa
from alembic import op

revision = "0030"
down_revision = "0029"


def upgrade() -> None:
    """Add two columns; what is there waits for nobody: whoever began it goes on with it, or resumes it."""
    op.add_column("jobs", sa.Column("waits", sa.Boolean, nullable=False, server_default=sa.false()))
    op.add_column("jobs", sa.Column("deaths", sa.Integer, nullable=False, server_default="0"))
