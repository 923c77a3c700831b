"""What goes on although something beside it has failed, so that whoever ends can wait for it."""

import asyncio
from collections.abc import Callable, Coroutine, Iterable
from functools import partial
from typing import Any, TypeVar

T = TypeVar("T")
Telling = Callable[[asyncio.Future[T]], Coroutine[Any, Any, None]]
"""What tells something by a future, and goes on."""


class UnderWay:
    """Keeps what was begun until it has ended."""

    def __init__(self) -> None:
        self._begun: set[asyncio.Task[Any]] = set()
        self._failed: BaseException | None = None

    async def each(self, parts: Iterable[Coroutine[Any, Any, T]]) -> list[T]:
        """Begin them all, and give what they give; what the first of them fails with is raised at once."""
        return await asyncio.gather(*map(self.begin, parts))

    async def ended_of(self, parts: Iterable[Telling[T]]) -> list[T]:
        """Begin them all, and give what they told by their futures when they have ended."""
        return await self.each(map(_to_the_end, parts))

    async def told(self, parts: Iterable[Telling[T]]) -> list[T]:
        """Begin them all, and give what they tell by their futures, whatever they go on with then.

        What one fails with before it told is raised at once, and what it fails with afterwards by `raise_failure`.
        """
        tellings: list[asyncio.Future[T]] = []
        for part in parts:
            tellings.append(asyncio.get_running_loop().create_future())
            self.begin(part(tellings[-1])).add_done_callback(partial(self._ended, telling=tellings[-1]))
        return await asyncio.gather(*tellings)

    def raise_failure(self) -> None:
        """Raise what the last failed with that had told before."""
        failed, self._failed = self._failed, None
        if failed is not None:
            raise failed

    def begin(self, part: Coroutine[Any, Any, T]) -> asyncio.Task[T]:
        """Begin it; `ended` waits for it."""
        task = asyncio.ensure_future(part)
        self._begun.add(task)
        task.add_done_callback(self._begun.discard)
        return task

    def _ended(self, task: asyncio.Task[None], telling: asyncio.Future[Any]) -> None:
        if task.cancelled():
            telling.cancel()
        elif (error := task.exception()) is not None:
            if telling.done():
                self._failed = error
            else:
                telling.set_exception(error)

    async def ended(self) -> None:
        """Until nothing is under way."""
        while self._begun:
            await asyncio.wait(set(self._begun))


async def _to_the_end(part: Telling[T]) -> T:
    telling: asyncio.Future[T] = asyncio.get_running_loop().create_future()
    await part(telling)
    return telling.result()
