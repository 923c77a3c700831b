import socket
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest

from app.server import application
from tests.app.pages.console.office import AWAY, Office, office_in, trouble
from tests.services.issuer import serving


@pytest.fixture(scope="module")
def office(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Office]:
    """A platform in some trouble that answers over HTTP."""
    listener = socket.create_server(("127.0.0.1", 0))
    base = f"http://127.0.0.1:{listener.getsockname()[1]}"
    made = office_in(tmp_path_factory.mktemp("office"), base, script={"sms": [AWAY] * 3})
    with ThreadPoolExecutor(1) as beside:  # Playwright has a loop of its own in this thread
        beside.submit(trouble, made).result()
    with serving(application(made.world.platform, works=True), listener):
        yield made
    made.world.close()
