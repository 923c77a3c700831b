"""Room in the due table of PostgreSQL, so that a claim changes rows in place, and vacuum as soon as it pays."""

from alembic import op

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    """Pages that are written from now on."""
    if op.get_bind().dialect.name == "postgresql":
        op.execute(
            "ALTER TABLE due SET (fillfactor = 70, autovacuum_vacuum_scale_factor = 0,"
            " autovacuum_vacuum_threshold = 20000)"
        )
