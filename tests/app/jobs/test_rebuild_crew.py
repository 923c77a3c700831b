"""Processes that do parts of a rebuild beside the one that has them."""

import json
import multiprocessing
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from app.jobs.rebuild_crew import FEW, Processes, crew_for
from app.settings import load_settings
from streams.replay.rebuild_parallel import NoCrew
from tests.beginnings import KEYRING
from tests.streams.distributed import eventually
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


def crew_of(world: World) -> Processes:
    """Another process that knows the platform's keys."""
    key = world.file.parent / "key"
    wrapping = {str(version): each.hex() for version, each in KEYRING.wrapping.items()}
    key.write_text(json.dumps({"names": KEYRING.names.hex(), "wrapping": wrapping}))
    key.chmod(0o600)
    settings = load_settings(database=world.platform.settings.database, key_file=key)
    return Processes(settings, world.platform.rules.library.rules().catalogue, 1)


def rebuilt(world: World, crew: Processes) -> bool:
    """Whether the views rebuilt with that crew are the live ones."""
    platform = world.platform
    catalogue = platform.rules.library.rules().catalogue
    return rebuild(
        platform.database, platform.log, platform.identity.names, catalogue, swap=True, page=10, crew=crew
    ).equal


def test_another_process_does_parts_and_ends(world: World) -> None:
    """Another process does its parts of a rebuild, whose views are equal, and is gone when that is done."""
    before, crew = set(multiprocessing.active_children()), crew_of(world)
    eventually(lambda: bool(crew.ready()))
    assert set(multiprocessing.active_children()) > before
    assert rebuilt(world, crew)
    assert set(multiprocessing.active_children()) <= before


def test_a_process_that_is_killed_is_not_waited_for(world: World) -> None:
    """Of a process that was killed nothing is waited for: the views are equal all the same."""
    before, crew = set(multiprocessing.active_children()), crew_of(world)
    eventually(lambda: bool(crew.ready()))
    [process] = set(multiprocessing.active_children()) - before
    assert process.pid is not None
    os.kill(process.pid, signal.SIGKILL)
    assert rebuilt(world, crew)
    assert set(multiprocessing.active_children()) <= before


def test_a_small_log_needs_nobody_else(world: World) -> None:
    """For a log of a few facts no other process is started."""
    assert (world.platform.log.facts.max_notification_id() or 0) < FEW
    assert isinstance(crew_for(world.platform, world.platform.rules.library.rules().catalogue), NoCrew)


def test_a_process_that_does_parts_reads_no_more_than_it_needs() -> None:
    """Another process of a rebuild starts without the commands and the wiring, which took most of its start."""
    told = "import sys, app.__main__, app.jobs.rebuild_member; print(*sys.modules)"
    run = subprocess.run([sys.executable, "-c", told], check=True, capture_output=True, text=True)  # noqa: S603  (ourselves)
    assert "streams.replay.rebuild_parallel" in run.stdout.split()
    assert not {"app.cli.main", "app.compose", "typer", "jinja2"} & set(run.stdout.split())
