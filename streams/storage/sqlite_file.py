"""The file of a SQLite database: its URL names one, it has no second name, and only its owner may use it."""

import os
from contextlib import suppress
from pathlib import Path

from sqlalchemy import URL

_IN_MEMORY = (None, "", ":memory:")


def names_a_file(url: URL) -> bool:
    """Return whether the URL names a file by its path. SQLite's own `file:` URIs are refused: one may mean memory."""
    return url.database not in _IN_MEMORY and not str(url.database).startswith("file:")


OWNER_ONLY = 0o600
_BESIDE = ("", "-wal", "-shm", "-journal", ".run")
"""The suffixes of a database's files."""


class SeveralNames(Exception):
    """Raised for a database file with hard links."""


def real_place(url: URL) -> URL:
    """Return the URL of the file itself, without symbolic links, so that all files beside it have one place.

    Raises:
        SeveralNames: the file has hard links.
    """
    path = Path(str(url.database)).resolve()
    try:
        count = path.stat().st_nlink
    except OSError:  # it is not there yet, or opening it says more
        count = 1
    if count > 1:
        raise SeveralNames(
            f"{path} has {count} names (hard links), and SQLite keeps a log beside each: two programs would destroy"
            f' the database. Remove all names but one, or make a copy with `sqlite3 {path} ".backup NAME"`.'
        )
    return url.set(database=str(path))


def close_to_others(url: URL, *, make: bool = False) -> None:
    """Let only the owner read and write the database's files; `make` makes a missing database file.

    SQLite gives the files that it makes beside the database the same mode. Another user's files are left as they are.
    A file that cannot be made is reported by SQLite later.
    """
    path = Path(str(url.database))
    if make:
        with suppress(OSError):  # never opened if it is there: closing it would release SQLite's own locks
            os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, OWNER_ONLY))
    for beside in (Path(f"{path}{end}") for end in _BESIDE):
        with suppress(OSError):
            if beside.stat().st_mode & 0o077:
                beside.chmod(OWNER_ONLY)
