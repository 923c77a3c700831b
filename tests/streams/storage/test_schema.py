from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from msgspec import structs
from sqlalchemy import Connection, inspect, select, text
from sqlalchemy.engine import URL

from app.clock import fixed
from app.compose import compose
from app.identity.log_codes import codes_by
from app.settings import load_settings
from domain.facts.facts import NudgeAttempted, NudgeDone, NudgeFact, NudgeResolved, NudgeSent, NudgeUnknown
from domain.nudges.nudge import Nudge, evolve
from projections import history, inbox, nudges
from projections import tables as views
from projections.history import Concerns
from projections.tables import due, metadata, micros, moment
from streams.log.first_codes import FirstCodes, give_codes
from streams.log.log import Log
from streams.log.mapper import encode
from streams.log.person_keys import PersonKeys
from streams.storage import migrations
from streams.storage.advisory_locks import DatabaseInUse, require_unused
from streams.storage.database import Database
from streams.storage.errors import DatabaseUnavailable
from streams.storage.migrations.versions import v0001_first_schema
from streams.storage.schema import (
    FIRST,
    HEAD,
    VERSION_TABLE,
    WrongSchema,
    make_ready,
    migrate,
    pending,
)
from tests.services import postgres
from tests.streams.storing import AIDA, KEYRING, NOW, PATIENCE, cancelled, nudge, only_sqlite, url_in
from tests.streams.undoing import UNDO, back_to

SCRIPTS = ScriptDirectory(str(Path(migrations.__file__).parent))
STEPS = [each.revision for each in SCRIPTS.walk_revisions()][::-1]
"""All steps, the first one first."""
FAR = NOW + timedelta(days=3650)


