"""The keyed code of each receipt that waits for its message: it says that our processes took it in."""

import sqlalchemy as sa
from alembic import op

revision = "0035"
down_revision = "0034"


def upgrade() -> None:
    """Add a column; a receipt that waits has no code and counts no more: nobody knew its message until now."""
    op.add_column("early_receipts", sa.Column("code", sa.LargeBinary))
