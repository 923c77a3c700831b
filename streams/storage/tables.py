"""The tables of the log: facts, and the keys that open them."""

from uuid import UUID

import msgspec
from sqlalchemy import (
    BigInteger,
    Column,
    Index,
    Integer,
    LargeBinary,
    String,
    Table,
    UniqueConstraint,
    literal_column,
    select,
    type_coerce,
)
from sqlalchemy.types import NullType

from domain.facts.access_facts import LettersDropped, PersonViewed
from domain.facts.facts import NudgeAttempted, NudgeDelivered, NudgeFailed, NudgeSent, NudgeUnknown
from projections.tables import Id, Position, Pseudonym, metadata

log = Table(
    "log",
    metadata,
    Column("position", Position, primary_key=True, autoincrement=False),
    Column("originator_id", Id, nullable=False),
    Column("originator_version", Integer, nullable=False),
    Column("topic", String, nullable=False),
    Column("state", LargeBinary, nullable=False),
    Column("code", LargeBinary(16)),
    UniqueConstraint("originator_id", "originator_version"),
)
"""`code`: see streams/log/row_codes.py."""

log_forged = Table(
    "log_forged",
    metadata,
    Column("number", Integer, primary_key=True, autoincrement=False),
    Column("position", BigInteger, nullable=False),
    Column("originator_id", LargeBinary, nullable=False),
    Column("originator_version", BigInteger, nullable=False),
    Column("topic", String, nullable=False),
    Column("state", LargeBinary, nullable=False),
    Column("code", LargeBinary),
)
"""Rows that stood in the log without a valid code where a fact had to go."""

log_coded = Table(
    "log_coded",
    metadata,
    Column("number", Integer, primary_key=True, autoincrement=False),
    Column("upto", BigInteger, nullable=False),
    Column("facts", BigInteger, nullable=False),
    Column("unproven", BigInteger, nullable=False),
    Column("code", LargeBinary(16), nullable=False),
)
"""One row: up to which position there were facts before there were codes, how many, and how many of these no signed
block proved; with a code of its own."""

_ACCOUNTS = (PersonViewed.TOPIC, LettersDropped.TOPIC)
IS_ACCOUNT = log.c.topic.in_([literal_column(f"'{each}'") for each in _ACCOUNTS])  # an index is found by its words
Index("log_accounts", log.c.position, sqlite_where=IS_ACCOUNT, postgresql_where=IS_ACCOUNT)
"""What auditors read, found without everything else: who read whose data, and who gave up dead letters."""
_OF_ATTEMPTS = tuple(each.TOPIC for each in (NudgeAttempted, NudgeSent, NudgeDelivered, NudgeFailed, NudgeUnknown))
IS_OF_ATTEMPT = log.c.topic.in_([literal_column(f"'{each}'") for each in _OF_ATTEMPTS])
Index("log_of_attempts", log.c.position, sqlite_where=IS_OF_ATTEMPT, postgresql_where=IS_OF_ATTEMPT)
"""The facts by which a provider's record is known, found without everything else."""

log_rows = select(
    log.c.position,
    type_coerce(log.c.originator_id, NullType),
    log.c.originator_version,
    log.c.topic,
    type_coerce(log.c.state, NullType),
    type_coerce(log.c.code, NullType),
)
"""Rows of the log as `Log.decoded` takes them: everything as the driver gives it, streams made UUIDs by `stream_of`.

A processor a column would be a call of Python a row.
"""

_decode = msgspec.msgpack.Decoder(UUID).decode


def stream_of(given: UUID | bytes) -> UUID:
    """A stream as the driver gives it: PostgreSQL's a UUID, SQLite's its 16 bytes.

    By msgspec (`c4 10`: 16 bytes follow), because UUID's own constructor takes as long as decrypting a fact.
    """
    return given if isinstance(given, UUID) else _decode(b"\xc4\x10" + given)


person_keys = Table(
    "person_keys",
    metadata,
    Column("person", Pseudonym, primary_key=True),
    Column("key_id", LargeBinary(8), nullable=False),
    Column("wrapped", LargeBinary, nullable=False),
    Column("wrapped_by", Integer, nullable=False),
)

