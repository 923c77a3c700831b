"""The tables of the log, its keys, the queues, the jobs and the drafts."""

from uuid import UUID

import msgspec
from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Index,
    Integer,
    LargeBinary,
    String,
    Table,
    UniqueConstraint,
    false,
    literal_column,
    select,
    type_coerce,
)
from sqlalchemy.types import NullType

from domain.facts.access_facts import LettersDropped, PersonViewed
from domain.facts.facts import NudgeAttempted, NudgeDelivered, NudgeFailed, NudgeSent, NudgeUnknown
from projections.tables import Id, Position, Pseudonym, metadata, partial_index

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
"""Forged rows (without a valid code), moved here because a fact had to go to their place in the log."""

log_coded = Table(
    "log_coded",
    metadata,
    Column("number", Integer, primary_key=True, autoincrement=False),
    Column("upto", BigInteger, nullable=False),
    Column("facts", BigInteger, nullable=False),
    Column("unproven", BigInteger, nullable=False),
    Column("code", LargeBinary(16), nullable=False),
)
"""One row about the facts that are older than the codes: the last position, their count, and the count of those that
no signed block proved. It has a code of its own."""

_ACCOUNTS = (PersonViewed.TOPIC, LettersDropped.TOPIC)
# Literals, because PostgreSQL uses a partial index only where the query repeats its condition.
IS_ACCOUNT = log.c.topic.in_([literal_column(f"'{topic}'") for topic in _ACCOUNTS])
partial_index("log_accounts", log.c.position, where=IS_ACCOUNT)
"""Finds the facts that auditors read: who read whose data, and who discarded dead letters."""
_OF_ATTEMPTS = tuple(fact.TOPIC for fact in (NudgeAttempted, NudgeSent, NudgeDelivered, NudgeFailed, NudgeUnknown))
IS_OF_ATTEMPT = log.c.topic.in_([literal_column(f"'{topic}'") for topic in _OF_ATTEMPTS])
partial_index("log_of_attempts", log.c.position, where=IS_OF_ATTEMPT)
"""Finds the facts that a provider's records are compared with."""

log_rows = select(
    log.c.position,
    type_coerce(log.c.originator_id, NullType),
    log.c.originator_version,
    log.c.topic,
    type_coerce(log.c.state, NullType),
    type_coerce(log.c.code, NullType),
)
"""Rows of the log as `Log.genuine_entries` takes them: values as the driver gives them. `stream_of` makes the UUIDs.

SQLAlchemy's result processors would cost a call of Python for each column of each row.
"""

_decode = msgspec.msgpack.Decoder(UUID).decode


def stream_of(given: UUID | bytes) -> UUID:
    """Return the stream's UUID from what the driver gives: a UUID on PostgreSQL, 16 bytes on SQLite.

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
"""The keys that seal a person's parts of the events of one type and year, where that type has a retention limit."""
Index("period_keys_period", period_keys.c.type, period_keys.c.year, period_keys.c.person)

made_with = Table(
    "made_with",
    metadata,
    Column("names", LargeBinary(16), primary_key=True),
)
"""A fingerprint of the key that pseudonyms are made with: with another key nobody would be recognised."""

erasures = Table(
    "erasures",
    metadata,
    Column("number", Integer, primary_key=True, autoincrement=False),
    Column("mark", LargeBinary(8), nullable=False),
)
"""One row for each erasure, with a random mark: caches of keys compare it to see whether a key was destroyed."""

paces = Table(
    "paces",
    metadata,
    Column("name", String, primary_key=True),
    Column("free_at", BigInteger, nullable=False),
)
"""The state of each rate limit: when it lets the next message through (microseconds)."""

conversations = Table(
    "conversations",
    metadata,
    Column("number", LargeBinary(16), primary_key=True),
    Column("nudge", Id, primary_key=True),
    Column("recipient", Pseudonym, primary_key=True),
    Column("at", BigInteger, nullable=False),
    Column("mark", String, nullable=False),
)
"""The messages sent by SMS to each number (a keyed hash): a reply from there is about one of them."""
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
"""The parts of long SMS that people send. `message`: a keyed hash of sender and message, `digest`: of the text.

A part waits for the others until `until`. Without `sealed` it is part of a complete message; until `again`
(microseconds) the same part counts as a repetition. `person`: the sender, whose key seals it if there is one.
"""
Index("pieces_until", pieces.c.until)

early_receipts = Table(
    "early_receipts",
    metadata,
    Column("provider", String, primary_key=True),
    Column("reference", String, primary_key=True),
    Column("heard", String, primary_key=True),
    Column("reason", String),
    Column("at", BigInteger, nullable=False),
    Column("code", LargeBinary),
)
"""Receipts that came before the platform knew the provider's reference of the message. `code`: by our key."""

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
"""The provider's references of the parts of a long SMS; that of the last part is the message's. Any part may fail."""

