"""Room in the due table of PostgreSQL, so that a claim changes a row in place and no index."""

from alembic import op

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    """Pages that are written from now on."""
    if op.get_bind().dialect.name == "postgresql":
        op.execute("ALTER TABLE due SET (fillfactor = 70)")
