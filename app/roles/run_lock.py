"""The lock that allows one `run` a SQLite file: its holder knows that every older attempt has lost its process.

The lock file lies beside the database. A `Database` knows its file by its one real name, so two runs that reach it by
different links meet at one lock (streams.storage.sqlite_file).
"""

import fcntl
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from sqlalchemy import URL

from app.identity import private_files


class AlreadyRunning(Exception):
    """Raised when another `habarshy run` holds the lock of the database."""

    def __init__(self, database: str) -> None:
        super().__init__(f"Another habarshy run works on {database}. Stop it first, or wait until it has ended.")


@contextmanager
def run_lock(url: URL) -> Iterator[None]:
    """Hold the lock while the block runs; other databases than SQLite files need none.

    Raises:
        AlreadyRunning: another process holds it.
    """
    if url.get_backend_name() != "sqlite" or not url.database:
        yield
        return
    with private_files.opened(Path(f"{url.database}.run")) as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise AlreadyRunning(url.database) from None
        yield
