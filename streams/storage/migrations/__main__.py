"""Print the operations that bring a database of the newest migration to the tables of the code."""

import sys
import tempfile

from alembic.autogenerate import produce_migrations, render_python_code
from alembic.runtime.migration import MigrationContext

from projections.tables import metadata
from streams.storage.database import Database
from streams.storage.schema import VERSION_TABLE, migrate


def main() -> None:
    """Compare on SQLite."""
    with tempfile.TemporaryDirectory() as folder:
        database = Database(f"sqlite:///{folder}/newest.sqlite")
        migrate(database)
        with database.reading() as connection:
            options = {"version_table": VERSION_TABLE, "render_as_batch": True}
            missing = produce_migrations(MigrationContext.configure(connection, opts=options), metadata).upgrade_ops
        database.close()
    assert missing is not None
    sys.stdout.write(render_python_code(missing) + "\n")


if __name__ == "__main__":
    main()
