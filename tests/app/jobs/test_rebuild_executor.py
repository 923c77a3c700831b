"""Other processes that do parts of a rebuild."""

import multiprocessing
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future
from contextlib import closing
from pathlib import Path

import pytest

from app.executors.executor import FEW, JobWorkers
from app.jobs.rebuild_executor import RebuildExecutor, executor_for
from streams.replay.rebuild_parallel import NoExecutor, Part, PartExecutor
from tests.app.other_processes import with_key_file
from tests.streams.rebuilding import rebuild
from tests.world import LONG_AGO, World, card, iin, registered


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    """A platform with a few people."""
    with closing(World(tmp_path)) as made:
        for number in range(1, 5):
            made.take(*registered(iin(number), LONG_AGO), card(iin(number), "2026-12-20", number=f"N{number}"))
        made.plan()
        made.platform.replay.follower.drain()
        yield made


def executor_of(world: World) -> RebuildExecutor:
    """Another process that knows the platform's keys."""
    platform = with_key_file(world)
    catalogue = world.platform.rules.library.rules().catalogue
    return RebuildExecutor(platform, catalogue, JobWorkers(platform, 1))


class Watched:
    """The same, with what was begun there; `after`: done once something was."""

    def __init__(self, executor: RebuildExecutor, after: Callable[[], None] = lambda: None) -> None:
        self._executor, self._after = executor, after
        self.begun: list[Future[None]] = []

    def submit(self, shadow: str, parts: Sequence[Part]) -> Sequence[Future[None]]:
        """Begin some there."""
        found = self._executor.submit(shadow, parts)
        self.begun += found
        self._after()
        return found

    def close(self) -> None:
        """End the other process."""
        self._executor.close()


def rebuilt(world: World, executor: PartExecutor) -> bool:
    """Whether the views rebuilt with that executor are the live ones."""
    platform = world.platform
    catalogue = platform.rules.library.rules().catalogue
    return rebuild(
        platform.database, platform.log, platform.identity.names, catalogue, swap=True, page=10, executor=executor
    ).equal


def test_another_process_does_parts_and_ends(world: World) -> None:
    """Another process does its parts of a rebuild, whose views are equal, and is gone when that is done."""
    before, watched = set(multiprocessing.active_children()), Watched(executor_of(world))
    assert rebuilt(world, watched)
    assert watched.begun
    assert all(each.exception() is None for each in watched.begun)
    assert set(multiprocessing.active_children()) <= before


def test_a_process_that_is_killed_is_not_waited_for(world: World) -> None:
    """Of a process that was killed nothing is waited for: the views are equal all the same."""
    before = set(multiprocessing.active_children())

    def kill() -> None:
        for process in set(multiprocessing.active_children()) - before:
            process.kill()

    watched = Watched(executor_of(world), kill)
    assert rebuilt(world, watched)
    assert any(each.exception() is not None for each in watched.begun)
    assert set(multiprocessing.active_children()) <= before


def test_a_small_log_needs_nobody_else(world: World) -> None:
    """For a log of a few facts no other process is started."""
    assert (world.platform.log.facts.max_notification_id() or 0) < FEW
    assert isinstance(executor_for(world.platform, world.platform.rules.library.rules().catalogue), NoExecutor)


def test_a_process_that_does_parts_reads_no_more_than_it_needs() -> None:
    """Another process of a rebuild starts without the commands and the wiring, which took most of its start."""
    told = "import sys, app.__main__, app.executors.local, app.jobs.rebuild_task; print(*sys.modules)"
    run = subprocess.run([sys.executable, "-c", told], check=True, capture_output=True, text=True)  # noqa: S603  (ourselves)
    assert "streams.replay.rebuild_parallel" in run.stdout.split()
    assert not {"app.cli.main", "app.compose", "typer", "jinja2"} & set(run.stdout.split())
