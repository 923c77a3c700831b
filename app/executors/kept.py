"""Platforms that a process opened for the parts of a run: kept for its next parts, closed at the end of the run.

A worker of a cluster outlives many runs. Between them it has no connection, and no key in memory.
"""

import threading
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from typing import Any, TypeVar

T = TypeVar("T")
Opening = Callable[[bytes], AbstractContextManager[T]]


class _Opened:
    """An opened platform, and the number of parts that use it. `ended`: it is closed when no part uses it."""

    def __init__(self, using: ExitStack, found: Any) -> None:  # noqa: ANN401  (whatever is opened)
        self.using, self.found, self.users, self.ended = using, found, 0, False


_lock = threading.RLock()
_kept: dict[tuple[Opening[Any], bytes], _Opened] = {}


@contextmanager
def kept_open(opening: Opening[T], task: bytes) -> Iterator[T]:
    """Yield what `opening(task)` opens. It stays open for the task's next part, until another or `close_kept`."""
    with _lock:
        if (opening, task) not in _kept:
            close_kept()
            using = ExitStack()
            _kept[opening, task] = _Opened(using, using.enter_context(opening(task)))
        opened = _kept[opening, task]
        opened.users += 1
        opened.ended = False
    try:
        yield opened.found
    finally:
        with _lock:
            opened.users -= 1
            if opened.ended:
                _close_unused()


def close_kept() -> None:
    """Close everything that was kept; what a part still uses is closed when the part ends."""
    with _lock:
        for opened in _kept.values():
            opened.ended = True
        _close_unused()


def _close_unused() -> None:
    for key, opened in list(_kept.items()):
        if opened.ended and not opened.users:
            del _kept[key]
            opened.using.close()
