"""A rebuild on PostgreSQL whose process or server is killed: it goes on, and the live views are as they were."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import func, select

from app.jobs.kinds import work_of
from streams.queues.jobs import Job, JobState, Plan
from streams.replay.rebuild_compare import COMPARED
from streams.storage.leadership import Lane
from tests.app.killing import killed
from tests.services import postgres
from tests.services.postgres_server import Server
from tests.streams.rebuilding import lived, rebuilt
from tests.world import World

PEOPLE = 12


@pytest.fixture
def server() -> Iterator[Server]:
    """A server of this test's own."""
    with postgres.own() as made:
        yield made


@pytest.fixture
def world(tmp_path: Path, server: Server) -> Iterator[World]:
    """A platform on it that lived a little; then one view lost its rows."""
    with postgres.fresh(server.url) as at:
        yield from lived(tmp_path, at.render_as_string(hide_password=False), PEOPLE)


def counts(world: World) -> dict[str, int]:
    """View -> how many rows it has."""
    with world.platform.database.reading() as connection:
        return {
            each.name: connection.execute(select(func.count()).select_from(each)).scalar_one() for each in COMPARED
        }


def asked(world: World) -> int:
    """A job that rebuilds all views."""
    arguments = {"views": [str(each.name) for each in COMPARED]}
    return world.platform.queues.jobs.add(
        "replay views", Lane.VIEWS, arguments, Plan("rebuild", 1, "facts", 1), "olga"
    ).id


def resumed(world: World, id_: int) -> Job:
    """The job after somebody went on with it here."""
    jobs = world.platform.queues.jobs
    return jobs.run(id_, work_of(world.platform, jobs.job(id_)), lambda _: None)


def test_a_killed_rebuild_goes_on(world: World, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Killed in any step it leaves the live views as they were, and is taken up from there."""
    lost, id_ = counts(world), asked(world)
    for step in (2, 5, 14):
        killed(world, tmp_path, id_, step)
        assert counts(world) == lost
    assert resumed(world, id_).state is JobState.DONE
    assert "beginning anew" not in capsys.readouterr().err
    assert counts(world)["due"] > lost["due"] == 0
    assert rebuilt(world.platform).equal


def test_a_rebuild_begins_anew_where_the_server_died(
    world: World, tmp_path: Path, server: Server, capsys: pytest.CaptureFixture[str]
) -> None:
    """A server that dies takes the shadow with it, which is in no write-ahead log: the job begins anew by itself."""
    lost, id_ = counts(world), asked(world)
    killed(world, tmp_path, id_, 5)
    server.kill()
    server.start()
    world.platform.database.engine.dispose()
    assert counts(world) == lost
    assert resumed(world, id_).state is JobState.DONE
    assert "beginning anew" in capsys.readouterr().err
    assert rebuilt(world.platform).equal