period_keys = Table(
    "period_keys",
    metadata,
    Column("person", Pseudonym, primary_key=True),
    Column("type", String, primary_key=True),
    Column("year", Integer, primary_key=True),
    Column("key_id", LargeBinary(8), nullable=False),
    Column("wrapped", LargeBinary, nullable=False),
    Column("wrapped_by", Integer, nullable=False),
)
"""What seals a person's parts of the events of one type and year, where that type has a limit."""
Index("period_keys_period", period_keys.c.type, period_keys.c.year, period_keys.c.person)

made_with = Table(
    "made_with",
    metadata,
    Column("names", LargeBinary(16), primary_key=True),
)
"""A fingerprint of the key that pseudonyms are made with: with another one, everybody would be a stranger."""

erasures = Table(
    "erasures",
    metadata,
    Column("number", Integer, primary_key=True, autoincrement=False),
    Column("mark", LargeBinary(8), nullable=False),
)
"""One row an erasure, with a random mark: whoever keeps keys at hand looks here whether one was destroyed."""

paces = Table(
    "paces",
    metadata,
    Column("name", String, primary_key=True),
    Column("free_at", BigInteger, nullable=False),
)
"""From when on each limit of messages a second lets another one through."""

conversations = Table(
    "conversations",
    metadata,
    Column("number", LargeBinary(16), primary_key=True),
    Column("nudge", Id, primary_key=True),
    Column("recipient", Pseudonym, primary_key=True),
    Column("at", BigInteger, nullable=False),
    Column("mark", String, nullable=False),
)
"""What went by SMS to which number (as a keyed hash): whoever writes from there speaks of one of these."""
Index("conversations_recipient", conversations.c.recipient)

pieces = Table(
    "pieces",
    metadata,
    Column("message", LargeBinary(16), primary_key=True),
    Column("number", Integer, primary_key=True),
    Column("digest", LargeBinary(16), primary_key=True),
    Column("provider", String, nullable=False),
    Column("total", Integer, nullable=False),
    Column("until", BigInteger, nullable=False),
    Column("again", BigInteger, nullable=False),
    Column("person", Pseudonym),
    Column("sealed", LargeBinary),
)
"""The pieces of longer SMS that people send, by keyed hashes of whose and which it is and of its words; each waits
until then for the others. Nothing sealed: it is in a message since, and for `again` (microseconds) the same piece is
that one. `person`: who wrote it, whose key seals it if they have one."""
Index("pieces_until", pieces.c.until)

early_receipts = Table(
    "early_receipts",
    metadata,
    Column("provider", String, primary_key=True),
    Column("reference", String, primary_key=True),
    Column("heard", String, primary_key=True),
    Column("reason", String),
    Column("at", BigInteger, nullable=False),
)
"""Receipts that came before the platform knew what the provider calls the message."""

sent_parts = Table(
    "sent_parts",
    metadata,
    Column("provider", String, primary_key=True),
    Column("reference", String, primary_key=True),
    Column("nudge", Id, nullable=False),
    Column("recipient", Pseudonym, nullable=False),
    Column("attempt", Integer, nullable=False),
    Column("at", BigInteger, nullable=False, index=True),
    sqlite_with_rowid=False,
)
"""What each provider calls the parts of a long SMS but the last, which names the message: any of them may fail."""

webhooks = Table(
    "webhooks",
    metadata,
    Column("event", Id, primary_key=True),
    Column("due_at", BigInteger, nullable=False),
    Column("attempts", Integer, nullable=False),
)
"""What agencies have yet to be told of: the life events of people who answered them."""
Index("webhooks_due", webhooks.c.due_at)

fake_messages = Table(
    "fake_messages",
    metadata,
    Column("nudge", Id, primary_key=True),
    Column("recipient", Pseudonym, primary_key=True),
    Column("attempt", Integer, primary_key=True),
    Column("channel", String, nullable=False),
    Column("sealed", LargeBinary, nullable=False),
)

