"""The signal that facts were appended, by LISTEN and NOTIFY of PostgreSQL: whoever follows the log need not poll.

A signal is delivered once the transaction that appended is committed. It may be lost with a connection, so who waits
for it also looks from time to time. It says nothing but that there are facts.
"""

from typing import Any

from sqlalchemy import Connection, text
from sqlalchemy.exc import DBAPIError

from streams.storage.advisory_locks import APPEND_LOCK

_CHANNEL = "habarshy_log"
_LOCK_AND_SIGNAL = text("SELECT pg_advisory_xact_lock(:lock), pg_notify(:channel, '')")


def lock_log(connection: Connection) -> None:
    """Take the log's lock until the transaction ends, and signal the append at its commit; one statement for both.

    SQLite has one writer and nobody who listens.
    """
    if connection.dialect.name == "postgresql":
        connection.execute(_LOCK_AND_SIGNAL, {"lock": APPEND_LOCK, "channel": _CHANNEL})


def listen(session: Connection) -> None:
    """Receive the signals from now on, in a session in which each statement is a transaction of its own."""
    session.exec_driver_sql(f"LISTEN {_CHANNEL}")


def wait(session: Connection, seconds: float) -> bool:
    """Wait until facts were appended since the last call, at most so many seconds; return whether there were any.

    Raises:
        OperationalError: the session has ended.
    """
    driver: Any = session.connection.driver_connection
    base = session.dialect.loaded_dbapi.Error
    try:
        return bool(list(driver.notifies(timeout=seconds, stop_after=1)))
    except base as error:
        raise DBAPIError.instance("LISTEN", None, error, base, dialect=session.dialect) from None
