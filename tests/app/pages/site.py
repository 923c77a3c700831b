"""A site for the browser tests: what its citizen was told, and how to look at pages."""

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import urlencode

import pytest
from playwright.sync_api import (
    Browser,
    BrowserContext,
    BrowserType,
    ConsoleMessage,
    Page,
    ViewportSize,
    expect,
    sync_playwright,
)

from domain.core.events import LifeEvent
from projections import inbox
from tests.world import World, birth, card, fine, iin, registered

CITIZEN, CHILD, OTHER = iin(1), iin(2), iin(3)
SHOTS = Path(__file__).parents[2] / "artefacts"
AXE = Path(__file__).parents[2] / "peers/node_modules/axe-core/axe.min.js"
"""Installed by `make services`."""
LETTER = "proof.html"
"""The template of the letter of proof, which no site shows: test_proof.py looks at it."""
HTML = Path(__file__).parents[3] / "app/pages/html"
_TAGS = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
_COLOURS = ["color-contrast", "link-in-text-block"]
"""The rules whose answer another colour scheme can change; nearly half of axe's time."""
_OF_COLOURS: Mapping[str, Any] = {"runOnly": _COLOURS}
_ALL: Mapping[str, Any] = {"runOnly": _TAGS}
_BUT_COLOURS: Mapping[str, Any] = {"runOnly": _TAGS, "rules": {each: {"enabled": False} for each in _COLOURS}}
_RUN = """rules => axe.run(document, {...rules, reporter: "no-passes"}).then(found => found.violations.flatMap(
    rule => rule.nodes.map(node => [rule.id, node.html, ...[...node.any, ...node.all, ...node.none].map(
        each => each.message)].join(" ")
)))"""
_WIDER = """[document.documentElement, ...(innerWidth < 640 ? document.querySelectorAll(".scroll:has(table)") : [])]
    .some(each => each.scrollWidth > each.clientWidth)"""
_HEADINGS = "document.querySelectorAll('h1').length"
_FACTS = f"[{_WIDER}, document.documentElement.lang, {_HEADINGS}, document.body.dataset.template]"
_PRINTED = """[...document.querySelectorAll("h1, nav, button, .button, input:not([type=hidden]), select, textarea")]
    .filter(each => each.checkVisibility()).map(each => each.tagName)"""
LOOKS: dict[str, tuple[str, ViewportSize]] = {
    "kk-320": ("kk", {"width": 320, "height": 640}),
    "ru-375": ("ru", {"width": 375, "height": 812}),
    "en-1280": ("en", {"width": 1280, "height": 900}),
}
"""By the name of a look: its language and its screen."""
_NO_OTHER_COLOURS = {"ru-375"}
"""Looks with the layout and so with the colours of another: it is as narrow as kk-320."""
each_look = pytest.mark.parametrize(
    ("look_name", "language", "viewport"), [(key, *LOOKS[key]) for key in LOOKS], ids=LOOKS
)


class Site(NamedTuple):
    """Where the pages are, and what is behind them."""

    world: World
    base: str

    def latest(self) -> str:
        """The id of the nudge that reached the citizen last."""
        with self.world.platform.database.reading() as connection:
            return str(inbox.page(connection, self.world.name(CITIZEN), None, 1)[0].nudge)

    def linked(self) -> str:
        """The link to its page that works without having signed in."""
        platform = self.world.platform
        with platform.database.reading() as connection:
            [row] = inbox.page(connection, self.world.name(CITIZEN), None, 1)
        return platform.identity.links.page(
            row.nudge, self.world.name(CITIZEN), platform.clock() + timedelta(days=30)
        )

    def stop(self) -> str:
        """The stop link of that message."""
        platform = self.world.platform
        with platform.database.reading() as connection:
            [row] = inbox.page(connection, self.world.name(CITIZEN), None, 1)
        return f"{self.base}/stop/{platform.identity.links.token(row.nudge, self.world.name(CITIZEN))}"

    def said(self, type_: str) -> list[LifeEvent]:
        """What the citizen said through the pages."""
        facts = [entry.fact for entry in self.world.entries() if isinstance(entry.fact, LifeEvent)]
        return [each for each in facts if each.type == type_ and each.source == "/habarshy/choice"]

    def visit(
        self, browser: Browser, who: str = "aigerim", *, language: str = "en", signed_in: bool = True, **more: Any
    ) -> BrowserContext:
        """A browser of its own, in that language; whoever has signed in did so at the issuer."""
        context = browser.new_context(locale=language, **more)
        context.set_default_timeout(60_000)
        if signed_in:
            page = context.new_page()
            page.goto(f"{self.base}/my?language={language}")
            page.goto(f"{self.base}/sign-in/egov?next=/my")
            page.fill("input[name=who]", who)
            page.press("input[name=who]", "Enter")
            page.wait_for_url(f"{self.base}/my")
            page.goto(f"{self.base}/my?language={language}")
            page.close()
        return context


