"""The demo's year: a virtual clock that jumps to whatever comes next, never a real send."""

import asyncio
import os
import socket
from datetime import datetime, timedelta
from importlib.metadata import version

from app.clock import VirtualClock
from app.compose import Platform
from app.demo.mailroom import Mailroom
from app.demo.population import Population
from projections import nudges
from projections.tables import optional_moment
from streams.intake.cloudevents import Envelope, time_of
from streams.runtime.processes import Process
from streams.runtime.scheduler import Engine

STEP = timedelta(hours=6)
"""The longest jump where somebody looks on: so the clock on the page never seems to stand still."""

STAYING_S = 1.0


class BadPopulation(Exception):
    """Raised when events of the invented population do not fit the packs."""


class Year:
    """Lives from `start` to `end`: events go in when they happen, nudges go out when they are due."""

    def __init__(
        self,
        platform: Platform,
        engine: Engine,
        clock: VirtualClock,
        mailroom: Mailroom,
        people: Population,
        end: datetime,
    ) -> None:
        self._platform, self._engine, self._clock = platform, engine, clock
        self._mailroom, self._people = mailroom, people
        self.start, self.end = clock(), end
        self._arrived = 0

    @property
    def now(self) -> datetime:
        """Return the virtual time."""
        return self._clock()

    @property
    def share(self) -> float:
        """Return the share of the year that is over, from 0 to 1."""
        return (self.now - self.start) / (self.end - self.start)

    @property
    def known(self) -> int:
        """Return the number of events that the registries knew before the start."""
        return len(self._people.known)

    async def load_past(self) -> None:
        """Take in the events from before the start, and plan what is still ahead of them."""
        await asyncio.to_thread(self._take_in, self._people.known, self.start)
        await self._engine.until_idle()

    async def live(self, stopped: asyncio.Event, seconds: float) -> None:
        """Live the year in so many seconds of real time (0: as fast as it goes), or until stopped."""
        begun = asyncio.get_running_loop().time()
        longest = STEP if seconds else self.end - self.start
        while self.now < self.end and not stopped.is_set():
            self._clock.advance_to(self._next(longest))
            await self._step()
            if seconds:
                await asyncio.to_thread(self._engine.backlog.take)  # by it the console sees that somebody works
            await _pause(stopped, begun + seconds * self.share)

    async def serve_visitors(self, stopped: asyncio.Event) -> None:
        """Work at what visitors of the pages do, until stopped; the clock stands still.

        The console sees who works.
        """
        here = Process("demo", "run", socket.gethostname(), os.getpid(), version("habarshy"))
        while not stopped.is_set():
            await self._engine.until_idle()
            await asyncio.to_thread(self._engine.backlog.take)
            await asyncio.to_thread(self._platform.runtime.processes.sign, here)
            await _pause(stopped, asyncio.get_running_loop().time() + STAYING_S)

    async def _step(self) -> None:
        await asyncio.to_thread(self._report)
        arrived = self._arriving()
        if arrived:
            await asyncio.to_thread(self._take_in, arrived, None)
        await self._engine.until_idle()

    def _next(self, longest: timedelta) -> datetime:
        """Return the next moment at which anything happens, at most so far ahead."""
        with self._platform.database.reading() as connection:
            due = optional_moment(nudges.next_due(connection))
        coming = self._people.coming[self._arrived : self._arrived + 1]
        moments = [due, self._mailroom.next_report(), *map(time_of, coming)]
        ahead = [moment for moment in moments if moment is not None and moment > self.now]
        return min([*ahead, self.now + longest, self.end])

    def _arriving(self) -> list[Envelope]:
        arrived: list[Envelope] = []
        for event in self._people.coming[self._arrived :]:
            if time_of(event) > self.now:
                break
            arrived.append(event)
        self._arrived += len(arrived)
        return arrived

    def _take_in(self, events: list[Envelope] | tuple[Envelope, ...], ahead_from: datetime | None) -> None:
        outcomes = self._platform.intake.accept(events, ahead_from)
        if refused := sum(1 for outcome in outcomes if outcome.refused is not None):
            words = f"The event types refuse {refused} events of the invented population"
            raise BadPopulation(f"{words}; the packs and the simulation differ.")

    def _report(self) -> None:
        for receipt in self._mailroom.reports(self.now):
            self._platform.delivery.receipts.record(receipt)


async def _pause(stopped: asyncio.Event, until: float) -> None:
    """Wait until that time of the event loop's clock, or until stopped; let others work in any case."""
    left = max(0.0, until - asyncio.get_running_loop().time())
    try:
        async with asyncio.timeout(left):
            await stopped.wait()
    except TimeoutError:
        return
