"""Files that only their owner may read, changed whole or not at all, by one process at a time."""

import errno
import fcntl
import os
import secrets
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TextIO

from domain.core.translatable import Words

Sync = Callable[[int], object]
"""Returns once what a descriptor stands for is on the disk."""
OWNER_ONLY = 0o600

OS_PROBLEMS: Mapping[int, Words] = {
    errno.EACCES: Words("this process may not use it"),
    errno.EPERM: Words("this process may not use it"),
    errno.EISDIR: Words("it is a folder"),
    errno.ENOENT: Words("it does not exist"),
    errno.ENOTDIR: Words("what should be its folder is a file"),
    errno.ENOSPC: Words("the disk is full"),
    errno.EROFS: Words("the disk takes no writes"),
}
"""Error number of the operating system -> what is wrong with a file, to be said in several languages."""


def os_problem(error: OSError) -> Words:
    """Return what the operating system says of a file; an error without words here by its name, such as EIO."""
    name = errno.errorcode.get(error.errno or 0, type(error).__name__)
    return OS_PROBLEMS.get(error.errno or 0) or Words("the operating system refuses it ({code})", code=name)


def opened(path: Path) -> TextIO:
    """Open a file to write it anew; a new one only its owner may use. Raises OSError where it cannot be opened."""
    flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC
    return os.fdopen(os.open(path, flags, OWNER_ONLY), "w", encoding="utf-8")


def is_open_to_others(path: Path) -> bool:
    """Return True if others than the file's owner have any right to it.

    Raises:
        OSError: it cannot be looked at.
    """
    return bool(path.stat().st_mode & 0o077)


@contextmanager
def written_beside(path: Path, text: str, sync: Sync = os.fsync) -> Iterator[Path]:
    """A file beside it with that text, on the disk already; gone after the block if it is still there.

    What the block made of it is on the disk once that has ended: a name outlasts a loss of power by its folder.
    """
    draft = path.with_name(f"{path.name}.{secrets.token_hex(8)}")
    try:
        descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, OWNER_ONLY)
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            file.write(text)
            file.flush()
            sync(file.fileno())
        yield draft
    finally:
        draft.unlink(missing_ok=True)
    _keep_names(path.parent, sync)


def append(path: Path, lines: Iterable[str]) -> None:
    """Add lines, on the disk before it returns; half a line, by who went down or had no room, spoils none of them.

    Raises:
        OSError: they cannot be kept.
    """
    descriptor = os.open(path, os.O_RDWR | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, OWNER_ONLY)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        size = os.fstat(descriptor).st_size
        if size and os.pread(descriptor, 1, size - 1) != b"\n":
            file.write("\n")
        file.writelines(f"{line}\n" for line in lines)
        file.flush()
        os.fsync(file.fileno())
    _keep_names(path.parent, os.fsync)  # it may be new


def replace(path: Path, text: str, sync: Sync = os.fsync) -> None:
    """Put a file with that text in the place of what is there, on the disk before it returns."""
    with written_beside(path, text, sync) as draft:
        draft.replace(path)


def _keep_names(folder: Path, sync: Sync) -> None:
    """Flush the folder itself to the disk, where its file system can."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        sync(descriptor)
    except OSError as error:
        if error.errno != errno.EINVAL:
            raise
    finally:
        os.close(descriptor)


@contextmanager
def locked_folder(folder: Path) -> Iterator[None]:
    """Lock the folder: another process that changes a file in it waits."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)
