"""Advisory locks of PostgreSQL: writers take turns, and a migration waits until no process is connected.

Every connection of a running process holds it shared; a migration takes it alone. Otherwise a process of an older
version, which a start would refuse, could go on writing to the new tables.
"""

from typing import Any

import psycopg
from sqlalchemy import Connection, text
from sqlalchemy.exc import OperationalError

APPEND_LOCK = 0x4841_4241
"""The last lock in the order (docs/decisions/0008). Held until the commit by appends to the log, new and destroyed
keys, early receipts that are kept or dropped, and the codes of older rows. An append takes it by `signals.lock_log`.
The number is arbitrary.
"""
IN_USE = 0x4841_4257
"""The number that every connected process shares."""
TIMEOUT_MS = 3_000
"""A command that only reads is over by then."""
LOCK_NOT_AVAILABLE = "55P03"
_LOCK = text("SELECT pg_advisory_xact_lock(:lock)")
_OTHERS = text(
    "SELECT CASE WHEN backend_start IS NULL THEN 'hosts that this user may not see' "
    "ELSE coalesce(host(client_addr), 'here') END FROM pg_locks JOIN pg_stat_activity USING (pid) "
    "WHERE locktype = 'advisory' AND classid = 0 AND objid = :lock AND granted AND pid != pg_backend_pid() "
    "AND pg_locks.database = (SELECT oid FROM pg_database WHERE datname = current_database())"
)


class DatabaseInUse(Exception):
    """Raised when processes are connected to the database that is to be migrated."""


def hold_in_use(connection: "psycopg.Connection[Any]", _record: object) -> None:
    """Hold the lock, shared, while the connection lasts; waits for a migration. For SQLAlchemy's `connect`."""
    connection.autocommit = True
    connection.execute("SELECT pg_advisory_lock_shared(%s)", [IN_USE])
    connection.autocommit = False


def require_unused(connection: Connection) -> None:
    """Hold the lock alone until the end of this transaction, so that nobody else connects.

    Raises:
        DatabaseInUse: another process is connected.
    """
    connection.execute(text(f"SET LOCAL lock_timeout = {TIMEOUT_MS}"))
    try:
        with connection.begin_nested():
            connection.execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": IN_USE})
    except OperationalError as error:
        if getattr(error.orig, "sqlstate", None) != LOCK_NOT_AVAILABLE:
            raise
        hosts = connection.execute(_OTHERS, {"lock": IN_USE}).scalars().all()
        raise DatabaseInUse(
            f"Processes work with these tables ({len(hosts)} connections, from {', '.join(sorted(set(hosts)))}). Stop"
            " all roles and jobs, then migrate."
        ) from None
    connection.execute(text("SET LOCAL lock_timeout TO DEFAULT"))


def take_turns(connection: Connection, lock: int) -> None:
    """Wait until nobody else has that lock, and keep it until the transaction ends; SQLite has one writer anyway."""
    if connection.dialect.name == "postgresql":
        connection.execute(_LOCK, {"lock": lock})
