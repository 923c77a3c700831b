"""Tasks that go on although another one failed, so that whoever ends can wait for all of them."""

import asyncio
from collections.abc import Awaitable, Callable, Coroutine, Iterable
from functools import partial
from typing import Any, TypeVar

T = TypeVar("T")
Reporting = Callable[[asyncio.Future[T]], Coroutine[Any, Any, None]]
"""Work that gives its result by a future, and may go on after that."""


class TaskGroup:
    """Keeps tasks until they have ended. Unlike `asyncio.TaskGroup`, a failure cancels none of the others."""

    def __init__(self) -> None:
        self._tasks: set[asyncio.Task[Any]] = set()
        self._failed: BaseException | None = None

    async def gather(self, works: Iterable[Coroutine[Any, Any, T]]) -> list[T]:
        """Begin them all and return their results; the first failure is raised at once."""
        return await asyncio.gather(*map(self.begin, works))

    async def gather_ended(self, works: Iterable[Reporting[T]]) -> list[T]:
        """Begin them all; return the results once they have ended."""
        return await self.gather(map(_to_the_end, works))

    async def gather_reported(self, works: Iterable[Reporting[T]]) -> list[T]:
        """Begin them all; return the results as soon as all have given theirs, whatever they go on with.

        A failure before the result is raised at once, a later one by `raise_failure`.
        """
        results: list[asyncio.Future[T]] = []
        for work in works:
            results.append(asyncio.get_running_loop().create_future())
            self.begin(work(results[-1])).add_done_callback(partial(self._ended, result=results[-1]))
        return await asyncio.gather(*results)

    def raise_failure(self) -> None:
        """Raise the last failure that came after a result."""
        failed, self._failed = self._failed, None
        if failed is not None:
            raise failed

    def begin(self, work: Coroutine[Any, Any, T]) -> asyncio.Task[T]:
        """Begin a task; `wait_ended` waits for it."""
        task = asyncio.ensure_future(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task

    def _ended(self, task: asyncio.Task[None], result: asyncio.Future[Any]) -> None:
        if task.cancelled():
            result.cancel()
        elif (error := task.exception()) is not None:
            if result.done():
                self._failed = error
            else:
                result.set_exception(error)

    async def wait_ended(self) -> None:
        """Wait until no task is left."""
        while self._tasks:
            await asyncio.wait(set(self._tasks))


async def _to_the_end(work: Reporting[T]) -> T:
    result: asyncio.Future[T] = asyncio.get_running_loop().create_future()
    await work(result)
    return result.result()


async def wait_for_both(first: Awaitable[None], second: Awaitable[None]) -> None:
    """Wait until both have ended; a failure is raised only then."""
    for failure in await asyncio.gather(first, second, return_exceptions=True):
        if isinstance(failure, BaseException):
            raise failure
