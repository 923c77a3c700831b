import pytest
from starlette.testclient import TestClient

from app.clock import VirtualClock
from app.compose import Platform
from tests.app.http.wire import registry_of
from tests.world import World


@pytest.fixture
def clock(world: World) -> VirtualClock:
    """The platform's clock, moved by hand."""
    return world.clock


@pytest.fixture
def platform(world: World) -> Platform:
    """A platform on a SQLite file of its own, with the shipped packs."""
    return world.platform


@pytest.fixture
def client(platform: Platform) -> TestClient:
    """Speaks to the platform over HTTP."""
    return registry_of(platform)
