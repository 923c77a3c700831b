"""A fact in the log that cannot be read: whoever meets it says where it stands, and goes no further."""

from collections.abc import Callable, Generator, Iterable
from typing import Any, TypeVar

import msgspec

T = TypeVar("T")

UNREADABLE = (msgspec.MsgspecError, UnicodeDecodeError, KeyError)
"""What reading one raises: it is no fact any more, or none that this version knows."""


class DamagedFact(Exception):
    """The fact at position {position} of the log cannot be read ({cause}): it is not as it was written.

    `habarshy audit verify` names all such facts. Keep the database as it is, and restore it from a backup.
    """

    def __init__(self, position: int, cause: Exception) -> None:
        words = " ".join((type(self).__doc__ or "").split())  # of the cause only the name: the rest may hold data
        super().__init__(words.format(position=position, cause=type(cause).__name__))


def each_read(rows: Iterable[Any], read: Callable[[Any], T]) -> list[T]:
    """What is read of each row of the log, which begins with its position.

    Raises:
        DamagedFact: one cannot be.
    """
    found: list[T] = []
    row: Any = None
    try:
        for row in rows:
            found.append(read(row))
    except UNREADABLE as error:
        raise damaged(rows, row, error) from None
    return found


def damaged(rows: Iterable[Any], row: Any, error: Exception) -> DamagedFact:  # noqa: ANN401  (a row of the driver's)
    """What to raise of that row; nobody reads on."""
    if isinstance(rows, Generator):
        rows.close()
    return DamagedFact(row[0], error)
