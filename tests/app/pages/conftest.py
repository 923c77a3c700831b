import socket
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
import uvloop
from playwright.sync_api import Browser

from app.server import application
from tests.app.pages.site import CITIZEN, OTHER, Site, launched, ready
from tests.services.issuer import CLIENT, SECRET, issuing, serving
from tests.world import World


@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    """Debian's Chromium without a window: the same engine, a third of the processor that the whole browser takes."""
    with launched("chromium-headless-shell") as browser:
        yield browser


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """A platform that answers over HTTP, an issuer, and a citizen who was told a few things."""
    listener = socket.create_server(("127.0.0.1", 0))
    base = f"http://127.0.0.1:{listener.getsockname()[1]}"
    people: dict[str, dict[str, Any]] = {"aigerim": {"national_id": CITIZEN}, "timur": {"national_id": OTHER}}
    with issuing(people) as issuer:
        egov = {
            "who": "citizens",
            "title": "eGov",
            "issuer": issuer.url,
            "client_id": CLIENT,
            "client_secret": SECRET,
        }
        world = World(tmp_path_factory.mktemp("site"), base_url=base, sign_in={"egov": egov})
        with ThreadPoolExecutor(1) as beside:  # Playwright has a loop of its own in this thread
            beside.submit(uvloop.run, ready(world)).result()
        with serving(application(world.platform, works=True), listener):
            yield Site(world, base)
        world.close()
