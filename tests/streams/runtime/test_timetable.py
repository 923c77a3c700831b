"""Timed tasks: never twice at once, woken at once, reported once, and waited for at a stop."""

import asyncio
from collections.abc import Awaitable
from datetime import timedelta

import pytest

from domain.core.ids import Position
from streams.log.watermark import KnownFact, OlderLog
from streams.runtime.timetable import Task, Timetable
from tests.streams.storing import PATIENCE
from tests.world import NOON

OFTEN, SELDOM = timedelta(milliseconds=2), timedelta(days=1)


class Slow:
    """A task that runs until it is let go."""

    def __init__(self) -> None:
        self.begun, self.let_go = asyncio.Semaphore(0), asyncio.Semaphore(0)
        self.at_once, self.most, self.ended = 0, 0, 0

    async def run(self) -> None:
        self.at_once += 1
        self.most = max(self.most, self.at_once)
        self.begun.release()
        await self.let_go.acquire()
        self.at_once -= 1
        self.ended += 1


async def soon(awaited: Awaitable[object]) -> None:
    """It happens within the patience of the tests."""
    await asyncio.wait_for(awaited, PATIENCE)


async def test_a_task_never_runs_twice_at_once() -> None:
    """A task that takes longer than its interval is not begun again before it has ended."""
    slow, ticks, stopped = Slow(), asyncio.Semaphore(0), asyncio.Event()

    async def tick() -> None:
        ticks.release()

    tasks = {"slow": Task(slow.run, OFTEN), "tick": Task(tick, OFTEN)}
    going = asyncio.create_task(Timetable().until(tasks, stopped))
    await soon(slow.begun.acquire())
    for _ in range(20):  # so many intervals of both
        await soon(ticks.acquire())
    assert (slow.most, slow.ended) == (1, 0)
    slow.let_go.release()
    await soon(slow.begun.acquire())
    assert (slow.most, slow.ended) == (1, 1)
    stopped.set()
    slow.let_go.release()
    await soon(going)


async def test_a_wake_runs_a_task_at_once_and_once_more_if_it_runs() -> None:
    """A task with a long interval runs when it is woken; any number of wakes meanwhile lead to one more run."""
    slow, stopped = Slow(), asyncio.Event()
    table = Timetable()
    going = asyncio.create_task(table.until({"slow": Task(slow.run, SELDOM)}, stopped))
    await asyncio.sleep(0)
    table.wake(["slow"])
    await soon(slow.begun.acquire())
    for _ in range(3):
        table.wake(["slow"])
    slow.let_go.release()
    await soon(slow.begun.acquire())
    slow.let_go.release()
    stopped.set()
    await soon(going)
    assert (slow.ended, slow.most) == (2, 1)


@pytest.mark.parametrize("how", ["stop", "cancel"])
async def test_an_end_waits_for_what_runs(how: str) -> None:
    """Stopped or cancelled, it waits for the task that runs, begins no other, and then closes."""
    slow, stopped = Slow(), asyncio.Event()
    said: list[str] = []

    def stop() -> None:
        said.append("stop")
        slow.let_go.release()

    table, tasks = Timetable(), {"slow": Task(slow.run, SELDOM, now=True)}
    going = asyncio.create_task(table.until(tasks, stopped, stop, lambda: said.append(f"close after {slow.ended}")))
    await soon(slow.begun.acquire())
    table.wake(["slow"])
    stopped.set() if how == "stop" else going.cancel()
    await soon(asyncio.wait([going]))
    assert (said, going.cancelled()) == (["stop", "close after 1"], how == "cancel")


async def test_a_failure_is_reported_once_and_tried_again(caplog: pytest.LogCaptureFixture) -> None:
    """A task that fails is told of once, by the kind of its error only, and again when it works."""
    stopped, tries = asyncio.Event(), 0

    async def fail() -> None:
        nonlocal tries
        tries += 1
        if tries < 4:
            raise LookupError("somebody's data")
        stopped.set()

    await soon(Timetable().until({"fail": Task(fail, OFTEN)}, stopped))
    assert caplog.messages == ["fail failed: LookupError; trying again", "fail goes on"]


async def test_a_final_error_ends_it() -> None:
    """What waiting does not heal is raised, after the tasks that run have ended."""
    slow = Slow()

    async def refuse() -> None:
        raise OlderLog(KnownFact(Position(1), "", NOON))

    tasks = {"slow": Task(slow.run, SELDOM, now=True), "refuse": Task(refuse, OFTEN)}
    with pytest.raises(OlderLog):
        await soon(Timetable().until(tasks, asyncio.Event(), slow.let_go.release))
    assert slow.ended == 1


async def test_a_clock_that_is_set_back_holds_nothing_up() -> None:
    """Once the machine's clock was set back, every task has its turn at once, not when its old time comes again."""
    times, ran, stopped = iter([NOON, NOON, NOON - SELDOM]), asyncio.Event(), asyncio.Event()

    async def run() -> None:
        ran.set()

    table = Timetable(lambda: next(times, NOON), look_every=OFTEN)
    going = asyncio.create_task(table.until({"seldom": Task(run, SELDOM)}, stopped))
    await soon(ran.wait())
    stopped.set()
    await soon(going)
