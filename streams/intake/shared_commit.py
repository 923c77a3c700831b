"""Shared commits: single events that arrive at the same time are stored in one transaction.

A transaction waits for the disk and for everybody else who appends. So while one is under way, the events of other
requests wait, and the next transaction stores all of them (group commit). An event alone waits for nobody.

Whoever reports one event after the other has the next one ready a moment after the answer. So a transaction that was
shared is followed by a short pause, which ends as soon as as many events wait again. Without it every second
transaction is a small one, for the first who come back (docs/decisions/0008-postgresql.md).
"""

import asyncio
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Generic, TypeVar

from streams.intake.intake import IntakeOutcome
from streams.storage.errors import UNAVAILABLE_ERRORS

Reported = TypeVar("Reported")
"""An event as a request reports it."""
PAUSE = 0.005
"""The longest pause after a shared transaction, in seconds."""


class SharedCommit(Generic[Reported]):
    """Stores events in order of arrival, at most `most` in one transaction; `store` stores some, and may block."""

    def __init__(
        self, store: Callable[[Sequence[Reported]], Sequence[IntakeOutcome]], most: int, pause: float = PAUSE
    ) -> None:
        self._store, self._most, self._pause = store, most, pause
        self._expected, self._gathered = 0, asyncio.Event()
        self._waiting: list[tuple[Reported, asyncio.Future[IntakeOutcome]]] = []
        self._working: asyncio.Task[None] | None = None

    async def accept(self, reported: Reported) -> IntakeOutcome:
        """Return the outcome of one event once it is durable. Raises what `store` raises."""
        future: asyncio.Future[IntakeOutcome] = asyncio.get_running_loop().create_future()
        self._waiting.append((reported, future))
        if len(self._waiting) >= self._expected:
            self._gathered.set()
        if self._working is None:
            self._working = asyncio.create_task(self._work())
        return await future

    async def _work(self) -> None:
        try:
            while self._waiting:
                taken, self._waiting = self._waiting[: self._most], self._waiting[self._most :]
                await self._commit(taken)
                if len(taken) > 1:
                    await self._gather(len(taken))
        finally:
            self._working = None

    async def _gather(self, expected: int) -> None:
        """Wait until so many events wait, but not for long."""
        if len(self._waiting) >= expected:
            return
        self._expected = expected
        self._gathered.clear()
        with suppress(TimeoutError):
            await asyncio.wait_for(self._gathered.wait(), self._pause)

    async def _commit(self, taken: Sequence[tuple[Reported, asyncio.Future[IntakeOutcome]]]) -> None:
        """Store all in one transaction; after a defect each in its own, so that one event harms no other."""
        try:
            outcomes = await asyncio.to_thread(self._store, [reported for reported, _ in taken])
        except Exception as error:  # noqa: BLE001  (each request must learn of it)
            if len(taken) > 1 and not isinstance(error, UNAVAILABLE_ERRORS):
                for one in taken:
                    await self._commit([one])
                return
            for _, future in taken:
                if not future.done():
                    future.set_exception(error)
        else:
            for (_, future), outcome in zip(taken, outcomes, strict=True):
                if not future.done():  # the caller may have hung up
                    future.set_result(outcome)
