"""The tables of the views. Times are integers: microseconds since 1970-01-01T00:00:00Z, sortable on any database."""

from datetime import UTC, datetime, timedelta
from typing import Any, Final
from uuid import UUID

from msgspec import convert
from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    ColumnElement,
    Date,
    Dialect,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    String,
    Table,
    TypeDecorator,
    Uuid,
    false,
    literal_column,
)
from sqlalchemy.types import TypeEngine

from domain.core.ids import Micros

metadata = MetaData()


def partial_index(name: str, *columns: Column[Any], where: ColumnElement[bool]) -> None:
    """Add an index of the rows for which the condition holds."""
    Index(name, *columns, sqlite_where=where, postgresql_where=where)


class Id(TypeDecorator[UUID]):
    """A keyed hash as a UUID: PostgreSQL's own type, and 16 bytes on SQLite.

    The ids are random, so each insert touches another page of the index; half the width means half the pages.
    """

    impl = Uuid
    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[UUID] | TypeEngine[bytes]:
        """Return the type of the stored column."""
        return LargeBinary(16) if dialect.name == "sqlite" else Uuid()

    def process_bind_param(self, value: UUID | None, dialect: Dialect) -> UUID | bytes | None:
        """Return the value as it is stored."""
        return value.bytes if value is not None and dialect.name == "sqlite" else value

    def process_result_value(self, value: UUID | bytes | None, _dialect: Dialect) -> UUID | None:
        """Return the UUID."""
        return convert(value, UUID) if isinstance(value, bytes) else value  # a third of the time


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
    Column("replan", Boolean, nullable=False, server_default=false()),
    sqlite_with_rowid=False,
)
partial_index("history_unplanned", history.c.woken, history.c.person, where=~history.c.planned)
WRITTEN = ("citizen.disputed", "citizen.message_received")
"""The event types of texts that citizens write: a few events among many."""
IS_WRITTEN = history.c.type.in_([literal_column(f"'{each}'") for each in WRITTEN])  # literals, as in the index
partial_index("history_written", history.c.position, where=IS_WRITTEN)
Index("history_recorded", history.c.recorded)
partial_index("history_loaded", history.c.position, where=history.c.ahead_from.is_not(None))

revisions = Table(
    "revisions",
    metadata,
    Column("original", Id, primary_key=True),
    Column("position", Position, primary_key=True),
    Column("arrived", Boolean, nullable=False),
)

Index("revisions_position", revisions.c.position)

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
"""All area events; and, as work in progress, whether one waits to be planned, and after which resident
nobody is in a range of `area_chunks` yet.

`position`: a number that grows with each revision, and with each publication by which the event is planned again.
"""

area_chunks = Table(
    "area_chunks",
    metadata,
    Column("original", Id, primary_key=True),
    Column("home", String, primary_key=True),
    Column("person", String, primary_key=True),
    Column("upto_home", String, nullable=False),
    Column("upto_person", String, nullable=False),
)
"""Work in progress: ranges of residents, after one and up to another, for whom an area event is yet to be planned.

Any process takes one, and deletes it in the transaction of its plan.
"""

nudges = Table(
    "nudges",
    metadata,
    Column("nudge", Id, primary_key=True),
    Column("person", Pseudonym, nullable=False, index=True),
    Column("version", Integer, nullable=False),
    Column("state", String, nullable=False),
    Column("folded", LargeBinary, nullable=False),
    postgresql_with={"fillfactor": 75},
)
"""The fill factor leaves room in every page, so PostgreSQL changes a nudge in place without touching its indexes."""

EMERGENCY, URGENT = -1, 1
"""The rank of emergencies, which go before everything; and the rank up to which nudges go before others: emergencies,
legal notices and services.
"""

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
    Column("lane", Integer, nullable=False),
    Column("since", BigInteger, nullable=False),
    sqlite_with_rowid=False,
    postgresql_with={"fillfactor": 70, "autovacuum_vacuum_scale_factor": 0, "autovacuum_vacuum_threshold": 20_000},
)
"""Due deliveries, stored in the order in which they are claimed. The key of a row follows from its nudge.

`since`: the first time at which it could go: its due time, or that of its planning if later (issue 21, #26).

The fill factor leaves room in every page, so PostgreSQL changes a claimed row in place. The table is vacuumed early,
because deleted rows lie at the front, where every claim begins.
"""
IS_EMERGENCY = due.c.rank == literal_column(str(EMERGENCY))
IS_URGENT = due.c.rank <= literal_column(str(URGENT))
for _name, _is in (("due_emergency", IS_EMERGENCY), ("due_urgent", IS_URGENT)):
    partial_index(_name, due.c.due_at, due.c.rank, due.c.nudge, where=_is)
