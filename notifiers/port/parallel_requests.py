"""Limits on the messages on their way at a time, where each needs a request of its own."""

import asyncio
from collections.abc import Awaitable, Callable, Iterator, Sequence

from notifiers.port.interface import Message, Outcome, Reason, RetryLater

HandOver = Callable[[Message], Awaitable[Outcome]]


class Lanes:
    """A limit of `count` messages on their way over all batches.

    A batch begins none once it is `begin` seconds old.
    """

    def __init__(self, count: int, begin: float) -> None:
        self._count = count
        self._begin = begin
        self._free = asyncio.Semaphore(count)

    async def send(self, messages: Sequence[Message], hand_over: HandOver) -> list[Outcome]:
        """Return the outcome of `hand_over` for each message, in their order.

        NO_TIME for those that were not begun.
        """
        until = asyncio.get_running_loop().time() + self._begin
        outcomes: list[Outcome] = [RetryLater(None, Reason.NO_TIME)] * len(messages)
        waiting = iter(enumerate(messages))
        async with asyncio.TaskGroup() as group:
            for _ in range(min(self._count, len(messages))):
                group.create_task(self._work(waiting, hand_over, outcomes, until))
        return outcomes

    async def _work(
        self, waiting: Iterator[tuple[int, Message]], hand_over: HandOver, outcomes: list[Outcome], until: float
    ) -> None:
        for number, message in waiting:
            if await self._turn(until):
                try:
                    outcomes[number] = await hand_over(message)
                finally:
                    self._free.release()

    async def _turn(self, until: float) -> bool:
        """Wait for a free lane; whether one came in time."""
        if asyncio.get_running_loop().time() > until:
            return False
        if not self._free.locked():
            return await self._free.acquire()  # at once, so without the cost of a timeout
        try:
            async with asyncio.timeout_at(until):
                return await self._free.acquire()
        except TimeoutError:
            return False
