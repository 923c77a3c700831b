"""The tables of the log: facts, and the keys that open them."""

from sqlalchemy import Column, Integer, LargeBinary, String, Table, UniqueConstraint, Uuid

from projections.tables import Position, Pseudonym, metadata

log = Table(
    "log",
    metadata,
    Column("position", Position, primary_key=True, autoincrement=False),
    Column("originator_id", Uuid, nullable=False),
    Column("originator_version", Integer, nullable=False),
    Column("topic", String, nullable=False),
    Column("state", LargeBinary, nullable=False),
    UniqueConstraint("originator_id", "originator_version"),
)

person_keys = Table(
    "person_keys",
    metadata,
    Column("person", Pseudonym, primary_key=True),
    Column("key_id", LargeBinary(8), nullable=False),
    Column("wrapped", LargeBinary, nullable=False),
    Column("wrapped_by", Integer, nullable=False),
)

fake_messages = Table(
    "fake_messages",
    metadata,
    Column("nudge", Uuid, primary_key=True),
    Column("recipient", Pseudonym, primary_key=True),
    Column("attempt", Integer, primary_key=True),
    Column("channel", String, nullable=False),
    Column("sealed", LargeBinary, nullable=False),
)