@pytest.fixture(params=["sqlite", "postgresql"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """A database without any table, of each kind."""
    if request.param == "sqlite":
        yield url_in(tmp_path)
        return
    server: URL = request.getfixturevalue("server")
    with postgres.empty(server) as at:
        yield at.render_as_string(hide_password=False)


@pytest.fixture
def database(url: str) -> Iterator[Database]:
    """The database, as yet without tables."""
    made = Database(url)
    yield made
    made.close()


@pytest.fixture
def tables_at_once(url: str, request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Database]:
    """A second database of the same kind, whose tables were made from their description."""
    if url.startswith("sqlite"):
        (tmp_path / "at_once").mkdir()
        made = Database(url_in(tmp_path / "at_once"))
        _make_at_once(made)
        yield made
        made.close()
        return
    with postgres.empty(request.getfixturevalue("server")) as at:
        made = Database(at.render_as_string(hide_password=False))
        _make_at_once(made)
        yield made
        made.close()


def _make_at_once(database: Database) -> None:
    with database.altering() as connection:
        metadata.create_all(connection)


def made_before_migrations(database: Database) -> None:
    """Make the tables of the first schema, as versions did that knew no migrations."""
    with database.altering() as connection:
        v0001_first_schema.metadata.create_all(connection)


def version(database: Database) -> str:
    """The version that the database says it has."""
    with database.reading() as connection:
        return str(connection.execute(text(f"SELECT version_num FROM {VERSION_TABLE}")).scalar_one())  # noqa: S608  (ours)


def undo(database: Database, upto: str) -> None:
    """Have the database be of that earlier version, as it is with what is in it now."""
    with database.altering() as connection:
        for statement in back_to(upto):
            connection.execute(text(statement))


def set_version(database: Database, name: str) -> None:
    """Have the database say that it is of that version."""
    with database.altering() as connection:
        connection.execute(text(f"UPDATE {VERSION_TABLE} SET version_num = :name"), {"name": name})  # noqa: S608  (ours)


def tables(database: Database) -> list[str]:
    """The names of its tables."""
    return inspect(database.engine).get_table_names()


def keys_and_indexes(database: Database) -> Any:
    """What `compare_metadata` does not look at: primary keys, and what SQLite keeps without row ids or in part."""
    with database.reading() as connection:
        found: Any = {
            name: inspect(connection).get_pk_constraint(name)["constrained_columns"] for name in metadata.tables
        }
        if database.sqlite:
            rowless = "SELECT name, wr FROM pragma_table_list WHERE schema = 'main' AND type = 'table'"
            found["rowless"] = sorted(tuple(row) for row in connection.execute(text(rowless)) if row.wr)
        else:
            options = text("SELECT relname, reloptions FROM pg_class WHERE reloptions IS NOT NULL AND relkind = 'r'")
            found["options"] = sorted(tuple(row) for row in connection.execute(options))
        return found, sorted(_index_definitions(connection))


def _index_definitions(connection: Connection) -> list[str]:
    query = (
        "SELECT sql FROM sqlite_master WHERE type = 'index' AND sql IS NOT NULL"
        if connection.dialect.name == "sqlite"
        else "SELECT indexdef FROM pg_indexes WHERE schemaname = 'public'"
    )
    return [each for each in connection.execute(text(query)).scalars() if VERSION_TABLE not in each]


def test_the_steps_lead_to_the_tables_of_the_code(database: Database) -> None:
    """A migrated database has the columns, keys and indexes that the code describes, and no others."""
    migrate(database)
    with database.reading() as connection:
        context = MigrationContext.configure(connection, opts={"version_table": VERSION_TABLE})
        assert compare_metadata(context, metadata) == []


def test_the_steps_lead_to_the_same_keys_and_indexes(database: Database, tables_at_once: Database) -> None:
    """Primary keys, partial indexes and tables without row ids are as if the tables were made at once."""
    migrate(database)

    assert keys_and_indexes(database) == keys_and_indexes(tables_at_once)


def test_a_database_from_before_migrations_keeps_what_it_has(database: Database) -> None:
    """A database with facts and keys that was made before there were migrations is brought up to date with them."""
    made_before_migrations(database)
    log = Log(database, PersonKeys(KEYRING), lambda: NOW, codes_by(KEYRING))
    entry = cancelled(1)
    old = {"at": 1, "id": UUID(int=1).bytes if database.sqlite else UUID(int=1), "state": encode(entry.fact)}
    insert = text("INSERT INTO log VALUES (:at, :id, 1, 'nudge-cancelled/1', :state)")
    database.write(lambda connection: connection.execute(insert, old))
    ensured, _ = database.write(lambda connection: log.keys.ensure(connection, [AIDA]))

    assert [each.revision for each in migrate(database)] == STEPS[1:]

    make_ready(database)
    later = Log(database, PersonKeys(KEYRING), lambda: NOW, codes_by(KEYRING))
    assert database.write(give_codes) == FirstCodes(1, 1, 1)
    with database.reading() as connection:
        assert [each.originator_id for each in later.read(connection, [1])] == [UUID(int=1)]
        assert later.keys.load(connection, [AIDA])[AIDA].id == ensured[AIDA].id
    assert set(metadata.tables) <= set(tables(database))


def test_every_later_step_can_be_undone_by_tests() -> None:
    """A new step says in tests/streams/undoing.py what undoes it."""
    assert list(UNDO) == STEPS[STEPS.index("0008") :]


def test_what_is_due_already_gets_its_lane(database: Database) -> None:
    """A due table from before there were lanes is claimed by them as well, however many are due at one moment."""
    migrate(database)
    many = [nudge(number) for number in range(1, 5_003)]
    database.write(lambda connection: nudges.store(connection, many, {}))
    undo(database, "0007")
    migrate(database)
    with database.reading() as connection:
        lanes = Counter(connection.execute(select(due.c.lane)).scalars())
    assert lanes == Counter(nudges.lane(each.intent) for each in many)


def test_what_is_due_already_says_since_when_it_could_go(database: Database) -> None:
    """A due table from before the column knows afterwards what was planned only after its time."""
    migrate(database)
    known = [structs.replace(nudge(number), planned_at=moment(number * 1_000_000)) for number in range(1, 5_003)]
    known += [structs.replace(nudge(number), planned_at=FAR) for number in range(6_000, 6_003)]
    database.write(lambda connection: nudges.store(connection, known, {}))
    with database.reading() as connection:
        before = connection.execute(select(due.c.nudge, due.c.since)).all()
    undo(database, "0021")
    migrate(database)
    with database.reading() as connection:
        assert sorted(connection.execute(select(due.c.nudge, due.c.since)).all()) == sorted(before)
    assert sum(since == micros(FAR) for _, since in before) == 3


def test_who_waits_during_the_step_is_planned_wholly(database: Database) -> None:
    """Whoever waited before the column was there may have been woken for any reason; of others only news count."""
    migrate(database)
    rows = [
        Concerns(f"p{number}", number, 50, "kz.a", None, planned=number > 1, recorded=100, woken=100)
        for number in (1, 2)
    ]
    database.write(lambda connection: history.add(connection, rows))
    undo(database, "0025")
    migrate(database)
    with database.reading() as connection:
        found = dict(connection.execute(select(views.history.c.person, views.history.c.replan)).all())
    assert found == {"p1": True, "p2": False}


def test_unknown_outcomes_are_counted_after_the_step(database: Database) -> None:
    """An inbox from before the columns knows which of its outcomes an operator has to decide about."""
    migrate(database)
    closed, retried = NudgeResolved(NOW, AIDA, 1, "close", "olga", "done"), NOW + timedelta(days=1)
    known = [*(lost(number) for number in range(1, 5_003)), lost(6_000, again=retried), lost(6_001, further=closed)]
    database.write(lambda connection: nudges.store(connection, known, {}))
    undo(database, "0024")
    migrate(database)
    with database.reading() as connection:
        assert inbox.unresolved(connection) == {inbox.Cause("link_lost", "centre", "sms"): 5_002}


def test_messages_are_searched_by_trigger_and_provider_after_the_step(database: Database) -> None:
    """An inbox from before the column knows the trigger and the provider of every message that was tried."""
    migrate(database)
    sent = nudge(1)
    facts = (NudgeAttempted(NOW, AIDA, 1, "sms", "centre", NOW), NudgeSent(NOW, AIDA, 1, "ref"))
    for fact in facts:
        sent = evolve(sent, sent.intent.id, sent.version + 1, fact)
    database.write(lambda connection: nudges.store(connection, [sent, lost(2)], {}))
    with database.altering() as connection:
        connection.execute(text("UPDATE inbox SET provider = NULL WHERE cause IS NULL"))
    undo(database, "0026")
    migrate(database)
    with database.reading() as connection:
        found = inbox.search(connection, inbox.Search(triggers=(sent.intent.trigger,), provider="centre"))
    assert sorted(each.state for each in found.rows) == ["sent", "unknown"]


def test_what_is_open_is_known_after_the_step(database: Database) -> None:
    """An inbox from before the column knows when each message ends, and which needs nothing done any more."""
    migrate(database)
    known = [lost(number) for number in range(1, 5_003)]
    endless = structs.replace(lost(6_000), intent=structs.replace(lost(6_000).intent, expires=None))
    moot = structs.replace(lost(6_001), intent=structs.replace(lost(6_001).intent, moot_from=NOW))
    done = lost(6_002, further=NudgeDone(NOW, AIDA, 1, NOW))
    database.write(lambda connection: nudges.store(connection, [*known, endless, moot, done], {}))
    query = select(views.inbox.c.nudge, views.inbox.c.open_until).order_by(views.inbox.c.nudge)
    with database.reading() as connection:
        before = connection.execute(query).all()
    undo(database, "0036")
    migrate(database)
    with database.reading() as connection:
        assert connection.execute(query).all() == before
    assert Counter(until for _, until in before)[None] == 2


def lost(number: int, again: datetime | None = None, further: NudgeFact | None = None) -> Nudge:
    """A nudge whose attempt has an unknown outcome."""
    first = NudgeAttempted(NOW, AIDA, 1, "sms", "centre", NOW)
    made = nudge(number)
    for fact in (first, NudgeUnknown(NOW, AIDA, 1, "link_lost", again), *([] if further is None else [further])):
        made = evolve(made, made.intent.id, made.version + 1, fact)
    return made


def test_steps_are_taken_once(database: Database) -> None:
    """What was done is not done again, and the plan says what is left."""
    assert [each.revision for each in pending(database)] == STEPS
    assert tables(database) == []
    assert [each.revision for each in migrate(database)] == STEPS
    assert pending(database) == migrate(database) == []
    assert version(database) == HEAD


def test_a_step_that_fails_changes_nothing(database: Database) -> None:
    """All steps are one transaction: what stands in the way of the second also undoes the first."""
    with database.altering() as connection:
        connection.execute(text("CREATE TABLE dead_letters (id INTEGER)"))

    with pytest.raises(DatabaseUnavailable, match="dead_letters"):
        migrate(database)

    assert tables(database) == ["dead_letters"]


def test_two_processes_may_migrate_at_once(database: Database, url: str) -> None:
    """Whoever comes second waits, and finds that nothing is to be done."""
    others = [Database(url) for _ in range(4)]
    with ThreadPoolExecutor(len(others)) as threads:
        taken = list(threads.map(migrate, others, timeout=PATIENCE))
    for each in others:
        each.close()

    assert sorted(map(len, taken)) == [0, 0, 0, len(STEPS)]
    assert version(database) == HEAD


@pytest.mark.parametrize("url", ["postgresql"], indirect=True)
def test_tables_are_not_altered_beside_who_is_at_work(database: Database, url: str, tmp_path: Path) -> None:
    """While a process that was composed lives, no step is taken, and it is said why; once it has ended all are."""
    migrate(database)
    at_work = compose(load_settings(database=url, key_file=tmp_path / "key"), fixed(NOW), KEYRING)
    set_version(database, FIRST)

    with pytest.raises(DatabaseInUse, match=r"connections?, from 127\.0\.0\.1\)\. Stop all roles"):
        migrate(database)
    assert version(database) == FIRST

    set_version(database, HEAD)
    assert migrate(database) == []
    at_work.database.close()
    with database.altering() as connection:
        require_unused(connection)


def test_a_newer_schema_stops_the_start(database: Database) -> None:
    """A schema that this code does not know is used by neither start nor migration, and stays as it is."""
    migrate(database)
    set_version(database, "9999")

    for use in (make_ready, migrate, pending):
        with pytest.raises(WrongSchema, match=r"\(9999\) is newer than this code .* Install"):
            use(database)
    assert version(database) == "9999"


@pytest.mark.parametrize("url", ["postgresql"], indirect=True)
def test_a_server_is_not_changed_by_a_start(database: Database) -> None:
    """On PostgreSQL a start changes no tables: it says that they are missing, or old, and what to do."""
    with pytest.raises(WrongSchema, match=rf"no tables yet.*`habarshy migrate` \({len(STEPS)} steps"):
        make_ready(database)
    assert tables(database) == []

    made_before_migrations(database)
    before = tables(database)
    with pytest.raises(WrongSchema, match=f"{FIRST}. is older .*`habarshy migrate` .{len(STEPS) - 1} steps"):
        make_ready(database)
    assert tables(database) == before


def test_a_database_that_cannot_keep_every_letter_is_refused(server: URL) -> None:
    """A PostgreSQL database in another encoding than UTF-8 is refused, with what to do, and stays as it is."""
    with postgres.empty(server, encoding="SQL_ASCII") as at:
        database = Database(at.render_as_string(hide_password=False))
        for use in (make_ready, migrate, pending):
            with pytest.raises(WrongSchema, match=r"SQL_ASCII.*createdb --encoding=UTF8"):
                use(database)
        assert tables(database) == []
        database.close()


def test_a_server_that_is_too_old_is_refused(server: URL) -> None:
    """A PostgreSQL older than the oldest that will do is refused, and both are named; the database stays as it is."""
    with postgres.empty(server) as at:
        database = Database(at.render_as_string(hide_password=False))
        for use in (make_ready, migrate, pending):
            with pytest.raises(WrongSchema, match=r"PostgreSQL \d+[.\d]*; 999 is the oldest .* Upgrade the server"):
                use(database, oldest=999)
        assert tables(database) == []
        database.close()


@only_sqlite
def test_a_file_is_brought_up_to_date_by_a_start(database: Database) -> None:
    """Who uses SQLite need not know of migrations: a new file and an old one are made ready."""
    made_before_migrations(database)
    make_ready(database)

    assert version(database) == HEAD


@only_sqlite
def test_a_plan_makes_no_file(database: Database, tmp_path: Path) -> None:
    """To ask what would be done makes nothing."""
    assert pending(database)

    assert list(tmp_path.iterdir()) == []


def test_tables_of_somebody_else_are_refused(database: Database) -> None:
    """A database whose log has other columns than ours ever had is not ours: nothing is done to it."""
    made_before_migrations(database)
    with database.altering() as connection:
        connection.execute(text("ALTER TABLE log DROP COLUMN topic"))

    with pytest.raises(WrongSchema, match="not those of the first version"):
        migrate(database)
    assert VERSION_TABLE not in tables(database)


def test_the_newest_step_is_the_one_that_the_code_names() -> None:
    """HEAD is the last of one line of steps, none of which has a way back."""
    assert SCRIPTS.get_heads() == [HEAD]
    assert SCRIPTS.get_bases() == [FIRST]
    assert all(not hasattr(each.module, "downgrade") for each in SCRIPTS.walk_revisions())
