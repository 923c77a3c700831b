"""Indexes of moved histories and of corrections."""

from alembic import op

revision = "0011"
down_revision = "0010"


def upgrade() -> None:
    """Two indexes."""
    op.create_index("history_recorded", "history", ["recorded"])
    op.create_index("revisions_position", "revisions", ["position"])
