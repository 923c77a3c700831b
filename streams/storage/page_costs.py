"""What PostgreSQL's planner takes a page read at random to cost: by its own default as much as on a turning disk."""

from typing import Any

from psycopg import Connection

_AS_ON_FLASH = (
    "SELECT set_config('random_page_cost', '1.1', false)"
    " FROM pg_settings WHERE name = 'random_page_cost' AND source = 'default'"
)


def suppose_flash(connection: Connection[Any], _record: object) -> None:
    """Where nobody has set it, suppose that it costs hardly more than the next one; for SQLAlchemy's `connect`.

    With the default, tables of some ten thousand rows are read as a whole for a batch of keys, again and again
    (docs/decisions/0008). https://www.postgresql.org/docs/current/runtime-config-query.html#GUC-RANDOM-PAGE-COST
    """
    connection.autocommit = True
    connection.execute(_AS_ON_FLASH)
    connection.autocommit = False
