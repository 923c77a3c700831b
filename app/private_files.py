"""Files that only their owner may read, changed whole or not at all, by one process at a time."""

import fcntl
import os
import secrets
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

OWNER_ONLY = 0o600


def is_open_to_others(path: Path) -> bool:
    """Whether others than its owner may do anything with it.

    Raises:
        OSError: it cannot be looked at.
    """
    return bool(path.stat().st_mode & 0o077)


@contextmanager
def draft_of(path: Path, text: str) -> Iterator[Path]:
    """A file beside it with that text, on the disk already; gone after the block if it is still there."""
    draft = path.with_name(f"{path.name}.{secrets.token_hex(8)}")
    try:
        descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, OWNER_ONLY)
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        yield draft
    finally:
        draft.unlink(missing_ok=True)


def append(path: Path, lines: Iterable[str]) -> None:
    """Add lines, on the disk before it returns.

    Raises:
        OSError: they cannot be kept.
    """
    descriptor = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, OWNER_ONLY)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        file.writelines(f"{line}\n" for line in lines)
        file.flush()
        os.fsync(file.fileno())


def replace(path: Path, text: str) -> None:
    """Put a file with that text in the place of what is there."""
    with draft_of(path, text) as draft:
        draft.replace(path)


@contextmanager
def alone(folder: Path) -> Iterator[None]:
    """Whoever changes a file of the folder at the same moment waits."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)
