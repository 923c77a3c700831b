"""The engine: the tasks of the embedded platform and of the dispatchers. They hold no state that matters."""

import asyncio
from collections.abc import Callable, Collection, Mapping
from datetime import datetime, timedelta
from functools import partial

from msgspec import Struct

from streams.delivery.admission.concurrency import PATIENCE
from streams.delivery.inbound.wiring import InboundParts
from streams.delivery.send.dispatch import Dispatcher
from streams.log.chain_builder import ChainBuilder
from streams.log.watermark import Watermark
from streams.planning.reconciler import RECONCILE_AFTER
from streams.planning.wiring import PlanningParts
from streams.queries.health import BacklogSamples
from streams.replay.follower import Follower
from streams.runtime.schedule import Schedule
from streams.runtime.timetable import Task, Timetable
from streams.runtime.upkeep import Upkeep, UpkeepParts
from streams.storage.database import Database
from streams.storage.signals import Listener, Signal

LOOK_EVERY = timedelta(milliseconds=250)
"""The interval of most tasks: a look costs milliseconds, and citizens notice a delay."""
LOOK_BACK_EVERY = timedelta(seconds=1)
PIECES_EVERY, WEBHOOKS_EVERY = timedelta(seconds=5), timedelta(seconds=1)
"""Agencies are programs: they do not notice a second, and each look is a transaction."""
LISTEN_EVERY, JOBS_EVERY = timedelta(seconds=1), timedelta(seconds=2)
"""Signals of a lost session are heard again after that time; until then the tasks look by themselves."""
SENDING = frozenset({"urgent", "dispatch"})
DISPATCH = SENDING | frozenset({"signals", "webhooks", "pieces", "watermark"})
"""The tasks of a process that only sends."""


class Engine(Struct, frozen=True):
    """The background parts of the embedded platform."""

    database: Database
    planning: PlanningParts
    dispatcher: Dispatcher
    inbound: InboundParts
    follower: Follower
    chain_builder: ChainBuilder
    schedule: Schedule
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
        if planned or passed:
            await asyncio.to_thread(self.dispatcher.release_postponed)
        return bool(planned or handled or passed)

    def stop(self) -> None:
        """Begin nothing more; work in progress ends by itself."""
        self.planning.planning.stop()
        self.planning.areas.stop()
        self.dispatcher.stop()

    async def until(
        self,
        stopped: asyncio.Event,
        every: timedelta = LOOK_EVERY,
        only: Collection[str] | None = None,
        more: Mapping[str, Task] | None = None,
    ) -> None:
        """Run the tasks until the event is set, then wait for those that run.

        `only`: only these, without the upkeep; `more`: these besides.

        A task never runs twice at once. Its failure is reported once, and it runs again at its next time.

        Raises:
            DatabaseUnavailable: waiting does not help, such as a wrong password.
            OlderLog: the database was restored meanwhile.
        """
        upkeep = self._upkeep(every)
        table = Timetable()
        listener = Listener(self.database, Signal.DUE, lambda: table.wake(SENDING))
        own = {name: task for name, task in self._tasks(every, listener).items() if only is None or name in only}
        wanted = {**own, **upkeep.tasks(table)} if only is None else own

        def stop() -> None:
            upkeep.stop()
            self.stop()

        def close() -> None:
            listener.close()
            upkeep.close()

        await table.until({**wanted, **(more or {})}, stopped, stop, close)
        await self.dispatcher.wait_ended()

    def _tasks(self, every: timedelta, listener: Listener) -> dict[str, Task]:
        return {
            "planning": Task(lambda: asyncio.to_thread(self.planning.planning.drain), every),
            "urgent": Task(partial(self.dispatcher.drain_urgent, PATIENCE), every),
            "dispatch": Task(partial(self.dispatcher.drain, patience=PATIENCE), every),
            "signals": Task(listener.ensure, LISTEN_EVERY),
            "webhooks": Task(self.inbound.webhooks.deliver, max(every, WEBHOOKS_EVERY)),
            "pieces": Task(lambda: asyncio.to_thread(self.inbound.receiving.reassembly.give_up), PIECES_EVERY),
            "watermark": Task(lambda: asyncio.to_thread(self.watermark.look), LOOK_BACK_EVERY),
        }

    def _upkeep(self, every: timedelta) -> Upkeep:
        planning = self.planning
        parts = UpkeepParts(
            planning.areas,
            self.follower,
            self.chain_builder,
            planning.reconciler,
            self.backlog,
            self.schedule,
            lambda _: None,
        )
        return Upkeep(self.database, parts, every, RECONCILE_AFTER)
