"""Statistics of the tables, by which the database chooses its plans."""

from sqlalchemy import Connection

from streams.storage.database import Database, Priority


def refresh(database: Database) -> None:
    """Bring the statistics of all tables up to date; on SQLite of those only that changed much."""
    database.write(_refresh, Priority.FOLLOWING)


def _refresh(connection: Connection) -> None:
    if connection.dialect.name != "sqlite":
        connection.exec_driver_sql("ANALYZE")
        return
    connection.exec_driver_sql("PRAGMA analysis_limit = 1000")  # rows of each index, so that others wait for a moment
    connection.exec_driver_sql("PRAGMA optimize")
