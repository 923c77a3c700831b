"""Signals between processes, by LISTEN and NOTIFY of PostgreSQL: whoever waits for rows need not poll.

A signal is delivered once the transaction that sent it is committed. It may be lost with a connection, so who waits
for one also looks from time to time. It says nothing but that there is something. SQLite has no signals: one process.
"""

import asyncio
from collections.abc import Callable
from enum import StrEnum
from typing import Any

from sqlalchemy import Connection, text
from sqlalchemy.exc import DBAPIError

from streams.storage.advisory_locks import APPEND_LOCK, take_turns
from streams.storage.database import Database
from streams.storage.errors import UNAVAILABLE_ERRORS


class Signal(StrEnum):
    """The kinds of signals; the value is the name of the channel."""

    WAKES = "habarshy_log"
    DUE = "habarshy_due"


_SEND = text("SELECT pg_notify(:channel, '')")
_LOCK_AND_SEND = text("SELECT pg_advisory_xact_lock(:lock), pg_notify(:channel, '')")


def send(connection: Connection, signal: Signal) -> None:
    """Send the signal when the transaction is committed."""
    if connection.dialect.name == "postgresql":
        connection.execute(_SEND, {"channel": signal})


def lock_log(connection: Connection, *, wakes: bool) -> None:
    """Take the log's lock until the transaction ends; `wakes`: also signal at its commit, by the same statement.

    SQLite has one writer and nobody who listens.
    """
    if not wakes:
        take_turns(connection, APPEND_LOCK)
    elif connection.dialect.name == "postgresql":
        connection.execute(_LOCK_AND_SEND, {"lock": APPEND_LOCK, "channel": Signal.WAKES})


def listen(session: Connection, signal: Signal) -> None:
    """Receive the signals from now on, in a session in which each statement is a transaction of its own."""
    session.exec_driver_sql(f"LISTEN {signal}")


def wait(session: Connection, seconds: float) -> bool:
    """Wait until there was a signal since the last call, at most so many seconds; return whether there was any.

    Raises:
        OperationalError: the session has ended.
    """
    driver: Any = session.connection.driver_connection
    base = session.dialect.loaded_dbapi.Error
    try:
        return bool(list(driver.notifies(timeout=seconds, stop_after=1)))
    except base as error:
        raise DBAPIError.instance("LISTEN", None, error, base, dialect=session.dialect) from None


class Listener:
    """Calls `told` in the running event loop after each signal, and once it listens: one may have gone before."""

    def __init__(self, database: Database, signal: Signal, told: Callable[[], None]) -> None:
        self._database, self._signal, self._told = database, signal, told
        self._session: Connection | None = None
        self._descriptor = -1

    async def ensure(self) -> None:
        """Listen, unless it does; the session may have been lost."""
        if self._session is None and not self._database.sqlite:
            self._session = await asyncio.to_thread(self._listening)
            self._descriptor = self._session.connection.driver_connection.fileno()  # type: ignore[union-attr]
            asyncio.get_running_loop().add_reader(self._descriptor, self._read)
            self._told()

    def _listening(self) -> Connection:
        session = self._database.engine.connect().execution_options(isolation_level="AUTOCOMMIT")
        try:
            listen(session, self._signal)
        except BaseException:
            session.close()
            raise
        return session

    def _read(self) -> None:
        assert self._session is not None
        try:
            heard = wait(self._session, 0)
        except UNAVAILABLE_ERRORS:
            self.close()
        else:
            if heard:
                self._told()

    def close(self) -> None:
        """Listen no more."""
        if self._session is not None:
            asyncio.get_running_loop().remove_reader(self._descriptor)
            self._session.invalidate()  # it must not go back to the pool listening
            self._session.close()
            self._session = None
