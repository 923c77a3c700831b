"""Upkeep, which one process does for all: following the log, chaining, reconciling, the schedule.

Planning of areas is shared by all of them.

On PostgreSQL it is done by the process that holds the leader lock; when that one ends, another takes over. On SQLite
there is one process.
"""

import asyncio
import threading
from collections.abc import Callable, Mapping
from concurrent.futures import Executor, ThreadPoolExecutor
from datetime import timedelta
from functools import partial

import uvloop
from apscheduler.triggers.base import BaseTrigger
from msgspec import Struct

from streams.log.chain_builder import ChainBuilder
from streams.planning.areas import AreaPlanning
from streams.planning.reconciler import Reconciler
from streams.queries.health import SAMPLE_EVERY, BacklogSamples
from streams.replay.follower import Follower
from streams.runtime.schedule import Schedule
from streams.runtime.timetable import Task, Timetable
from streams.storage.database import Database
from streams.storage.leadership import UPKEEP_LOCK, LeaderLock
from streams.storage.severity import Warned

EVERY, RECONCILE_EVERY = timedelta(seconds=1), timedelta(minutes=1)
ALONE_EVERY = timedelta(hours=1)
"""On SQLite the turn is taken once, at the start."""
TOLD_EVERY = 60
"""Turns of the reconciler after which it says how many it found, where it finds ever more."""
TURN = "the upkeep"


class Turn:
    """The turn of one process of several: a leader lock, whose session is checked before each piece of work."""

    def __init__(self, database: Database) -> None:
        self._lock = None if database.sqlite else LeaderLock(database, UPKEEP_LOCK)
        self._guard = threading.Lock()
        self.active = False

    def take(self) -> bool:
        """Take the turn if it is free, and return whether this process has it.

        Raises:
            ReadOnly, OperationalError: it has lost it; see `LeaderLock.check`.
        """
        if self._lock is None:
            self.active = True
            return True
        with self._guard:
            try:
                self.active = self._lock.acquire() is not None
                self._lock.check()
            except BaseException:
                self._lose()
                raise
            return self.active

    def holds(self) -> bool:
        """Return whether this process still has the turn; one that lost it is told why by its next `take`."""
        if self._lock is None or not self.active:
            return self.active
        with self._guard:
            try:
                self._lock.check()
            except Exception:  # noqa: BLE001  (as said)
                self._lose()
            return self.active

    def release(self) -> None:
        """Let another process have it."""
        with self._guard:
            self._lose()

    def _lose(self) -> None:
        self.active = False
        if self._lock is not None:
            self._lock.release()


class UpkeepParts(Struct, frozen=True):
    """The parts whose work is done by turns, and `tell`, which gets a line of what an operator must know."""

    areas: AreaPlanning
    follower: Follower
    chain_builder: ChainBuilder
    reconciler: Reconciler
    backlog: BacklogSamples
    schedule: Schedule
    tell: Callable[[str], None]


class Upkeep:
    """The tasks of the upkeep, for the timetable of a process."""

    def __init__(
        self,
        database: Database,
        parts: UpkeepParts,
        every: timedelta = EVERY,
        reconcile_every: timedelta = RECONCILE_EVERY,
    ) -> None:
        self._parts, self._every, self._reconcile_every = parts, every, reconcile_every
        self._sqlite, self._stopping = database.sqlite, False
        self._pool = ThreadPoolExecutor(1, "schedule")
        self.turn = Turn(database)

    def stop(self) -> None:
        """Begin nothing more."""
        self._stopping = True
        self._parts.areas.stop()

    def close(self) -> None:
        """Let another process have the turn."""
        self._pool.shutdown(wait=False)
        self.turn.release()

    def tasks(self, table: Timetable) -> Mapping[str, Task]:
        """Return name -> task. `table`: the timetable that runs them."""
        parts = self._parts
        led = {
            "follower": self._led(parts.follower.drain, max(self._every, EVERY)),
            "chain": self._led(parts.chain_builder.drain, max(self._every, EVERY)),
            "reconciler": self._led(self._reconcile, self._reconcile_every),
            "samples": self._led(parts.backlog.take, SAMPLE_EVERY),
        }

        shared = {"areas": Task(lambda: asyncio.to_thread(self._plan_areas), self._every)}
        asked = {
            "schedule": self._task(lambda: parts.schedule.run_due(lambda: self._stopping), self._every, self._pool)
        }
        timed = {name: self._timed(name, trigger) for name, trigger in parts.schedule.triggers().items()}

        async def take_turn() -> None:
            had = self.turn.active
            if await asyncio.to_thread(self.turn.take) and not had:
                table.wake([*shared, *led, *await asyncio.to_thread(parts.schedule.take_up)])

        every = ALONE_EVERY if self._sqlite else self._every
        return {TURN: Task(take_turn, every, now=True), **shared, **led, **asked, **timed}

    def _led(self, work: Callable[[], object], when: timedelta) -> Task:
        """Return the task of this work, which only whoever has the turn does."""
        return self._task(work, when, None)

    def _timed(self, name: str, when: BaseTrigger) -> Task:
        """Return the task of a job of the schedule. They share a thread, so that they run one after the other."""
        return self._task(lambda: self._parts.schedule.run(name, lambda: self._stopping), when, self._pool)

    def _task(self, work: Callable[[], object], when: timedelta | BaseTrigger, pool: Executor | None) -> Task:
        def done() -> None:
            if not self._stopping and self.turn.holds():
                work()

        async def run() -> None:
            if self.turn.active:
                await asyncio.get_running_loop().run_in_executor(pool, done)

        return Task(run, when)

    def _plan_areas(self) -> None:
        """Plan area events, and persons at leisure, together with all processes that have an upkeep."""
        while not self._stopping and self._parts.areas.turn(leads=self.turn.holds()):
            pass

    def _reconcile(self) -> None:
        """Plan the persons whose wake-up was lost; say how many, and in the midst of many from time to time."""
        found, turns = 0, 0
        while not self._stopping and (more := self._parts.reconciler.turn()) and self.turn.holds():
            found, turns = found + more, turns + 1
            if turns % TOLD_EVERY == 0:
                self._tell(found)
                found = 0
        self._tell(found)

    def _tell(self, found: int) -> None:
        if found:
            line = f"the reconciler planned {found} persons whom no record woke: see the lag of relay and workers"
            self._parts.tell(Warned(line))


class Beside:
    """A timetable in a thread of its own, beside other work of the process."""

    def __init__(self, upkeep: Upkeep) -> None:
        self.upkeep = upkeep
        self._asked = threading.Event()
        self._stop: Callable[[], object] = self._asked.set

    def run(self) -> None:
        """Run until stopped. Raises DatabaseUnavailable where waiting does not help, such as a wrong password."""
        uvloop.run(self._until_stopped())

    async def _until_stopped(self) -> None:
        stopped, table = asyncio.Event(), Timetable()
        self._stop = partial(asyncio.get_running_loop().call_soon_threadsafe, stopped.set)
        try:
            if not self._asked.is_set():
                await table.until(self.upkeep.tasks(table), stopped, self.upkeep.stop, self.upkeep.close)
        finally:
            self._stop = self._asked.set

    def stop(self) -> None:
        """End the work that can be ended in its midst, and begin nothing more."""
        self._asked.set()
        self.upkeep.stop()
        self._stop()
