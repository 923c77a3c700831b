"""Sorts more lines than memory holds: sorted runs in files without a name, merged."""

import heapq
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import ExitStack
from itertools import islice
from typing import TextIO

RUN = 20_000
"""So many lines are in memory at once: some 20 MB of those of `intents --json`."""


def sorted_lines(lines: Iterable[str], run: int = RUN) -> Iterator[str]:
    """Yield the lines (each without its end) in the order of their characters.

    Beyond `run` of them, by way of the disk.

    Raises:
        OSError: there is no room for temporary files.
    """
    rest = iter(lines)
    with ExitStack() as files:
        runs: list[Iterable[str]] = []
        while len(part := sorted(islice(rest, run))) == run:
            runs.append(
                _kept(part, files.enter_context(tempfile.TemporaryFile("w+", encoding="utf-8", newline="\n")))
            )
        yield from heapq.merge(*runs, part)


def _kept(lines: list[str], file: TextIO) -> Iterator[str]:
    file.writelines(f"{line}\n" for line in lines)
    file.seek(0)
    return (line[:-1] for line in file)
