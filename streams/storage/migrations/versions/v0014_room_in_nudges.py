"""Room in the nudges of PostgreSQL, so that what becomes of one changes its row in place."""

from alembic import op

revision = "0014"
down_revision = "0013"


def upgrade() -> None:
    """Pages that are written from now on."""
    if op.get_bind().dialect.name == "postgresql":
        op.execute("ALTER TABLE nudges SET (fillfactor = 75)")