Index("due_lane", due.c.lane, due.c.due_at, due.c.rank, due.c.nudge)
IS_STOPPED: ColumnElement[bool] = literal_column("due.stopped")
IS_ATTEMPTED: ColumnElement[bool] = literal_column("due.attempted")
"""The conditions of the partial indexes, as these write them: SQLite takes none for `stopped = 1`, and a plan that
PostgreSQL keeps for any parameters none for `rank <= $1`.
"""
partial_index("due_attempted", due.c.nudge, where=due.c.attempted)
partial_index("due_stopped", due.c.due_at, due.c.nudge, where=due.c.stopped)

inbox = Table(
    "inbox",
    metadata,
    Column("recipient", Pseudonym, primary_key=True),
    Column("nudge", Id, primary_key=True),
    Column("at", BigInteger, nullable=False),
    Column("channel", String, nullable=False),
    Column("state", String, nullable=False),
    Column("counted", BigInteger),
    Column("cause", String),
    Column("provider", String),
    Column("trigger", String),
    Column("open_until", BigInteger),
)
"""Attempted deliveries by recipient; `at`: time of the first success, or else of the last attempt.

`counted`: time from which it counts towards the cap (null: it does not); `cause`: why nobody knows the outcome, while
an operator has to decide about it, null otherwise; `provider`: of the last attempt; `open_until`: when the message
ends (`ENDLESS`: never), null once the thing itself was done.
"""
ENDLESS: Final = 2**63 - 1
Index("inbox_at", inbox.c.at)
Index("inbox_latest", inbox.c.recipient, inbox.c.at)
partial_index("inbox_unknown", inbox.c.recipient, inbox.c.nudge, where=inbox.c.state == "unknown")
for _state in ("failed", "unknown"):  # few rows, which operators look for
    _is = inbox.c.state == literal_column(f"'{_state}'")
    partial_index(f"inbox_{_state}_at", inbox.c.at, where=_is)
partial_index("inbox_cause", inbox.c.cause, inbox.c.provider, inbox.c.channel, where=inbox.c.cause.is_not(None))

handed_over = Table(
    "handed_over",
    metadata,
    Column("provider", String, primary_key=True),
    Column("reference", String, primary_key=True),
    Column("nudge", Id, nullable=False),
    Column("recipient", Pseudonym, nullable=False),
    Column("attempt", Integer, nullable=False),
)
"""Each provider's references of the messages that it took over; its receipts name only these."""

erased = Table(
    "erased",
    metadata,
    Column("person", Pseudonym, primary_key=True),
    Column("position", Position, primary_key=True),
    Column("key_id", LargeBinary, nullable=False),
    Column("at", BigInteger, nullable=False),
)
"""Erasures. Facts from before one belong to nobody, even if a copy of the destroyed key comes back."""

retired = Table(
    "retired",
    metadata,
    Column("key_id", LargeBinary(8), primary_key=True),
    Column("position", Position, nullable=False),
    Column("at", BigInteger, nullable=False),
)
"""Destroyed keys of periods, with fact and time. What such a key sealed is retired, not erased."""

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

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)


def micros(moment: datetime) -> Micros:
    """Return the moment as the tables keep it."""
    return Micros((moment - _EPOCH) // _MICROSECOND)


def moment(microseconds: int) -> datetime:
    """Return the moment (UTC) that the tables keep as this number."""
    return _EPOCH + timedelta(microseconds=microseconds)


def optional_micros(when: datetime | None) -> Micros | None:
    """As `micros`, for a time that may be missing."""
    return None if when is None else micros(when)


def optional_moment(microseconds: int | None) -> datetime | None:
    """As `moment`, for a time that may be missing."""
    return None if microseconds is None else moment(microseconds)
