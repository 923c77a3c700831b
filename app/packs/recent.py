"""Answers about drafts that are asked for again and again."""

from collections import OrderedDict
from collections.abc import Callable, Hashable
from threading import Lock
from typing import Generic, TypeVar

MOST_KEPT = 64

T = TypeVar("T")


class Recent(Generic[T]):
    """Keeps the latest answers as long as the same rules are in force; threads may share it.

    `keeps`: tells which answers are small enough.
    """

    def __init__(self, keeps: Callable[[T], bool]) -> None:
        self._keeps = keeps
        self._rules: object = None
        self._known: OrderedDict[Hashable, T] = OrderedDict()
        self._lock = Lock()

    def of(self, key: Hashable, rules: object, find: Callable[[], T]) -> T:
        """Return the answer to `key` under these rules; `find` gives one that is not known, and may raise."""
        with self._lock:
            if self._rules is not rules:
                self._rules = rules
                self._known.clear()
            if (known := self._known.get(key)) is not None:
                self._known.move_to_end(key)
                return known
        found = find()
        if self._keeps(found):
            self._keep(key, rules, found)
        return found

    def _keep(self, key: Hashable, rules: object, found: T) -> None:
        with self._lock:
            if self._rules is rules:
                self._known[key] = found
                while len(self._known) > MOST_KEPT:
                    self._known.popitem(last=False)
