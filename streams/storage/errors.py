"""Errors of the database: what each is, whether waiting helps, and how long to wait.

PostgreSQL's codes: https://www.postgresql.org/docs/current/errcodes-appendix.html
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

import psycopg
from sqlalchemy.engine import ExceptionContext
from sqlalchemy.exc import DatabaseError, InterfaceError, InternalError, OperationalError, ProgrammingError
from sqlalchemy.exc import TimeoutError as NoConnectionLeft

from streams.storage.severity import Warned

READ_ONLY, IDLE_TIMEOUT, NO_PRIVILEGE = "25006", "25P03", "42501"
"""read_only_sql_transaction, idle_in_transaction_session_timeout, insufficient_privilege."""


class DatabaseUnavailable(Exception):
    """Raised when the database cannot be used: it does not answer, refuses us, or its disk is full."""

    def __init__(self, reason: str) -> None:
        lines = [line.strip().rstrip(".") for line in reason.splitlines()]
        kept = "; ".join(
            line for line in lines if line and not line.endswith("?")
        )  # a driver's questions are left out
        super().__init__(self._sentence(kept or reason))

    def _sentence(self, reason: str) -> str:
        return (
            f"The database cannot be used: {reason}. Check HABARSHY_DATABASE, the server, its disk (room, right to"
            " write)."
        )


class ReadOnly(DatabaseUnavailable):
    """Raised when a PostgreSQL server takes no writes."""

    def _sentence(self, reason: str) -> str:
        return f"The database takes no writes ({reason}): a standby, or one that was demoted. Name the primary."


class TransactionEnded(DatabaseUnavailable):
    """Raised when a PostgreSQL server ends a transaction that asked nothing for a while."""

    def _sentence(self, reason: str) -> str:
        return (
            f"The database ended a transaction ({reason}). Raise idle_in_transaction_session_timeout for this user."
        )


class NoPrivilege(DatabaseUnavailable):
    """Raised when the database's user lacks a privilege."""

    def _sentence(self, reason: str) -> str:
        return (
            f"The database's user may not do that: {reason}. Have its owner GRANT it, or name the owner as the user."
        )


UNAVAILABLE_ERRORS: tuple[type[Exception], ...] = (
    OperationalError,
    InterfaceError,
    psycopg.OperationalError,
    psycopg.InterfaceError,
    DatabaseUnavailable,
)
"""The database does not answer, or gave the transaction up; psycopg's own come from within COPY."""

SYSTEM_ERRORS: tuple[type[Exception], ...] = (
    *UNAVAILABLE_ERRORS,
    ProgrammingError,
    InternalError,
    NoConnectionLeft,
    psycopg.ProgrammingError,
    psycopg.InternalError,
)
"""Errors of the platform, not of the person or event at work: the next person would meet them too."""

_STARTING = (
    "starting up",
    "shutting down",
    "recovery",
    "too many clients",
    "connection slots",
    "terminating",
    "too many connections",
    "accepting connections",
    "timeout",
    "try again",
    "запускается",
    "останавливается",
    "восстановления",
    "слишком много",
    "слоты подключений",
    "закрытие подключения",
    "принимает подключения",
    "тайм-аут",
)
_REFUSING = ("FATAL", "ВАЖНО")
"""The first word of a server that lets nobody in, in the language of its `lc_messages`; no code comes with it."""
FIRST_PAUSE, LONGEST_PAUSE = 0.1, 5.0
"""Seconds."""


def refused_by_server(error: BaseException | None) -> DatabaseUnavailable | None:
    """Return ReadOnly, TransactionEnded or NoPrivilege for the driver's error, None for any other.

    Of the server's words it takes the first line only, which holds no values.
    """
    if not isinstance(error, psycopg.Error):
        return None
    kinds: dict[str | None, type[DatabaseUnavailable]] = {
        READ_ONLY: ReadOnly,
        IDLE_TIMEOUT: TransactionEnded,
        NO_PRIVILEGE: NoPrivilege,
    }
    kind = kinds.get(error.sqlstate)
    return None if kind is None else kind(error.diag.message_primary or "")


def translate_error(context: ExceptionContext) -> Exception | None:
    """Replace the driver's error by what `refused_by_server` makes of it; for SQLAlchemy's `handle_error`.

    After a fail-over the pool is still connected to the demoted server. Its connections are dropped, so that the next
    ones go to the new primary: the server that has taken over the address, or the next one in the URL.
    """
    found = refused_by_server(context.original_exception)
    if isinstance(found, ReadOnly):
        context.is_disconnect = True
    return found


@contextmanager
def translated() -> Iterator[None]:
    """Raise DatabaseUnavailable in place of the library's error of a database that cannot be opened or read."""
    try:
        yield
    except DatabaseError as error:
        raise DatabaseUnavailable(str(error.orig)) from None


def may_recover(error: Exception) -> bool:
    """Return whether waiting may help. It does not where a server refuses the user, password, database or table."""
    words = str(error)
    if isinstance(error, NoPrivilege):
        return False
    return not _refuses(words) or any(sign in words for sign in _STARTING)


def _refuses(words: str) -> bool:
    return any(sign in words for sign in _REFUSING)


def permanent_error(error: Exception) -> DatabaseUnavailable | None:
    """Return the error to end with where waiting does not help, else None. Every long-running role asks this."""
    if may_recover(error):
        return None
    return error if isinstance(error, DatabaseUnavailable) else DatabaseUnavailable(summary(error))


class Backoff:
    """Pauses that double up to LONGEST_PAUSE. Reports once that something is away, and once that it is back."""

    def __init__(self, tell: Callable[[str], None]) -> None:
        self._tell = tell
        self._pause = 0.0

    def next_pause(self, reason: str) -> float:
        """Return how many seconds to wait now; the first call reports the reason."""
        if not self._pause:
            self._tell(Warned(f"{reason.rstrip('.')}; trying again"))
        self._pause = min(LONGEST_PAUSE, self._pause * 2 or FIRST_PAUSE)
        return self._pause

    def recovered(self, what: str) -> None:
        """Report that it works again, if it was away; the next pause is the first one again."""
        if self._pause:
            self._tell(f"{what} again")
        self._pause = 0.0


def summary(error: Exception) -> str:
    """Return the line of the server's message to show: the one that refuses us, else the first.

    The statement and its parameters are left out, because they may hold personal data.
    """
    inner = getattr(error, "orig", None) or error
    lines = str(inner).strip().splitlines()
    return next((line for line in lines if _refuses(line)), lines[0] if lines else type(inner).__name__).strip()
