"""Open the database that the settings name."""

from app.clock import Clock
from app.paths import data_folder
from app.settings import Settings
from streams.storage.database import Database
from streams.storage.schema import require_tables


def open_database(settings: Settings, *, make: bool, at_work: bool = True, clock: Clock | None = None) -> Database:
    """Return the database of the settings; `make`: it may be made, else there must be one; the rest: see Database.

    Raises:
        DatabaseUnavailable, NoDatabase: it cannot be opened, or there is none.
    """
    database = Database(settings.database, at_work=at_work, clock=clock)
    if not make:
        require_tables(database)
    elif "database" not in settings.model_fields_set:
        data_folder().mkdir(parents=True, exist_ok=True, mode=0o700)
    return database
