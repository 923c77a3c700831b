"""Whether a database is there at all: who only reads makes none."""

from pathlib import Path

from sqlalchemy import inspect, select
from sqlalchemy.exc import DatabaseError

from streams.database import Database, DatabaseUnavailable
from streams.tables import log, made_with, person_keys


class NoDatabase(Exception):
    """Nothing is stored at {place} (did you run `habarshy ingest`?). Name another place with --database."""

    def __init__(self, place: str) -> None:
        super().__init__((type(self).__doc__ or "").format(place=place))


def require_tables(database: Database) -> None:
    """Make nothing: only look whether the log is there; of a server's tables streams/migrating.py has more to say.

    Raises:
        DatabaseUnavailable: the database cannot be opened.
        NoDatabase: it has no log.
    """
    if not database.sqlite:
        return
    place = str(database.engine.url.database)
    if not Path(place).exists():  # to connect would make the file
        raise NoDatabase(place)
    try:
        there = inspect(database.engine).has_table(log.name)
    except DatabaseError as error:
        raise DatabaseUnavailable(str(error.orig)) from None
    if not there:
        raise NoDatabase(place)


def holds_data(database: Database) -> bool:
    """Return whether the database holds anything that was made with a key file.

    Raises:
        DatabaseUnavailable: the database cannot be opened.
    """
    place = database.engine.url.database
    if database.sqlite and not Path(str(place)).exists():  # to connect would make the file
        return False
    try:
        with database.reading() as connection:
            tables = set(inspect(connection).get_table_names())
            return any(
                connection.execute(select(1).select_from(each).limit(1)).first() is not None
                for each in (log, person_keys, made_with)
                if each.name in tables
            )
    except DatabaseError as error:
        raise DatabaseUnavailable(str(error.orig)) from None
