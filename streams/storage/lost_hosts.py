"""A host that vanishes without a farewell: how soon we notice that of PostgreSQL, and PostgreSQL that of ours."""

from collections.abc import Mapping
from typing import Any

from psycopg import Connection, sql
from sqlalchemy import URL

LIMITS: Mapping[str, int] = {
    "connect_timeout": 10,
    "tcp_user_timeout": 60_000,
    "keepalives_idle": 20,
    "keepalives_interval": 10,
    "keepalives_count": 4,
}
"""So that it is noticed within a minute; the database's URL may say others.

As libpq has them: in seconds, but `tcp_user_timeout` in milliseconds.
https://www.postgresql.org/docs/current/libpq-connect.html#LIBPQ-PARAMKEYWORDS
"""
_THEIRS = {
    "tcp_user_timeout": "tcp_user_timeout",
    "keepalives_idle": "tcp_keepalives_idle",
    "keepalives_interval": "tcp_keepalives_interval",
    "keepalives_count": "tcp_keepalives_count",
}


def limits_of(url: URL) -> dict[str, int]:
    """Those of the limits that the URL does not set."""
    return {name: limit for name, limit in LIMITS.items() if name not in url.query}


def limit_other_end(connection: Connection[Any], _record: object) -> None:
    """Have the server look for us in the same way, else it keeps our locks for hours; for SQLAlchemy's `connect`."""
    set_here = connection.info.get_parameters()
    told = [
        sql.SQL("SET {} = {}").format(sql.Identifier(theirs), sql.Literal(int(set_here[ours])))
        for ours, theirs in _THEIRS.items()
        if ours in set_here
    ]
    connection.autocommit = True
    connection.execute(sql.SQL("; ").join(told))
    connection.autocommit = False
