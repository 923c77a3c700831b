"""Keeps a few links open between letters, so that not each pays for connecting and signing in."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

from notifiers.email.smtp_dial import NoLinkError
from notifiers.email.smtp_link import Link
from notifiers.port.interface import Reason


class Pool:
    """A pool of at most `size` links, opened by `dial` when they are needed."""

    def __init__(self, dial: Callable[[], Awaitable[Link]], size: int) -> None:
        self._dial = dial
        self._slots = asyncio.Semaphore(size)
        self._idle: list[Link] = []
        self._lent = 0
        self.closed = False

    @asynccontextmanager
    async def link(self, until: float) -> AsyncIterator[Link]:
        """A link for a batch; waits for its turn up to the loop time `until`. Raises NoLinkError."""
        await self._wait_for_turn(until)
        try:
            if self.closed:
                raise NoLinkError(Reason.CLOSED)
            link = self._kept() or await self._dial()
            self._lent += 1
            try:
                yield link
            finally:
                self._lent -= 1
                self._take_back(link)
        finally:
            self._slots.release()

    async def ready(self, until: float) -> None:
        """Wait until a link is open, in use or not; `until`: as for `link`. Raises NoLinkError."""
        if not self._lent and not any(link.alive for link in self._idle):
            async with self.link(until):
                pass

    async def _wait_for_turn(self, until: float) -> None:
        if asyncio.get_running_loop().time() > until:
            raise NoLinkError(Reason.NO_TIME)
        try:
            async with asyncio.timeout_at(until):
                await self._slots.acquire()
        except TimeoutError:
            raise NoLinkError(Reason.NO_TIME) from None

    def _kept(self) -> Link | None:
        while self._idle:
            link = self._idle.pop()
            if link.alive:
                return link
        return None

    def _take_back(self, link: Link) -> None:
        if link.alive and not self.closed:
            self._idle.append(link)
        else:
            link.abort()

    async def aclose(self) -> None:
        """Take leave on the idle links; those in use are closed when their letters are done."""
        self.closed = True
        idle, self._idle = self._idle, []
        await asyncio.gather(*(link.quit() for link in idle))
