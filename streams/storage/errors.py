"""What a server that answers does not let us do: write where it is read only, touch a table without a GRANT.

PostgreSQL's codes: https://www.postgresql.org/docs/current/errcodes-appendix.html
"""

from psycopg import Error
from sqlalchemy.engine import ExceptionContext

from streams.storage.sqlite_writer import DatabaseUnavailable

READ_ONLY, NO_PRIVILEGE = "25006", "42501"
"""read_only_sql_transaction, insufficient_privilege."""


class ReadOnly(DatabaseUnavailable):
    """The database takes no writes ({reason}): a standby, or one that was demoted. Name the primary."""


class NoPrivilege(DatabaseUnavailable):
    """The database's user may not do that: {reason}. Have its owner GRANT it, or name the owner as the user."""


def not_here(error: BaseException | None) -> DatabaseUnavailable | None:
    """What it is, if it is one of these; of the server's words only the first line, which names no values."""
    if not isinstance(error, Error):
        return None
    kinds: dict[str | None, type[DatabaseUnavailable]] = {READ_ONLY: ReadOnly, NO_PRIVILEGE: NoPrivilege}
    kind = kinds.get(error.sqlstate)
    return None if kind is None else kind(error.diag.message_primary or "")


def say_not_here(context: ExceptionContext) -> Exception | None:
    """Raise that in the place of the driver's; for SQLAlchemy's `handle_error`.

    After a fail-over the connections of the pool are still to the server that was demoted: they are thrown away, so
    that the next ones are to whoever has its address, or comes after it in the URL.
    """
    found = not_here(context.original_exception)
    if isinstance(found, ReadOnly):
        context.is_disconnect = True
    return found
