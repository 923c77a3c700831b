"""A small disk of the test's own, which can be filled and made read-only."""

import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path


class MayNotMount(Exception):
    """The process may not mount a disk."""

    def __init__(self) -> None:
        super().__init__(
            "A test needs a disk of its own: run it as root, in a container with the capability SYS_ADMIN."
        )


class Disk:
    """A file system in memory."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._ballast = folder / "ballast"

    def fill(self, spare: int = 0) -> None:
        """Nothing more has room on it, but for so many bytes."""
        with self._ballast.open("ab", buffering=0) as ballast, suppress(OSError):
            while True:
                ballast.write(b"\0" * 65_536)
        if spare:
            os.truncate(self._ballast, self._ballast.stat().st_size - spare)

    def empty(self) -> None:
        """There is room again."""
        self._ballast.unlink()

    def protect(self, *, read_only: bool) -> None:
        """Nobody may write, or everybody may again."""
        _mount("-o", f"remount,{'ro' if read_only else 'rw'}", str(self.folder))


@contextmanager
def disk(folder: Path, megabytes: int) -> Iterator[Disk]:
    """One of that size, on this empty folder.

    Raises:
        MayNotMount: with what to do about it.
    """
    folder.mkdir(exist_ok=True)
    _mount("-t", "tmpfs", "-o", f"size={megabytes}m", "habarshy-test", str(folder))
    try:
        yield Disk(folder)
    finally:
        subprocess.run(["umount", "--lazy", str(folder)], check=True)  # noqa: S603, S607  (our own folder)


def _mount(*options: str) -> None:
    done = subprocess.run(["mount", *options], check=False, capture_output=True)  # noqa: S603, S607  (the same)
    if done.returncode:
        raise MayNotMount
