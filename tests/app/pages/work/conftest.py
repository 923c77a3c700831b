import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from app.server import application
from tests.app.pages.work.workshop import Workshop, tell, workshop_in
from tests.services.issuer import serving


@pytest.fixture(scope="module")
def workshop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Workshop]:
    """A platform that told somebody a few things and answers over HTTP."""
    listener = socket.create_server(("127.0.0.1", 0))
    base = f"http://127.0.0.1:{listener.getsockname()[1]}"
    made = workshop_in(tmp_path_factory.mktemp("workshop"), base)
    tell(made)
    with serving(application(made.world.platform, works=True), listener):
        yield made
    made.world.close()


@pytest.fixture
def quiet(tmp_path: Path) -> Iterator[Workshop]:
    """A workshop in which nothing has happened yet."""
    made = workshop_in(tmp_path)
    yield made
    made.world.close()


@pytest.fixture
def told(quiet: Workshop) -> Workshop:
    """A workshop in which Aigerim was told of a clinic and of a fine."""
    tell(quiet)
    return quiet