webhooks = Table(
    "webhooks",
    metadata,
    Column("event", Id, primary_key=True),
    Column("due_at", BigInteger, nullable=False),
    Column("attempts", Integer, nullable=False),
)
"""The webhooks still to be sent: life events that tell agencies of people's answers."""
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
"""Dead letters: items that could not be handled. `person`: the subject, whose key seals it if there is one."""
Index("dead_letters_cause", dead_letters.c.kind, dead_letters.c.cause, dead_letters.c.at)

reconciled = Table(
    "reconciled",
    metadata,
    Column("at", BigInteger, primary_key=True, autoincrement=False),
    Column("found", Integer, nullable=False),
)
"""The persons who had waited too long, as counted by the reconciler at `at` (microseconds)."""

dead_events = Table(
    "dead_events",
    metadata,
    Column("code", String, primary_key=True),
    Column("refused", BigInteger, nullable=False),
    Column("last", BigInteger, nullable=False),
)
"""The count of all events from Kafka refused with each code, and when the last one was (microseconds)."""

soundings = Table(
    "soundings",
    metadata,
    Column("at", BigInteger, primary_key=True, autoincrement=False),
    Column("name", String, primary_key=True),
    Column("count", BigInteger, nullable=False),
)
"""Samples of the backlog of each part of the platform, at `at` (microseconds); kept for an hour.

The ages of the oldest that wait are kept for a day. The code says sample everywhere else.
"""

hourly = Table(
    "hourly",
    metadata,
    Column("hour", BigInteger, primary_key=True, autoincrement=False),
    Column("trigger", String, primary_key=True),
    Column("what", String, primary_key=True),
    Column("count", BigInteger, nullable=False),
)
"""Counts of recorded facts by hour (number since 1970), for the console's charts: see streams/replay/hourly.py."""

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
    Column("waits", Boolean, nullable=False, server_default=false()),
    Column("deaths", Integer, nullable=False, server_default="0"),
    Column("code", LargeBinary),
)
"""Jobs: their progress, who asked for them and who confirmed them. `claim`: counts the processes that took the job
up, so that one that lost it notices. `worked`: microseconds, over all claims. `waits`: for a process of the role
jobs. `deaths`: how often a process died over its present step. `code`: by our key, until it ends, over what is to be
done and who wants it. The arguments hold no personal data."""

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
"""The answers to requests with an Idempotency-Key, by keyed hashes. No status: the request is not answered yet."""

guesses = Table(
    "guesses",
    metadata,
    Column("caller", LargeBinary(16), primary_key=True),
    Column("minute", BigInteger, primary_key=True),
    Column("count", Integer, nullable=False),
)
"""The guesses at secrets and codes of each caller, a keyed hash, in the minute that runs."""

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
"""Drafts of triggers: files as JSON. `revision` grows with each change, so that nobody overwrites a change they
have not seen. `version`: the hash under which this text was submitted last (empty: never)."""

draft_saves = Table(
    "draft_saves",
    metadata,
    Column("draft", Integer, primary_key=True, autoincrement=False),
    Column("revision", Integer, primary_key=True, autoincrement=False),
    Column("files", String, nullable=False),
    Column("changed_by", String, nullable=False),
    Column("changed_at", BigInteger, nullable=False),
)
"""Earlier revisions of drafts: what each save replaced, the last few of a draft."""

processes = Table(
    "processes",
    metadata,
    Column("id", String, primary_key=True),
    Column("role", String, nullable=False),
    Column("host", String, nullable=False),
    Column("pid", Integer, nullable=False),
    Column("version", String, nullable=False),
    Column("started_at", BigInteger, nullable=False),
    Column("seen_at", BigInteger, nullable=False),
    Column("ahead", BigInteger, nullable=False),
)
"""The processes that run. `seen_at`: the last sign of life; `ahead`: of their clock, in microseconds."""

scheduled = Table(
    "scheduled",
    metadata,
    Column("job", String, primary_key=True),
    Column("cron", String, nullable=False),
    Column("next_at", BigInteger),
    Column("started_at", BigInteger),
    Column("took", BigInteger),
    Column("outcome", String, nullable=False),
    Column("error", String, nullable=False),
    Column("words", String, nullable=False),
    Column("done_at", BigInteger),
    Column("failures", Integer, nullable=False),
)
"""What runs by the schedule. `cron`: the expression of which `next_at` is the next run; `took`: microseconds of the
last run, `outcome` how it ended, `error` the class of its error and `words` what it says, if it is one of ours;
`done_at`: the last success; `failures`: how many runs failed, ever."""
