"""Waiting for a database that is away."""

import threading
from collections.abc import Callable
from typing import TypeVar

from app.terminal import talk
from streams.storage.errors import UNAVAILABLE_ERRORS, Backoff, permanent_error, summary

T = TypeVar("T")


def wait_for_database(ask: Callable[[], T]) -> T:
    """Return the database's answer, however long it is away.

    Raises:
        OperationalError, DatabaseUnavailable, …: what `ask` raises, where waiting does not help.
    """
    backoff = Backoff(talk)
    while True:
        try:
            return ask()
        except UNAVAILABLE_ERRORS as error:
            if permanent_error(error) is not None:
                raise
            threading.Event().wait(backoff.next_pause(summary(error)))
