"""Processes of this machine that do parts of long work."""

import multiprocessing
import os
import signal
from pathlib import Path

import pytest
from msgspec.structs import replace

from app.executors.errors import NoCluster
from app.executors.executor import TaskWorkers, results, workers_of
from app.executors.local import process_executor
from app.settings import load_settings
from tests.app.terminal import Terminal
from tests.streams.distributed import eventually
from tests.world import LONG_AGO, World, few_triggers, fine, iin, registered


def doubled(number: int) -> int:
    """What is done, wherever it is done."""
    return 2 * number


def fatal(number: int) -> int:
    """Its process dies over the third part, as where the machine lacks memory."""
    if number == 3:
        os._exit(1)
    return 2 * number


def interrupted(number: int) -> int:
    """Ctrl-C of a terminal reaches this process too, several times."""
    for _ in range(number):
        os.kill(os.getpid(), signal.SIGINT)
    return number


def held(_: int) -> None:
    """It never ends."""
    signal.pause()


def test_every_part_is_done_once() -> None:
    """Each part has one result, whoever does it."""
    with process_executor(2) as executor:
        assert sorted(results(TaskWorkers(executor, 2), doubled, doubled, range(9))) == [
            2 * each for each in range(9)
        ]
    assert sorted(results(None, fatal, doubled, range(4))) == [0, 2, 4, 6]


def test_what_a_dead_process_leaves_is_done_here() -> None:
    """Of processes that die nothing is lost, nor counted twice."""
    with process_executor(2) as executor:
        assert sorted(results(TaskWorkers(executor, 2, remote=True), fatal, doubled, range(9))) == [
            2 * each for each in range(9)
        ]


def test_another_process_is_deaf_to_interrupts() -> None:
    """A terminal's Ctrl-C reaches all processes: only the first one has something to say to it."""
    with process_executor(1) as executor:
        assert list(results(TaskWorkers(executor, 1, remote=True), interrupted, doubled, [3])) == [3]


def stopped() -> None:
    """Ctrl-C is typed while others are at work."""
    with process_executor(2) as executor:
        executor.submit(held, 1)
        assert multiprocessing.active_children()
        raise KeyboardInterrupt


def test_whoever_stops_waits_for_nobody() -> None:
    """Ctrl-C in the middle ends the other processes at once, whatever they are at."""
    before = set(multiprocessing.active_children())
    with pytest.raises(KeyboardInterrupt):
        stopped()
    assert set(multiprocessing.active_children()) <= before


def test_a_file_of_this_machine_is_for_no_cluster_elsewhere(world: World) -> None:
    """Where the database is SQLite a scheduler of another machine is not even asked."""
    settings = load_settings(database=world.platform.settings.database, cluster="tls://dask.example:8786")
    elsewhere = replace(world.platform, settings=settings)
    with pytest.raises(NoCluster, match="a cluster needs PostgreSQL"), workers_of(elsewhere, 1):
        pass


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
