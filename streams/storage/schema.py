"""The schema of the database: its version, the migrations to the version of this code, and whether there is a log."""

from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from msgspec import Struct
from sqlalchemy import Column, Connection, MetaData, String, Table, inspect, select, text

from streams.storage.advisory_locks import require_unused, take_turns
from streams.storage.database import Database
from streams.storage.errors import translated
from streams.storage.sqlite_file import close_to_others
from streams.storage.tables import log, made_with, person_keys

if TYPE_CHECKING:
    from alembic.runtime.migration import MigrationContext
    from alembic.script import Script, ScriptDirectory

HEAD, FIRST = "0038", "0001"
"""The newest migration of streams/storage/migrations and the first one. Repeated here because loading Alembic is
slow.
"""
OLDEST = 15
"""The oldest supported major version of PostgreSQL."""
VERSION_TABLE = "schema_version"
MIGRATION_LOCK = 0x4841_4242
_version = Table(VERSION_TABLE, MetaData(), Column("version_num", String(32)))


class WrongSchema(Exception):
    """Raised when the tables, encoding or server are not those that this version needs."""

    def __init__(self, problem: str) -> None:
        super().__init__(f"The database cannot be used by this version of Habarshy: {problem}.")


class Step(Struct, frozen=True):
    """A migration: its number and a description."""

    revision: str
    about: str


def make_ready(database: Database, oldest: int = OLDEST) -> None:
    """Migrate a SQLite file at the start of a process. A server, which others use too, must be up to date already.

    Raises:
        DatabaseUnavailable: it cannot be opened.
        WrongSchema: it has no tables, or those of another version, or another encoding, or its server is older than
            `oldest`; the message says what to do.
    """
    with translated(), database.engine.connect() as connection:
        version = _version_of(connection, oldest)
    if version == HEAD:
        if database.sqlite:
            close_to_others(database.engine.url)
        return
    if database.sqlite:
        migrate(database)
        return
    missing = pending(database, oldest)
    none = missing[0].revision == FIRST
    state = "it has no tables yet" if none else f"its schema ({version or FIRST}) is older than this code ({HEAD})"
    steps = f"{len(missing)} {'step' if len(missing) == 1 else 'steps'}"
    raise WrongSchema(f"{state}. Run `habarshy migrate` ({steps}, `--plan` shows them), then start again")


def pending(database: Database, oldest: int = OLDEST) -> list[Step]:
    """Return the steps that `migrate` would take; changes nothing.

    Raises: as `make_ready`.
    """
    scripts = _scripts()
    if _has_no_file(database):
        return [Step(script.revision, script.doc) for script in scripts.walk_revisions()][::-1]
    with translated(), database.engine.connect() as connection:
        return [Step(script.revision, script.doc) for script in _steps(connection, scripts, oldest)]


def migrate(database: Database, oldest: int = OLDEST) -> list[Step]:
    """Run all missing migrations in one transaction, and return them.

    Raises:
        DatabaseUnavailable: the database cannot be opened.
        DatabaseInUse: other processes are connected.
        WrongSchema: it is of a newer version, or its tables are not ours, or its server is too old.
    """
    scripts = _scripts()
    with database.altering() as connection:
        take_turns(connection, MIGRATION_LOCK)
        steps = _steps(connection, scripts, oldest)
        if steps and steps[0].revision != FIRST and not database.sqlite:
            require_unused(connection)
        return _take(connection, steps, scripts)


def _version_of(connection: Connection, oldest: int) -> str | None:
    _require_new(connection, oldest)
    _require_unicode(connection)
    return _noted(connection)


def _noted(connection: Connection) -> str | None:
    if not inspect(connection).has_table(VERSION_TABLE):
        return None
    version: str | None = connection.execute(select(_version.c.version_num)).scalar()
    return version


def _require_new(connection: Connection, oldest: int) -> None:
    version = connection.dialect.server_version_info or ()
    if connection.dialect.name != "sqlite" and version < (oldest,):
        is_now = ".".join(map(str, version))
        raise WrongSchema(
            f"its server is PostgreSQL {is_now}; {oldest} is the oldest that will do. Upgrade the server"
        )


