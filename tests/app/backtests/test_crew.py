"""Processes that play parts of a backtest beside the one that was asked for it."""

import multiprocessing
import os
import signal
from collections.abc import Callable, Iterator
from contextlib import closing
from multiprocessing.connection import Connection
from pathlib import Path

import pytest

from app.backtests.crew import Alone, Many, crew_of
from app.backtests.order import Order, made
from app.child_process import Beside
from app.settings import load_settings
from tests.app.terminal import Terminal
from tests.beginnings import packs_in
from tests.streams.distributed import eventually
from tests.streams.years import END, START, draft_of
from tests.world import LONG_AGO, World, few_triggers, fine, iin, registered


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    """A platform where a few drivers had fines."""
    with closing(World(tmp_path, now=END)) as made_:
        for number in range(1, 9):
            made_.take(
                *registered(iin(number), LONG_AGO),
                fine(iin(number), f"F{number}", f"2025-03-1{number}T12:00+05:00"),
                ahead_from=END,
            )
        yield made_


def order_of(world: World) -> Order:
    """All triggers of the pack over a spring."""
    return Order(draft_of(packs_in([few_triggers(world.file.parent)])[-1]), START, END)


def dies(pipe: Connection) -> None:
    """Takes a part and dies over it, as where the machine lacks memory."""
    pipe.recv()
    os._exit(1)


def is_not_there(_: Connection) -> None:
    """Dies before it takes any."""
    os._exit(1)


def answers(pipe: Connection) -> None:
    """Says that it is there, and that again."""
    pipe.send("here")
    pipe.send(pipe.recv())


@pytest.mark.parametrize("serve", [dies, is_not_there])
def test_what_a_process_leaves_is_played_here(world: World, serve: Callable[..., None]) -> None:
    """Of a process that dies nothing is lost, nor counted twice: what it was asked is played by who asked."""
    order = order_of(world)
    here = made(world.platform, order)
    parts = order.question(world.platform).selection().shares(6)
    alone = sorted(share.tally.digest for share in Alone(here).shares(parts))
    other = Beside(serve)
    together = sorted(share.tally.digest for share in Many(here, [other]).shares(parts))
    other.stop()
    assert together == alone
    assert any(together)


def interrupted(world: World) -> None:
    """A backtest of three processes, at the moment in which Ctrl-C is typed."""
    settings = load_settings(database=world.platform.settings.database)
    with crew_of(settings, world.platform, order_of(world), 3):
        assert len(multiprocessing.active_children()) > 1
        raise KeyboardInterrupt


def test_whoever_stops_waits_for_nobody(world: World) -> None:
    """Ctrl-C in the middle ends the other processes at once, whatever they are at."""
    before = set(multiprocessing.active_children())
    with pytest.raises(KeyboardInterrupt):
        interrupted(world)
    assert set(multiprocessing.active_children()) <= before


def test_a_process_beside_is_deaf_to_interrupts() -> None:
    """A terminal's Ctrl-C reaches all processes: only the first one has something to say to it."""
    before, beside = set(multiprocessing.active_children()), Beside(answers)
    [process] = set(multiprocessing.active_children()) - before
    assert process.pid is not None
    for _ in range(3):
        os.kill(process.pid, signal.SIGINT)
    assert beside.hear() == "here"
    os.kill(process.pid, signal.SIGINT)
    beside.tell("still here")
    assert beside.hear() == "still here"
    beside.end()


def children(pid: int) -> list[int]:
    """The processes that a process has."""
    try:
        return [int(each) for each in Path(f"/proc/{pid}/task/{pid}/children").read_text("ascii").split()]
    except FileNotFoundError:
        return []


def test_nobody_is_left_of_a_backtest_that_was_killed(tmp_path: Path) -> None:
    """Whoever kills the command leaves no process behind, which would wait for its next part for ever."""
    terminal = Terminal(tmp_path)
    terminal.environment["HABARSHY_PACKS"] = str(few_triggers(tmp_path))
    events = [*registered(iin(1), LONG_AGO), fine(iin(1), "F1", "2025-03-10T12:00:00+05:00")]
    assert terminal.run("ingest", "--historical", terminal.written("events.ndjson", *events)).code == 0
    span = ("--from", "2025-01-01", "--to", "2026-01-01")
    with terminal.start("backtest", "traffic_fine_discount", *span, "--processes", "3") as process:
        eventually(lambda: len(children(process.pid)) == 3)  # two, and what Python has for their semaphores
        others = children(process.pid)
        process.kill()
    eventually(lambda: not any(Path(f"/proc/{each}").exists() for each in others))