@contextmanager
def launched(command: str) -> Iterator[Browser]:
    """Start a browser by the name of its command.

    It ends with the block, for no other loop may run in this thread until then.
    """
    expect.set_options(timeout=60_000)
    with sync_playwright() as playwright, launched_beside(playwright.chromium, command) as browser:
        yield browser


@contextmanager
def launched_beside(kind: BrowserType, command: str) -> Iterator[Browser]:
    """Start another browser, by the `browser_type` of one that runs in this thread."""
    browser = kind.launch(executable_path=f"/usr/bin/{command}", args=["--no-sandbox", "--disable-gpu"])
    yield browser
    browser.close()


async def ready(world: World) -> None:
    """A citizen with a fine, a card that ends, and a child; they were told of the first."""
    world.take(*registered(CITIZEN), *registered(OTHER), card(CITIZEN, "2025-07-20"))
    world.take(fine(CITIZEN, "KZ-1", "2025-06-02T11:00:00+05:00"), birth(CHILD, CITIZEN, "2025-05-30"))
    await world.settle()
    await world.settle(datetime.fromisoformat("2025-06-03T12:00:00+05:00"))
    world.platform.replay.follower.drain()


def violations(page: Page, rules: Mapping[str, Any] = _ALL) -> list[str]:
    """What axe-core finds on the page: of WCAG 2.2, A and AA, and of best practice."""
    if not page.evaluate("'axe' in window"):
        page.evaluate(AXE.read_text())
        page.add_init_script(path=AXE)  # the next documents of this page have it at half the price
    found: list[str] = page.evaluate(_RUN, rules)
    return found


def overflows(page: Page) -> bool:
    """Whether the page is wider than the screen; or a table is, on a telephone."""
    return bool(page.evaluate(_WIDER))


def shot(page: Page, name: str) -> None:
    """Keep how it looks where HABARSHY_TEST_SHOTS asks for it, for somebody to look at in tests/artefacts."""
    if not os.environ.get("HABARSHY_TEST_SHOTS"):
        return
    SHOTS.mkdir(exist_ok=True)
    page.screenshot(path=SHOTS / f"{name}.png", full_page=True)


class Inspector:
    """Looks at one page after another, as on one screen, in light, in dark and on paper.

    `wrong`: what is wrong; `templates`: of the pages that were seen.
    """

    def __init__(self, page: Page, language: str, name: str) -> None:
        self.page, self._language, self._name = page, language, name
        self.wrong: list[str] = []
        self.templates: set[str] = set()
        page.on("console", self._listen)

    def _listen(self, said: ConsoleMessage) -> None:
        if "Content Security" in said.text:
            self.wrong.append(said.text)

    def go(self, address: str, name: str) -> None:
        """Go there and look at it."""
        self.page.goto(address)
        self.look(name)

    def look(self, name: str) -> None:
        """Look at the open page.

        axe-core finds nothing, nothing is wider than the screen, and it has one heading and that language. On paper
        it has its heading and nothing to press.
        """
        page, name = self.page, f"{name}-{self._name}"
        coloured = self._name not in _NO_OTHER_COLOURS
        page.emulate_media(color_scheme="light")
        shot(page, name)
        wrong = violations(page, _ALL if coloured else _BUT_COLOURS)
        *facts, template = page.evaluate(_FACTS)
        self.templates.add(template)
        if facts != [False, self._language, 1]:
            wrong.append("It is wider than the screen, in another language, or has not one heading.")
        if coloured:
            page.emulate_media(color_scheme="dark")
            shot(page, f"{name}-dark")
            wrong += [f"in dark: {each}" for each in violations(page, _OF_COLOURS)]
        page.emulate_media(media="print")
        if (printed := page.evaluate(_PRINTED)) != ["H1"]:
            wrong.append(f"Besides its heading paper has something to press: {printed}")
        page.emulate_media(media="screen")
        self.wrong += [f"{name}: {each}" for each in wrong]


def templates(folder: str) -> set[str]:
    """The names of all templates of pages in that folder; others are parts of these."""
    files = (HTML / folder).glob("*.html")
    return {str(each.relative_to(HTML)) for each in files if not each.name.startswith(("_", "base."))}


def sign_in(browser: Browser, base: str, token: str, home: str, *, language: str, **more: Any) -> BrowserContext:
    """A browser of its own in which an official has signed in by the form for their token, in that language."""
    context = browser.new_context(locale=language, **more)
    context.set_default_timeout(60_000)
    page = context.new_page()
    page.goto(f"{base}/sign-in?{urlencode({'next': f'{home}?language={language}'})}")
    page.locator("#token").fill(token)
    page.locator("form:has(#token) button").click()
    page.wait_for_url(f"{base}{home}?language={language}")
    page.close()
    return context
