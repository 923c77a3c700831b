"""Build the database: the one object of streams.storage."""

from streams.storage.database import Database
from streams.storage.schema import require_tables


def build(url: str, *, make: bool, at_work: bool = True) -> Database:
    """Return the database at the URL, opened by its first use.

    `make`: a missing one may be made later; else its tables must exist. `at_work`: keep connections for long.

    Raises:
        DatabaseUnavailable, NoDatabase: it cannot be opened, or there is none.
    """
    database = Database(url, at_work=at_work)
    if not make:
        require_tables(database)
    return database
