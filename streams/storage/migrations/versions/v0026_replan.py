"""A mark on a waiting fact: it is more than a new event and asks for the person's whole plan."""

import sqlalchemy as sa
from alembic import op

revision = "0026"
down_revision = "0025"


def upgrade() -> None:
    """Add a column; whoever waits now is planned as before: wholly."""
    op.add_column("history", sa.Column("replan", sa.Boolean, nullable=False, server_default=sa.false()))
    history = sa.table("history", sa.column("planned", sa.Boolean), sa.column("replan", sa.Boolean))
    op.execute(history.update().where(~history.c.planned).values(replan=True))
