"""The first schema: a database without a version that has these tables was made before there were migrations."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy import BigInteger, Boolean, Column, Date, Index, Integer, LargeBinary, MetaData, String, Table

revision = "0001"
down_revision = None

metadata = MetaData()
Id = sa.Uuid().with_variant(LargeBinary(16), "sqlite")
Position = BigInteger().with_variant(Integer, "sqlite")
Pseudonym = String(32)

history = Table(
    "history",
    metadata,
    Column("person", Pseudonym, primary_key=True),
    Column("position", Position, primary_key=True),
    Column("time", BigInteger, nullable=False),
    Column("type", String, nullable=False),
    Column("ahead_from", BigInteger),
    Column("planned", Boolean, nullable=False),
    Column("recorded", BigInteger, nullable=False),
    Column("woken", BigInteger, nullable=False),
    sqlite_with_rowid=False,
)
Index(
    "history_unplanned",
    history.c.woken,
    history.c.person,
    sqlite_where=~history.c.planned,
    postgresql_where=~history.c.planned,
)
_LOADED = history.c.ahead_from.is_not(None)
Index("history_loaded", history.c.position, sqlite_where=_LOADED, postgresql_where=_LOADED)

revisions = Table(
    "revisions",
    metadata,
    Column("original", Id, primary_key=True),
    Column("position", Position, primary_key=True),
    Column("arrived", Boolean, nullable=False),
)

area_facts = Table(
    "area_facts",
    metadata,
    Column("area", String, primary_key=True),
    Column("position", Position, primary_key=True),
    Column("time", BigInteger, nullable=False),
)

residents = Table(
    "residents",
    metadata,
    Column("person", Pseudonym, primary_key=True),
    Column("since", BigInteger, primary_key=True),
    Column("home", String, nullable=False),
    Column("until", BigInteger),
    Column("only", Boolean, nullable=False),
    sqlite_with_rowid=False,
)
Index("residents_home", residents.c.home, residents.c.person)

area_plans = Table(
    "area_plans",
    metadata,
    Column("original", Id, primary_key=True),
    Column("position", Position, nullable=False),
    Column("waiting", Boolean, nullable=False),
    Column("home", String, nullable=False),
    Column("person", String, nullable=False),
)

nudges = Table(
    "nudges",
    metadata,
    Column("nudge", Id, primary_key=True),
    Column("person", Pseudonym, nullable=False, index=True),
    Column("version", Integer, nullable=False),
    Column("state", String, nullable=False),
    Column("folded", LargeBinary, nullable=False),
)

due = Table(
    "due",
    metadata,
    Column("due_at", BigInteger, primary_key=True),
    Column("rank", Integer, primary_key=True),
    Column("nudge", Id, primary_key=True),
    Column("recipient", Pseudonym, primary_key=True),
    Column("attempted", Boolean, nullable=False),
    Column("stopped", Boolean, nullable=False),
    Column("holder", String),
    Column("held_until", BigInteger),
    sqlite_with_rowid=False,
)
Index("due_attempted", due.c.nudge, sqlite_where=due.c.attempted, postgresql_where=due.c.attempted)
Index("due_stopped", due.c.due_at, due.c.nudge, sqlite_where=due.c.stopped, postgresql_where=due.c.stopped)

inbox = Table(
    "inbox",
    metadata,
    Column("recipient", Pseudonym, primary_key=True),
    Column("nudge", Id, primary_key=True),
    Column("at", BigInteger, nullable=False),
    Column("channel", String, nullable=False),
    Column("state", String, nullable=False),
    Column("counted", BigInteger),
)
Index("inbox_latest", inbox.c.recipient, inbox.c.at)

trail = Table(
    "trail",
    metadata,
    Column("person", Pseudonym, primary_key=True),
    Column("position", Position, primary_key=True),
    Column("topic", String, nullable=False),
)

statistics = Table(
    "statistics",
    metadata,
    Column("day", Date, primary_key=True),
    Column("trigger", String, primary_key=True),
    Column("what", String, primary_key=True),
    Column("count", Integer, nullable=False),
)

governance = Table(
    "governance",
    metadata,
    Column("position", Position, primary_key=True, autoincrement=False),
    Column("topic", String, nullable=False),
)

positions = Table(
    "positions",
    metadata,
    Column("reader", String, primary_key=True),
    Column("position", Position, nullable=False),
)


log = Table(
    "log",
    metadata,
    Column("position", Position, primary_key=True, autoincrement=False),
    Column("originator_id", Id, nullable=False),
    Column("originator_version", Integer, nullable=False),
    Column("topic", String, nullable=False),
    Column("state", LargeBinary, nullable=False),
    sa.UniqueConstraint("originator_id", "originator_version"),
)

person_keys = Table(
    "person_keys",
    metadata,
    Column("person", Pseudonym, primary_key=True),
    Column("key_id", LargeBinary(8), nullable=False),
    Column("wrapped", LargeBinary, nullable=False),
    Column("wrapped_by", Integer, nullable=False),
)

made_with = Table(
    "made_with",
    metadata,
    Column("names", LargeBinary(16), primary_key=True),
)

erasures = Table(
    "erasures",
    metadata,
    Column("number", Integer, primary_key=True, autoincrement=False),
    Column("mark", LargeBinary(8), nullable=False),
)

fake_messages = Table(
    "fake_messages",
    metadata,
    Column("nudge", Id, primary_key=True),
    Column("recipient", Pseudonym, primary_key=True),
    Column("attempt", Integer, primary_key=True),
    Column("channel", String, nullable=False),
    Column("sealed", LargeBinary, nullable=False),
)


def upgrade() -> None:
    """Make all of it."""
    metadata.create_all(op.get_bind())
