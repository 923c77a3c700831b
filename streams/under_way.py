"""What goes on although something beside it has failed, so that whoever ends can wait for it."""

import asyncio
from collections.abc import Coroutine, Iterable
from typing import Any, TypeVar

T = TypeVar("T")


class UnderWay:
    """Keeps what was begun until it has ended."""

    def __init__(self) -> None:
        self._begun: set[asyncio.Task[Any]] = set()

    async def each(self, parts: Iterable[Coroutine[Any, Any, T]]) -> list[T]:
        """Begin them all, and give what they give; what the first of them fails with is raised at once."""
        begun = [asyncio.ensure_future(part) for part in parts]
        self._begun.update(begun)
        for task in begun:
            task.add_done_callback(self._begun.discard)
        return await asyncio.gather(*begun)

    async def ended(self) -> None:
        """Until nothing is under way."""
        while self._begun:
            await asyncio.wait(set(self._begun))
