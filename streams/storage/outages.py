"""What goes away by itself, and how long to wait for it: a store that is unavailable is no defect."""

from collections.abc import Callable

import psycopg
from sqlalchemy.exc import InterfaceError, InternalError, OperationalError, ProgrammingError
from sqlalchemy.exc import TimeoutError as NoConnectionLeft

from streams.storage.database import DatabaseUnavailable
from streams.storage.errors import NoPrivilege
from streams.storage.severity import Warned

STORE_AWAY: tuple[type[Exception], ...] = (
    OperationalError,
    InterfaceError,
    psycopg.OperationalError,
    psycopg.InterfaceError,
    DatabaseUnavailable,
)
"""The database does not answer, or gave the transaction up; psycopg's own come from within COPY."""

NOBODYS: tuple[type[Exception], ...] = (
    *STORE_AWAY,
    ProgrammingError,
    InternalError,
    NoConnectionLeft,
    psycopg.ProgrammingError,
    psycopg.InternalError,
    MemoryError,
)
"""What says nothing of the person or event that is at work when it is raised: the next one would meet it too."""

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
"""What a server says first that does not let us in, in the language of its `lc_messages`: there is no code before."""
FIRST_PAUSE, LONGEST_PAUSE = 0.1, 5.0


def heals(error: Exception) -> bool:
    """Whether waiting may help: not where the server answers, and refuses this user, password, database or table."""
    words = str(error)
    if isinstance(error, NoPrivilege):
        return False
    return not _refuses(words) or any(each in words for each in _STARTING)


def _refuses(words: str) -> bool:
    return any(each in words for each in _REFUSING)


def refusal(error: Exception) -> DatabaseUnavailable | None:
    """What to end with where waiting does not help; None: wait. Every role that runs asks this of what it meets."""
    if heals(error):
        return None
    return error if isinstance(error, DatabaseUnavailable) else DatabaseUnavailable(told(error))


class Patience:
    """Says once that something is away, and when it is back; each pause is twice the one before (seconds)."""

    def __init__(self, tell: Callable[[str], None]) -> None:
        self._tell = tell
        self._pause = 0.0

    def after(self, reason: str) -> float:
        """How long to wait now."""
        if not self._pause:
            self._tell(Warned(f"{reason}; trying again"))
        self._pause = min(LONGEST_PAUSE, self._pause * 2 or FIRST_PAUSE)
        return self._pause

    def over(self, what: str) -> None:
        """It answers."""
        if self._pause:
            self._tell(f"{what} again")
        self._pause = 0.0


def told(error: Exception) -> str:
    """What to say of it: the server's first line, or that in which it refuses us; no statement or its parameters."""
    inner = getattr(error, "orig", None) or error
    lines = str(inner).strip().splitlines()
    return next((line for line in lines if _refuses(line)), lines[0] if lines else type(inner).__name__).strip()
