"""Who is at work on a PostgreSQL database: every connection of theirs says so, and its tables change beside nobody.

An old version that goes on would write to new tables as if they were its own: at a start it would be refused.
"""

from typing import Any

import psycopg
from sqlalchemy import Connection, text
from sqlalchemy.exc import OperationalError

AT_WORK = 0x4841_4257
PATIENCE_MS = 3_000
"""A command that only looks is over by then."""
LOCK_NOT_AVAILABLE = "55P03"
_OTHERS = text(
    "SELECT CASE WHEN backend_start IS NULL THEN 'hosts that this user may not see' "
    "ELSE coalesce(host(client_addr), 'here') END FROM pg_locks JOIN pg_stat_activity USING (pid) "
    "WHERE locktype = 'advisory' AND classid = 0 AND objid = :lock AND granted AND pid != pg_backend_pid() "
    "AND pg_locks.database = (SELECT oid FROM pg_database WHERE datname = current_database())"
)


class StillAtWork(Exception):
    """Processes work with these tables ({count} connections, from {hosts}). Stop all roles and jobs, then migrate."""

    def __init__(self, hosts: list[str]) -> None:
        text = (type(self).__doc__ or "").format(count=len(hosts), hosts=", ".join(sorted(set(hosts))))
        super().__init__(text)


def say_so(connection: "psycopg.Connection[Any]", _record: object) -> None:
    """Say it for as long as the connection lasts, once nobody alters tables; for SQLAlchemy's `connect`."""
    connection.autocommit = True
    connection.execute("SELECT pg_advisory_lock_shared(%s)", [AT_WORK])
    connection.autocommit = False


def require_rest(connection: Connection) -> None:
    """Nobody is at work, and until the end of this transaction nobody begins.

    Raises:
        StillAtWork: somebody is.
    """
    connection.execute(text(f"SET LOCAL lock_timeout = {PATIENCE_MS}"))
    try:
        with connection.begin_nested():
            connection.execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": AT_WORK})
    except OperationalError as error:
        if getattr(error.orig, "sqlstate", None) != LOCK_NOT_AVAILABLE:
            raise
        raise StillAtWork(list(connection.execute(_OTHERS, {"lock": AT_WORK}).scalars())) from None
    connection.execute(text("SET LOCAL lock_timeout TO DEFAULT"))
