"""Timed work of a process: tasks that APScheduler starts, each at most once at a time.

APScheduler decides when: `max_instances` keeps a task from running twice at once, `coalesce` makes one run of those
that are late, and no run is dropped for being late. Here is only what it does not do: a failure is reported once, a
wake during a run leads to one more run, a stop waits for what runs, and a clock that is set back holds nothing up.
"""

import asyncio
import logging
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Mapping
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from functools import partial

from apscheduler.events import EVENT_JOB_ERROR, EVENT_JOB_EXECUTED, EVENT_JOB_SUBMITTED, JobEvent
from apscheduler.schedulers.asyncio import AsyncIOScheduler
from apscheduler.triggers.base import BaseTrigger
from apscheduler.triggers.interval import IntervalTrigger
from msgspec import Struct

from streams.runtime.faults import Faults

JOB_DEFAULTS = {"coalesce": True, "max_instances": 1, "misfire_grace_time": None}
LOOK_EVERY = timedelta(seconds=1)
LIBRARY = "apscheduler"
"""The logger of the library. It would warn of each tick of a task that still runs, which is no trouble."""


class Task(Struct, frozen=True):
    """A piece of timed work. `when`: its interval, or a trigger of the library. `now`: it runs at the start, too."""

    run: Callable[[], Awaitable[object]]
    when: timedelta | BaseTrigger
    now: bool = False


def _now() -> datetime:
    """Return the time by the machine's clock, which the library reads too: no virtual clock applies here."""
    return datetime.now(UTC)  # noqa: TID251  (as said)


class Timetable:
    """Runs tasks by name until it is stopped. `clock`: the machine's; it is looked at for being set back."""

    def __init__(self, clock: Callable[[], datetime] = _now, look_every: timedelta = LOOK_EVERY) -> None:
        self._clock, self._look_every = clock, look_every
        self._tasks: Mapping[str, Task] = {}
        self._faults = Faults()
        self._final: Exception | None = None
        self._scheduler = AsyncIOScheduler(timezone=UTC, job_defaults=JOB_DEFAULTS)
        self._stopped, self._idle = asyncio.Event(), asyncio.Event()
        self._running: set[str] = set()
        self._again: set[str] = set()

    async def until(
        self,
        tasks: Mapping[str, Task],
        stopped: asyncio.Event,
        stop: Callable[[], None] = lambda: None,
        close: Callable[[], None] = lambda: None,
    ) -> None:
        """Run the tasks until the event is set; then call `stop`, wait for those that run, and call `close`.

        It ends the same way when it is cancelled.

        Raises:
            DatabaseUnavailable: waiting does not help, such as a wrong password.
            OlderLog: the database was restored meanwhile.
        """
        logging.getLogger(LIBRARY).setLevel(logging.CRITICAL)
        self._tasks, self._stopped = tasks, stopped
        self._scheduler.add_listener(self._on_job_event, EVENT_JOB_SUBMITTED | EVENT_JOB_EXECUTED | EVENT_JOB_ERROR)
        begun = _now()
        for name, task in tasks.items():
            first = {"next_run_time": begun} if task.now else {}
            self._scheduler.add_job(partial(self._run_task, name), _trigger(task.when, begun), id=name, **first)
        self._scheduler.start()
        looking = asyncio.create_task(self._look_at_clock())
        try:
            await stopped.wait()
        finally:
            looking.cancel()
            self._scheduler.pause()
            stop()
            try:
                await self._ended()
            finally:
                close()
                self._scheduler.shutdown(wait=False)
        if self._final is not None:
            raise self._final

    def wake(self, names: Iterable[str]) -> None:
        """Run these tasks now; one that runs is run once more afterwards, for it may have looked before."""
        for name in names:
            if name in self._running:
                self._again.add(name)
            else:
                self.set_next(name, _now())

    def set_next(self, name: str, at: datetime) -> None:
        """Set the next run of a task; the later ones follow its trigger."""
        if not self._stopped.is_set():
            self._scheduler.modify_job(name, next_run_time=at)

    async def _look_at_clock(self) -> None:
        """Run every task at once where the clock was set back: the library waits for times that are far off now."""
        before = self._clock()
        while True:
            await asyncio.sleep(self._look_every.total_seconds())
            if (now := self._clock()) < before:
                self.wake(self._tasks)
            before = now

    def _on_job_event(self, event: JobEvent) -> None:
        name = event.job_id
        if event.code == EVENT_JOB_SUBMITTED:
            self._running.add(name)
            return
        self._running.discard(name)
        self._idle.set()
        if name in self._again:
            self._again.remove(name)
            self.set_next(name, _now())

    async def _run_task(self, name: str) -> None:
        try:
            await self._tasks[name].run()
        except Exception as error:  # noqa: BLE001  (the next run tries again)
            if (final := self._faults.report(name, error)) is not None:
                self._final = final
                self._stopped.set()
        else:
            self._faults.report_recovered(name)

    async def _ended(self) -> None:
        while self._running:
            self._idle.clear()
            await self._idle.wait()


@asynccontextmanager
async def ticking(tasks: Mapping[str, Task]) -> AsyncIterator[None]:
    """Run the tasks during the block."""
    stopped = asyncio.Event()
    going = asyncio.create_task(Timetable().until(tasks, stopped))
    try:
        yield
    finally:
        stopped.set()
        await going


def _trigger(when: timedelta | BaseTrigger, begun: datetime) -> BaseTrigger:
    """Return the trigger. Intervals begin together, so that tasks of one interval wake the process once."""
    if isinstance(when, timedelta):
        return IntervalTrigger(seconds=when.total_seconds(), start_date=begun + when, timezone=UTC)
    return when
