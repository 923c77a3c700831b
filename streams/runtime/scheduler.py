"""The scheduler: interval jobs that drain the queues. They hold no state that matters."""

import asyncio
from collections.abc import Awaitable, Callable, Collection, Iterable, Mapping
from datetime import datetime, timedelta
from functools import partial

from apscheduler.schedulers.asyncio import AsyncIOScheduler
from msgspec import Struct

from streams.delivery.inbound.wiring import InboundParts
from streams.delivery.send.concurrency import PATIENCE
from streams.delivery.send.dispatch import Dispatcher
from streams.log.chain_builder import ChainBuilder
from streams.log.watermark import Watermark
from streams.planning.reconciler import RECONCILE_AFTER
from streams.planning.wiring import PlanningParts
from streams.queries.health import EVERY as SOUND_EVERY
from streams.queries.health import BacklogSamples
from streams.replay.follower import Follower
from streams.runtime.cleanup import Cleanup
from streams.runtime.faults import Faults
from streams.storage.database import Database
from streams.storage.signals import Listener, Signal

Job = Callable[[], Awaitable[object]]
LOOK_EVERY = timedelta(milliseconds=250)
"""The interval of most jobs: a look costs milliseconds, and citizens notice a delay."""
TIDY_EVERY, CHAIN_EVERY, LOOK_BACK_EVERY = timedelta(hours=1), timedelta(seconds=1), timedelta(seconds=1)
PIECES_EVERY, WEBHOOKS_EVERY = timedelta(seconds=5), timedelta(seconds=1)
"""Agencies are programs: they do not notice a second, and each look is a transaction."""
LISTEN_EVERY = timedelta(seconds=1)
"""Signals of a lost session are heard again after that time; until then the jobs look by themselves."""
SENDING = frozenset({"urgent", "dispatch"})
DISPATCH = SENDING | frozenset({"signals", "webhooks", "tidying", "pieces", "watermark"})
"""The jobs of a process that only sends."""


class Engine(Struct, frozen=True):
    """The background parts of the embedded platform."""

    database: Database
    planning: PlanningParts
    dispatcher: Dispatcher
    inbound: InboundParts
    follower: Follower
    chain_builder: ChainBuilder
    cleanup: Cleanup
    backlog: BacklogSamples
    watermark: Watermark
    clock: Callable[[], datetime]

    async def until_idle(self) -> None:
        """Run until nobody is unplanned, no delivery is due, and no attempt is open (or `stop` was called)."""
        while await self._round():
            pass
        await asyncio.to_thread(self.follower.drain)
        await asyncio.to_thread(self.chain_builder.drain)

    async def _round(self) -> bool:
        await asyncio.to_thread(self.inbound.receiving.reassembly.give_up)
        planned = await asyncio.to_thread(self.planning.planning.drain)
        handled = await self.dispatcher.drain() + await self.inbound.webhooks.deliver()
        passed = await asyncio.to_thread(
            self.planning.areas.turn
        )  # one turn only: events that came meanwhile go first
        return bool(planned or handled or passed)

    def stop(self) -> None:
        """Begin nothing more; work in progress ends by itself."""
        self.planning.planning.stop()
        self.planning.areas.stop()
        self.dispatcher.stop()

    async def until(
        self, stopped: asyncio.Event, every: timedelta = LOOK_EVERY, only: Collection[str] | None = None
    ) -> None:
        """Run the jobs (all, or only those) until the event is set, then wait for those that are running.

        A job never runs twice at once. Its failure is reported once, and it runs again at its next time.

        Raises:
            DatabaseUnavailable: waiting does not help, such as a wrong password.
            OlderLog: the database was restored meanwhile.
        """
        jobs = _Jobs(stopped)
        listener = Listener(self.database, Signal.DUE, partial(jobs.wake, SENDING))
        scheduler = AsyncIOScheduler(job_defaults={"coalesce": True, "max_instances": 1, "misfire_grace_time": None})
        wanted = {name: job for name, job in self._jobs(every, listener).items() if only is None or name in only}
        for name, (job, interval) in wanted.items():
            scheduler.add_job(jobs.once_at_a_time(name, job), "interval", seconds=interval.total_seconds(), id=name)
        scheduler.start()
        try:
            await stopped.wait()
            scheduler.pause()
            self.stop()
            await jobs.ended()  # before the shutdown, which cancels what runs
        finally:
            listener.close()
        await self.dispatcher.ended()
        scheduler.shutdown(wait=False)
        if jobs.final is not None:
            raise jobs.final

    def _jobs(self, every: timedelta, listener: Listener) -> Mapping[str, tuple[Job, timedelta]]:
        return {
            "planning": (lambda: asyncio.to_thread(self.planning.planning.drain), every),
            "areas": (lambda: asyncio.to_thread(self.planning.areas.drain), every),
            "urgent": (partial(self.dispatcher.drain_urgent, PATIENCE), every),
            "dispatch": (partial(self.dispatcher.drain, patience=PATIENCE), every),
            "signals": (listener.ensure, LISTEN_EVERY),
            "webhooks": (self.inbound.webhooks.deliver, max(every, WEBHOOKS_EVERY)),
            "tidying": (lambda: asyncio.to_thread(self.cleanup.run), TIDY_EVERY),
            "pieces": (lambda: asyncio.to_thread(self.inbound.receiving.reassembly.give_up), PIECES_EVERY),
            "follower": (lambda: asyncio.to_thread(self.follower.drain), every),
            "chain": (lambda: asyncio.to_thread(self.chain_builder.drain), CHAIN_EVERY),
            "reconciler": (self._reconcile, RECONCILE_AFTER),
            "soundings": (lambda: asyncio.to_thread(self.backlog.take), SOUND_EVERY),
            "watermark": (lambda: asyncio.to_thread(self.watermark.look), LOOK_BACK_EVERY),
        }

    async def _reconcile(self) -> None:
        await asyncio.to_thread(self.planning.reconciler.run)


class _Jobs:
    """Runs each job at most once at a time, and knows when all have ended; sets `stopped` after a final error."""

    def __init__(self, stopped: asyncio.Event) -> None:
        self.final: Exception | None = None
        self._stopped = stopped
        self._faults = Faults()
        self._jobs: dict[str, Job] = {}
        self._running: dict[str, asyncio.Task[object]] = {}
        self._again: set[str] = set()

    def once_at_a_time(self, name: str, job: Job) -> Callable[[], Awaitable[None]]:
        self._jobs[name] = job

        async def run() -> None:
            self._run(name)

        return run

    def wake(self, names: Iterable[str]) -> None:
        """Run these jobs now; one that runs is run once more afterwards, for it may have looked before."""
        for name in names:
            if name in self._running:
                self._again.add(name)
            elif not self._stopped.is_set():
                self._run(name)

    def _run(self, name: str) -> None:
        if name not in self._running:
            task = self._running[name] = asyncio.ensure_future(self._told(name, self._jobs[name]))
            task.add_done_callback(lambda _: self._ended(name))

    def _ended(self, name: str) -> None:
        del self._running[name]
        if name in self._again and not self._stopped.is_set():
            self._again.remove(name)
            self._run(name)

    async def _told(self, name: str, job: Job) -> None:
        try:
            await job()
        except Exception as error:  # noqa: BLE001  (the next run tries again)
            if (final := self._faults.met(name, error)) is not None:
                self.final = final
                self._stopped.set()
        else:
            self._faults.over(name)

    async def ended(self) -> None:
        while self._running:
            await asyncio.wait(list(self._running.values()))
            await asyncio.sleep(0)
