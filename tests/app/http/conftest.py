from typing import Any

import pytest
from starlette.testclient import TestClient

from app.clock import VirtualClock
from app.compose import Platform
from templates.checks.loader import shipped
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


@pytest.fixture
def draft() -> dict[str, Any]:
    """A trigger as it is shipped, but a day later."""
    [kz] = [path for path in shipped() if path.name == "kz"]
    files = {path.name: path.read_text("utf-8") for path in sorted((kz / "clinic_attachment").iterdir())}
    files["trigger.yaml"] = files["trigger.yaml"].replace("P3D", "P4D")
    files["tests.yaml"] = files["tests.yaml"].replace("03-05T10", "03-06T10")
    return {"pack": "kz", "trigger": "clinic_attachment", "files": files}
