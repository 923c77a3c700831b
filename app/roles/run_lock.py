"""The lock that allows one `run` a SQLite file: its holder knows that every older attempt has lost its process.

The lock file lies beside the database. A `Database` knows its file by its one real name, so two runs that reach it by
different links meet at one lock (streams.storage.sqlite_file).
"""

import fcntl
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TextIO

from sqlalchemy import URL

from app.identity import private_files
from streams.storage.leadership import PAUSE_S, TRIES, run_file


class AlreadyRunning(Exception):
    """Raised when another `habarshy run` holds the lock of the database."""


@contextmanager
def run_lock(url: URL) -> Iterator[None]:
    """Hold the lock while the block runs; other databases than SQLite files need none.

    Raises:
        AlreadyRunning: another process holds it.
    """
    if url.get_backend_name() != "sqlite" or not url.database:
        yield
        return
    with private_files.opened(run_file(url)) as file:
        if not _locked(file):
            words = f"Another habarshy run works on {url.database}. Stop it first, or wait until it has ended."
            raise AlreadyRunning(words)
        yield


def _locked(file: TextIO) -> bool:
    """Return whether the file is locked now. Whoever only looks at the lock holds it for a moment: try again."""
    pause = threading.Event()
    for _ in range(TRIES):
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            pause.wait(PAUSE_S)
        else:
            return True
    return False
