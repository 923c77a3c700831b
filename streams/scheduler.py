"""What makes the platform move: a few interval jobs that drain what waits; they hold no truth."""

import asyncio
from collections.abc import Callable
from datetime import datetime, timedelta

from apscheduler.schedulers.asyncio import AsyncIOScheduler
from msgspec import Struct

from streams.database import Database
from streams.dispatch import Dispatcher
from streams.follower import Follower
from streams.planning import Planning

RECONCILE_AFTER = timedelta(minutes=5)
"""How long a fact may wait for its plan before the reconciler takes it."""


class Engine(Struct, frozen=True):
    """The moving parts of the embedded platform."""

    database: Database
    planning: Planning
    dispatcher: Dispatcher
    follower: Follower
    clock: Callable[[], datetime]

    async def until_idle(self) -> None:
        """Run until nothing is unplanned, nothing is due by now, and no attempt is open."""
        while await self._round():
            pass
        await asyncio.to_thread(self.follower.drain)

    async def _round(self) -> bool:
        planned = await asyncio.to_thread(self.planning.drain)
        handled = await self.dispatcher.drain()
        return bool(planned or handled)

    def scheduler(self, every: timedelta = timedelta(seconds=1)) -> AsyncIOScheduler:
        """The jobs, not started yet."""
        scheduler = AsyncIOScheduler(job_defaults={"coalesce": True, "max_instances": 1})
        jobs = {
            "planning": (self._plan, every),
            "dispatch": (self.dispatcher.drain, every),
            "follower": (self._follow, every),
            "reconciler": (self._reconcile, RECONCILE_AFTER),
        }
        for name, (job, interval) in jobs.items():
            scheduler.add_job(job, "interval", seconds=interval.total_seconds(), id=name)
        return scheduler

    async def _plan(self) -> None:
        await asyncio.to_thread(self.planning.drain)

    async def _follow(self) -> None:
        await asyncio.to_thread(self.follower.drain)

    async def _reconcile(self) -> None:
        await asyncio.to_thread(self.planning.drain, self.clock() - RECONCILE_AFTER)
