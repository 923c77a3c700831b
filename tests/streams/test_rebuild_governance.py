"""Where the rules are in the log is a view too: one that has lost rows is found and mended by the log alone."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from sqlalchemy import delete, select

from app.compose import Platform
from app.jobs.replay_jobs import VIEWS, views
from projections import tables
from tests.streams.rebuilding import ended, verified
from tests.world import LONG_AGO, World, card, iin, registered


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    """A platform with one person who is planned."""
    made = World(tmp_path)
    made.take(*registered(iin(1), LONG_AGO), card(iin(1), "2025-12-20"))
    made.plan()
    made.platform.replay.follower.drain()
    yield made
    made.close()


def lose(platform: Platform, which: slice) -> int:
    """The view loses these of its rows; how many."""
    with platform.database.reading() as connection:
        gone = connection.execute(select(tables.governance.c.position).order_by(tables.governance.c.position))
        positions = list(gone.scalars())[which]
    lost = delete(tables.governance).where(tables.governance.c.position.in_(positions))
    return platform.database.write(lambda connection: connection.execute(lost).rowcount)


@contextmanager
def restarted(world: World) -> Iterator[Platform]:
    """Another process on the same database, which has no rules at hand."""
    other = World(world.file.parent, now=world.clock())
    yield other.platform
    other.close()


@pytest.mark.parametrize("which", [slice(0, 1), slice(1, 3), slice(None)])
@pytest.mark.parametrize("names", [["governance"], ["trail", "residents"], list(VIEWS)])
def test_what_says_where_the_rules_are_is_mended(world: World, names: list[str], which: slice) -> None:
    """Whatever it has lost, a new process rebuilds views, this one among them; after that it has all rules again."""
    rules = world.platform.rules.library.rules()
    lost = lose(world.platform, which)
    with restarted(world) as platform:
        ended(views(platform, {"views": names}))
        found = verified(platform)
        assert (found.views["governance"], found.unlike) == (0 if "governance" in names else lost, 0)
        if "governance" in names:
            assert platform.rules.library.rules().rulebook.versions.keys() == rules.rulebook.versions.keys()


def test_processes_that_run_notice_the_mending(world: World) -> None:
    """Who had the rules without an older fact at hand has them with it once the view is mended."""
    world.control("trigger", "traffic_fine_discount", stopped=True)
    world.control("agency", "water", stopped=True)
    stopped = world.platform.rules.library.rules().controls
    lose(world.platform, slice(-2, -1))
    with restarted(world) as running:
        assert running.rules.library.rules().controls != stopped
        ended(views(world.platform, {"views": ["governance"]}))
        assert running.rules.library.rules().controls == stopped
