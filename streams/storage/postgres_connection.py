"""Settings of every connection to PostgreSQL: how soon a lost host is noticed, and what the planner assumes."""

from collections.abc import Mapping
from typing import Any

from psycopg import Connection, sql
from sqlalchemy import URL

TCP_KEEPALIVE: Mapping[str, int] = {
    "connect_timeout": 10,
    "tcp_user_timeout": 60_000,
    "keepalives_idle": 20,
    "keepalives_interval": 10,
    "keepalives_count": 4,
}
"""A lost host is noticed within a minute; the database's URL may set other values.

As libpq has them: in seconds, but `tcp_user_timeout` in milliseconds.
https://www.postgresql.org/docs/current/libpq-connect.html#LIBPQ-PARAMKEYWORDS
"""
_SERVER_SETTINGS = {
    "tcp_user_timeout": "tcp_user_timeout",
    "keepalives_idle": "tcp_keepalives_idle",
    "keepalives_interval": "tcp_keepalives_interval",
    "keepalives_count": "tcp_keepalives_count",
}
_RANDOM_PAGE_COST = (
    "SELECT set_config('random_page_cost', '1.1', false)"
    " FROM pg_settings WHERE name = 'random_page_cost' AND source = 'default'"
)


def tcp_keepalive(url: URL) -> dict[str, int]:
    """Return the keepalive parameters that the URL does not set itself."""
    return {name: limit for name, limit in TCP_KEEPALIVE.items() if name not in url.query}


def set_server_keepalive(connection: Connection[Any], _record: object) -> None:
    """Give the server the same keepalive, else it keeps our locks for hours; for SQLAlchemy's `connect`."""
    ours = connection.info.get_parameters()
    settings = [
        sql.SQL("SET {} = {}").format(sql.Identifier(setting), sql.Literal(int(ours[name])))
        for name, setting in _SERVER_SETTINGS.items()
        if name in ours
    ]
    connection.autocommit = True
    connection.execute(sql.SQL("; ").join(settings))
    connection.autocommit = False


def set_planner_costs(connection: Connection[Any], _record: object) -> None:
    """Assume flash storage where nobody has set `random_page_cost`; for SQLAlchemy's `connect`.

    PostgreSQL's default is that of a turning disk. With it, tables of some ten thousand rows are read as a whole for
    every batch of keys (docs/decisions/0008).
    https://www.postgresql.org/docs/current/runtime-config-query.html#GUC-RANDOM-PAGE-COST
    """
    connection.autocommit = True
    connection.execute(_RANDOM_PAGE_COST)
    connection.autocommit = False
