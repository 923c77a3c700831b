"""A memory with a limit of time and of size."""

import asyncio
from collections import OrderedDict


class Memory:
    """A few names for a while: at most `most`, each `seconds`."""

    def __init__(self, most: int, seconds: float) -> None:
        self._most = most
        self._seconds = seconds
        self._kept: OrderedDict[bytes, tuple[float, str]] = OrderedDict()

    def keep(self, mark: bytes, name: str) -> None:
        """Remember it, and forget the oldest if there are too many."""
        self._kept[mark] = (asyncio.get_running_loop().time(), name)
        self._kept.move_to_end(mark)
        if len(self._kept) > self._most:
            self._kept.popitem(last=False)

    def get(self, mark: bytes) -> str | None:
        """Return the name, if it is not too old."""
        since, name = self._kept.get(mark, (float("-inf"), ""))
        return name if asyncio.get_running_loop().time() < since + self._seconds else None

    def __contains__(self, mark: bytes) -> bool:
        return self.get(mark) is not None

    def forget(self, mark: bytes) -> None:
        """Remember it no longer."""
        self._kept.pop(mark, None)
