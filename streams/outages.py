"""What goes away by itself, and how long to wait for it: a store that is unavailable is no defect."""

from collections.abc import Callable

import psycopg
from sqlalchemy.exc import InterfaceError, OperationalError

from streams.database import DatabaseUnavailable

STORE_AWAY: tuple[type[Exception], ...] = (
    OperationalError, InterfaceError, psycopg.OperationalError, psycopg.InterfaceError, DatabaseUnavailable,
)  # fmt: skip
"""The database does not answer, or gave the transaction up; psycopg's own come from within COPY."""

_STARTING = ("starting up", "shutting down", "recovery", "too many clients", "connection slots", "terminating")
FIRST_PAUSE, LONGEST_PAUSE = 0.1, 5.0


def heals(error: Exception) -> bool:
    """Whether waiting may help: not where the server answers, and refuses this user, password or database."""
    words = str(error)
    return "FATAL" not in words or any(each in words for each in _STARTING)


class Patience:
    """Says once that something is away, and when it is back; each pause is twice the one before (seconds)."""

    def __init__(self, tell: Callable[[str], None]) -> None:
        self._tell = tell
        self._pause = 0.0

    def after(self, reason: str) -> float:
        """How long to wait now."""
        if not self._pause:
            self._tell(f"{reason}; trying again")
        self._pause = min(LONGEST_PAUSE, self._pause * 2 or FIRST_PAUSE)
        return self._pause

    def over(self, what: str) -> None:
        """It answers."""
        if self._pause:
            self._tell(f"{what} again")
        self._pause = 0.0


def told(error: Exception) -> str:
    """What to say of it: the server's first line, without a statement or its parameters."""
    inner = getattr(error, "orig", None) or error
    return str(inner).strip().partition("\n")[0] or type(inner).__name__
