"""Keeps a few sessions open between letters, so that not each pays for connecting and signing in."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

from notifiers.email.smtp_session import Session
from notifiers.port.interface import Reason
from notifiers.port.links import NoLinkError


class Pool:
    """A pool of at most `size` sessions, opened by `dial` when they are needed."""

    def __init__(self, dial: Callable[[], Awaitable[Session]], size: int) -> None:
        self._dial = dial
        self._slots = asyncio.Semaphore(size)
        self._idle: list[Session] = []
        self._lent = 0
        self.closed = False

    @asynccontextmanager
    async def session(self, until: float) -> AsyncIterator[Session]:
        """Yield a session for a batch; wait for its turn up to the loop time `until`. Raises NoLinkError."""
        await self._wait_for_turn(until)
        try:
            if self.closed:
                raise NoLinkError(Reason.CLOSED)
            session = self._idle_session() or await self._dial()
            self._lent += 1
            try:
                yield session
            finally:
                self._lent -= 1
                self._give_back(session)
        finally:
            self._slots.release()

    async def ready(self, until: float) -> None:
        """Wait until a session is open, in use or not; `until`: as for `session`. Raises NoLinkError."""
        if not self._lent and not any(session.alive for session in self._idle):
            async with self.session(until):
                pass

    async def _wait_for_turn(self, until: float) -> None:
        if asyncio.get_running_loop().time() > until:
            raise NoLinkError(Reason.NO_TIME)
        try:
            async with asyncio.timeout_at(until):
                await self._slots.acquire()
        except TimeoutError:
            raise NoLinkError(Reason.NO_TIME) from None

    def _idle_session(self) -> Session | None:
        while self._idle:
            session = self._idle.pop()
            if session.alive:
                return session
        return None

    def _give_back(self, session: Session) -> None:
        if session.alive and not self.closed:
            self._idle.append(session)
        else:
            session.abort()

    async def aclose(self) -> None:
        """Take leave on the idle sessions; those in use are closed when their letters are done."""
        self.closed = True
        idle, self._idle = self._idle, []
        await asyncio.gather(*(session.quit() for session in idle))
