"""What citizens wrote, found without everything else, and who read whose data."""

import sqlalchemy as sa
from alembic import op

revision = "0016"
down_revision = "0015"


def upgrade() -> None:
    """Two indexes of few rows."""
    written = sa.text("type IN ('citizen.disputed', 'citizen.message_received')")
    op.create_index("history_written", "history", ["position"], sqlite_where=written, postgresql_where=written)
    viewed = sa.text("topic = 'person-viewed/1'")
    op.create_index("log_viewed", "log", ["position"], sqlite_where=viewed, postgresql_where=viewed)