def _require_unicode(connection: Connection) -> None:
    if connection.dialect.name == "sqlite":
        return
    encoding = connection.execute(text("SHOW server_encoding")).scalar_one()
    if encoding != "UTF8":
        raise WrongSchema(
            f"its encoding is {encoding}, which cannot keep every letter. Make one in UTF-8, by `createdb"
            " --encoding=UTF8 --template=template0 NAME`"
        )


@cache
def _scripts() -> "ScriptDirectory":
    from alembic.script import ScriptDirectory  # noqa: PLC0415  (slow; loaded only where migrations may be due)

    return ScriptDirectory(str(Path(__file__).parent / "migrations"))


def _context(connection: Connection) -> "MigrationContext":
    from alembic.runtime.migration import MigrationContext  # noqa: PLC0415  (the same)

    return MigrationContext.configure(connection, opts={"version_table": VERSION_TABLE})


def _steps(connection: Connection, scripts: "ScriptDirectory", oldest: int) -> "Sequence[Script]":
    """Return the migrations after the database's version, oldest first."""
    version = _version_of(connection, oldest)
    if version is None and inspect(connection).has_table(log.name):
        _require_first(connection)
        version = FIRST
    steps = list(scripts.walk_revisions())
    known = [script.revision for script in steps]
    if version is not None and version not in known:
        problem = (
            f"its schema ({version}) is newer than this code ({HEAD}). Install the version that made it, or newer"
        )
        raise WrongSchema(problem)
    return steps[: known.index(version) if version in known else None][::-1]


def _take(connection: Connection, steps: "Sequence[Script]", scripts: "ScriptDirectory") -> list[Step]:
    from alembic.operations import Operations  # noqa: PLC0415  (the same)

    context = _context(connection)
    if steps and steps[0].revision != FIRST and _noted(connection) is None:
        context.stamp(scripts, FIRST)  # made before there were migrations
    for script in steps:
        with Operations.context(context):
            script.module.upgrade()
    if steps:
        context.stamp(scripts, steps[-1].revision)  # once: all of it is one transaction
    return [Step(script.revision, script.doc) for script in steps]


def _require_first(connection: Connection) -> None:
    """Check that the tables are those of the first schema. Raises WrongSchema where they are not."""
    from alembic.autogenerate import compare_metadata  # noqa: PLC0415  (the same)

    from streams.storage.migrations.versions.v0001_first_schema import metadata  # noqa: PLC0415  (the same)

    context = _context(connection)
    found = [change for change in compare_metadata(context, metadata) if change[0] != "remove_table"]
    if found:
        raise WrongSchema(f"its tables are not those of the first version ({found[0][0]}). Start with a new database")


class NoDatabase(Exception):
    """Raised when a command that only reads finds no log."""


def require_tables(database: Database) -> None:
    """Check that a SQLite file has a log; changes nothing. A server is checked by `make_ready`.

    Raises:
        DatabaseUnavailable: the database cannot be opened.
        NoDatabase: it has no log.
    """
    if not database.sqlite:
        return
    with translated():
        there = not _has_no_file(database) and inspect(database.engine).has_table(log.name)
    if not there:
        place = database.engine.url.database
        raise NoDatabase(
            f"Nothing is stored at {place} (did you run `habarshy ingest`?). Name another place with --database."
        )


def holds_data(database: Database) -> bool:
    """Return whether the database holds data that needs its key file.

    Raises:
        DatabaseUnavailable: the database cannot be opened.
    """
    if _has_no_file(database):
        return False
    with translated(), database.reading() as connection:
        tables = set(inspect(connection).get_table_names())
        return any(
            connection.execute(select(1).select_from(table).limit(1)).first() is not None
            for table in (log, person_keys, made_with)
            if table.name in tables
        )


def _has_no_file(database: Database) -> bool:
    """Return whether SQLite's file is missing, which connecting would make."""
    return database.sqlite and not Path(str(database.engine.url.database)).exists()
