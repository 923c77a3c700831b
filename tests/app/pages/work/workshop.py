"""A workshop for the workbench's tests: two agencies whose triggers told somebody something, and their people."""

import re
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from pathlib import Path
from typing import Any, NamedTuple

import httpx2
import uvloop
from fastapi import FastAPI
from playwright.sync_api import Browser, BrowserContext
from starlette.testclient import TestClient

from app.identity.principals import add
from domain.facts.principals import Principal, Role
from tests.app.http.wire import client_of, served
from tests.app.pages.site import sign_in
from tests.world import World, card, event, fine, iin, registered

AIGERIM = iin(1)
CLINIC, FINE = "clinic_attachment", "traffic_fine_discount"
AUTHOR, APPROVER = Role.AUTHOR, Role.APPROVER
People = Mapping[str, tuple[str, tuple[Role, ...]]]
"""Name -> agency and roles."""
PEOPLE: People = {
    "aida": ("health", (AUTHOR,)),
    "dana": ("health", (AUTHOR, APPROVER)),
    "berik": ("health", (APPROVER,)),
    "fred": ("interior", (AUTHOR, APPROVER)),
    "olga": ("platform", (Role.OPERATOR,)),
    "adil": ("platform", (Role.AUDITOR,)),
}
HTML = {"accept": "text/html"}


class Workshop(NamedTuple):
    """Where the pages are, what is behind them, and name -> token of whoever works there."""

    world: World
    base: str
    tokens: Mapping[str, str]

    def visit(self, browser: Browser, who: str = "aida", *, language: str = "en", **more: Any) -> BrowserContext:
        """A browser of its own in which they have signed in, in that language."""
        return sign_in(browser, self.base, self.tokens[who], "/work", language=language, **more)


def workshop_in(folder: Path, base: str = "http://testserver", people: People = PEOPLE, **more: Any) -> Workshop:
    """A platform with its officials."""
    world = World(folder, base_url=base, **more)
    tokens = {
        name: add(world.platform.settings.principals, Principal(name, agency, frozenset(roles)))
        for name, (agency, roles) in people.items()
    }
    return Workshop(world, base, tokens)


class Somebody(NamedTuple):
    """Somebody's browser without scripts: what they see, and what they send by the forms of their visit."""

    client: TestClient
    csrf: str

    def get(self, path: str) -> httpx2.Response:
        """Open a page."""
        return self.client.get(path)

    def post(self, path: str, **fields: str) -> httpx2.Response:
        """Send a form."""
        return self.client.post(path, data={"csrf": self.csrf, **fields})


def signed_in(workshop: Workshop, who: str, app: FastAPI | None = None) -> Somebody:
    """Their browser; `app`: at an application of its own."""
    client = client_of(app or served(workshop.world.platform), **HTML)
    client.post("/sign-in/token", data={"token": workshop.tokens[who]})
    found = re.search(r'name="csrf" value="([^"]+)"', client.get("/sign-in").text)
    assert found is not None
    return Somebody(client, found[1])


def begun(somebody: Somebody, **given: str) -> str:
    """The address of a new draft."""
    answer = somebody.post("/work/new", **(given or {"from": CLINIC}))
    assert answer.status_code == 303
    return answer.headers["location"].partition("?")[0].removesuffix("/form")


def file_of(page: str, name: str) -> str:
    """What the editor's field of a file holds."""
    found = re.search(rf'name="file-{re.escape(name)}"[^>]*>\n(.*?)</textarea>', page, re.DOTALL)
    assert found is not None
    return found[1].replace("&#34;", '"').replace("&gt;", ">").replace("&amp;", "&").replace("&#39;", "'")


def revision_of(page: str) -> str:
    """What the editor's form says it was made from."""
    found = re.search(r'name="revision" value="([0-9]+)"', page)
    assert found is not None
    return found[1]


async def _told(world: World) -> None:
    moved = {"kind": "moved", "area": "750000000", "address": "Абай даңғылы, 10, 5"}
    world.take(*registered(AIGERIM), card(AIGERIM, "2025-07-20"), fine(AIGERIM, "KZ-1", "2025-06-02T11:00:00+05:00"))
    world.take(event("kz.residence.registered", AIGERIM, "2025-06-02T11:30:00+05:00", moved))
    await world.settle()
    await world.settle(datetime.fromisoformat("2025-06-20T12:00:00+05:00"))


def tell(workshop: Workshop) -> None:
    """Somebody moved and drove too fast, and was told of both."""
    with ThreadPoolExecutor(1) as beside:  # Playwright has a loop of its own in this thread
        beside.submit(uvloop.run, _told(workshop.world)).result()