dead_letters = Table(
    "dead_letters",
    metadata,
    Column("id", Id, primary_key=True),
    Column("kind", String, nullable=False),
    Column("cause", String, nullable=False),
    Column("at", BigInteger, nullable=False),
    Column("attempts", Integer, nullable=False),
    Column("person", Pseudonym),
    Column("sealed", LargeBinary, nullable=False),
)
"""What could not be handled; `person`: whom it is about, whose key seals it if they have one."""
Index("dead_letters_cause", dead_letters.c.kind, dead_letters.c.cause, dead_letters.c.at)

reconciled = Table(
    "reconciled",
    metadata,
    Column("at", BigInteger, primary_key=True, autoincrement=False),
    Column("found", Integer, nullable=False),
)
"""How many persons the reconciler found who waited for too long, by when it looked (microseconds)."""

dead_events = Table(
    "dead_events",
    metadata,
    Column("code", String, primary_key=True),
    Column("refused", BigInteger, nullable=False),
    Column("last", BigInteger, nullable=False),
)
"""How many events from Kafka were ever refused with each code, and when the last one was (microseconds)."""

soundings = Table(
    "soundings",
    metadata,
    Column("at", BigInteger, primary_key=True, autoincrement=False),
    Column("name", String, primary_key=True),
    Column("count", BigInteger, nullable=False),
)
"""How much waited for each part of the platform, by when somebody looked (microseconds); kept for an hour."""

jobs = Table(
    "jobs",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=False),
    Column("kind", String, nullable=False),
    Column("lane", String, nullable=False),
    Column("arguments", String, nullable=False),
    Column("state", String, nullable=False),
    Column("done", BigInteger, nullable=False),
    Column("of", BigInteger, nullable=False),
    Column("unit", String, nullable=False),
    Column("cursor", String, nullable=False),
    Column("asked_by", String, nullable=False),
    Column("asked_at", BigInteger, nullable=False),
    Column("began_at", BigInteger),
    Column("changed_at", BigInteger, nullable=False),
    Column("worked", BigInteger, nullable=False),
    Column("claim", Integer, nullable=False),
    Column("words", String, nullable=False),
    Column("confirmed_by", String),
)
"""Long work over history: how far it has come, who asked for it and confirmed it; `claim`: how often it was taken up,
so that whoever lost it notices; `worked`: microseconds, over all claims. The arguments hold nobody's data."""

repeats = Table(
    "repeats",
    metadata,
    Column("key", LargeBinary(16), primary_key=True),
    Column("request", LargeBinary(16), nullable=False),
    Column("at", BigInteger, nullable=False),
    Column("status", Integer),
    Column("media_type", String),
    Column("body", LargeBinary),
)
"""What was answered to a request with a key of its sender (Idempotency-Key), by keyed hashes; no status: not yet."""

blocks = Table(
    "blocks",
    metadata,
    Column("number", BigInteger, primary_key=True, autoincrement=False),
    Column("after", BigInteger, nullable=False),
    Column("upto", BigInteger, nullable=False),
    Column("count", Integer, nullable=False),
    Column("at", BigInteger, nullable=False),
    Column("previous", LargeBinary(32), nullable=False),
    Column("root", LargeBinary(32), nullable=False),
    Column("marks_digest", LargeBinary(32), nullable=False),
    Column("signature", LargeBinary(64), nullable=False),
    Column("signer", LargeBinary(8), nullable=False),
    Column("marks", LargeBinary, nullable=False),
)
"""The chain over the log: see domain/facts/chain.py; `signer`: the id of the key that signed."""

drafts = Table(
    "drafts",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=False),
    Column("agency", String, nullable=False),
    Column("pack", String, nullable=False),
    Column("trigger", String, nullable=False),
    Column("files", String, nullable=False),
    Column("revision", Integer, nullable=False),
    Column("version", String, nullable=False),
    Column("made_by", String, nullable=False),
    Column("made_at", BigInteger, nullable=False),
    Column("changed_by", String, nullable=False),
    Column("changed_at", BigInteger, nullable=False),
    UniqueConstraint("agency", "trigger"),
)
"""Triggers that are being written, as their authors' files (JSON); `revision` grows with each change, so that nobody
writes over what they have not seen; `version`: the hash under which this text was submitted last (empty: never)."""
