"""What is remembered for a while, and never without a limit."""

import asyncio
from collections import OrderedDict
from typing import Generic, TypeVar

T = TypeVar("T")


class Memory(Generic[T]):
    """A few things for a while: at most `most`, each `seconds`."""

    def __init__(self, most: int, seconds: float) -> None:
        self._most = most
        self._seconds = seconds
        self._kept: OrderedDict[bytes, tuple[float, T]] = OrderedDict()

    def keep(self, mark: bytes, thing: T) -> None:
        """Remember it, and forget the oldest if there are too many."""
        self._kept[mark] = (asyncio.get_running_loop().time(), thing)
        self._kept.move_to_end(mark)
        if len(self._kept) > self._most:
            self._kept.popitem(last=False)

    def get(self, mark: bytes) -> T | None:
        """What there is under this mark, if it is not too old."""
        since, thing = self._kept.get(mark, (float("-inf"), None))
        return thing if asyncio.get_running_loop().time() < since + self._seconds else None

    def __contains__(self, mark: bytes) -> bool:
        return self.get(mark) is not None

    def forget(self, mark: bytes) -> None:
        """Remember it no longer."""
        self._kept.pop(mark, None)
