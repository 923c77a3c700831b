"""The clock of one machine is wrong, and that of the database's server is right."""

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy.engine import URL
from starlette.testclient import TestClient

from app.clock import system_clock
from app.http.role import ServedRole, role_application
from app.scheduled import schedule_of
from streams.storage.database import Database
from streams.storage.schema import migrate
from streams.storage.server_clock import ServerClock, WrongClock
from tests.services import postgres
from tests.world import LONG_AGO, NOON, World, fine, iin, registered

AHEAD, BEHIND = timedelta(minutes=10), timedelta(hours=-14)


@pytest.fixture
def country(server: URL, tmp_path: Path) -> Iterator[World]:
    """A platform on PostgreSQL, of which nobody was planned yet."""
    with postgres.fresh(server) as at:
        url = at.render_as_string(hide_password=False)
        database = Database(url)
        migrate(database)
        database.close()
        world = World(tmp_path, url=url)
        world.take(*registered(iin(1), LONG_AGO), fine(iin(1), "F1", "2025-06-02T11:30:00+05:00"))
        yield world
        world.close()


def off_by(world: World, off: timedelta) -> None:
    """The clock of this machine is off by so much."""
    world.platform.database.server_clock = ServerClock(lambda: system_clock() + off)


@pytest.mark.parametrize("off", [AHEAD, BEHIND], ids=["ahead", "behind"])
async def test_nobody_is_planned_or_told_by_a_wrong_clock(country: World, off: timedelta) -> None:
    """Worker and dispatcher wait while their clock is wrong, hold nothing meanwhile, and go on once it is right."""
    off_by(country, off)
    with pytest.raises(WrongClock):
        country.plan()
    off_by(country, timedelta())
    country.plan()
    off_by(country, off)
    with pytest.raises(WrongClock):
        await country.engine.dispatcher.drain_batch()
    assert country.sent == []
    off_by(country, timedelta(seconds=-30))
    assert len(await country.settle(NOON + timedelta(hours=1))) == 1


def test_nothing_is_deleted_by_a_wrong_clock(country: World) -> None:
    """Neither the schedule nor a retirement by hand begins while the clock is wrong."""
    off_by(country, AHEAD)
    with pytest.raises(WrongClock):
        schedule_of(country.platform).run_now("cleanup", lambda: False)
    with pytest.raises(WrongClock):
        country.platform.privacy.retention.scope()


def test_a_role_with_a_wrong_clock_is_not_ready(country: World) -> None:
    """Its health port and its metrics say so, with what to do; once the clock is right it is ready."""
    client = TestClient(role_application(ServedRole("dispatch", country.platform)), raise_server_exceptions=False)
    off_by(country, AHEAD)
    refused = client.get("/readyz")
    assert (refused.status_code, "more than a minute ahead of the database's" in refused.text) == (503, True)
    assert 'habarshy_ready{role="dispatch"} 0.0' in client.get("/metrics").text
    off_by(country, timedelta())
    assert client.get("/readyz").status_code == 200
    assert 'habarshy_ready{role="dispatch"} 1.0' in client.get("/metrics").text
