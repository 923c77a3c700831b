"""Emails in a real browser: light and dark, on a telephone and as wide as a mail program shows them."""

import os
import re
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from pathlib import Path
from typing import Any, Final, get_args

import pytest
import uvloop
from msgspec.structs import replace
from playwright.sync_api import Browser, Page

from app.pages.icons import drawings
from notifiers.port.interface import Message
from templates.checks.loader import shipped
from templates.reading.value_kinds import Emblem
from templates.words import emblems
from templates.words.email_layout import LONGEST_NAME, Action, Layout, Letterhead
from templates.words.footer import Foot, Proof, mail_html
from tests.app.pages.site import overflows, shot, violations
from tests.world import World, birth, card, event, fine, iin, registered

CITIZEN, CHILD, STRANGER = iin(1), iin(2), iin(3)
MOST_OCTETS: Final = 3_000
BY_MAIL = {"channels": ["email"]}


async def told(world: World) -> None:
    """A citizen gets a reminder, a fine and a discreet message by email; one of 300 letters gets a reminder."""
    world.take(*registered(CITIZEN, "1996-05-05", language="ru"), card(CITIZEN, "2025-07-05"))
    world.take(birth(CHILD, CITIZEN, "2025-05-30"), fine(CITIZEN, "KZ-1", "2025-06-02T11:00:00+05:00"))
    visit = {"visit": "two_months", "planned_on": "2025-07-05"}
    world.take(event("kz.health.vaccination_planned", CHILD, "2025-06-02T11:00:00+05:00", visit, id="visit"))
    names = {"given_name": "ابراهيم " * 40, "family_name": "Ә" * 300, "sex": "male", "born_on": "1990-01-01"}
    world.take(*registered(STRANGER), card(STRANGER, "2025-07-05", number="N2"))
    world.take(event("kz.citizen.registered", STRANGER, "2025-01-01T00:00:00+05:00", names, id="long"))
    for who in (CITIZEN, STRANGER):
        world.take(
            event("citizen.preferences_changed", who, "2025-05-01T09:00:00+05:00", BY_MAIL, id=f"mail-{who[-3:]}")
        )
    for day in ("2025-06-02", "2025-06-05", "2025-06-29"):
        await world.settle(f"{day}T12:00+05:00")


@pytest.fixture(scope="module")
def mails(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Message]]:
    """The emails by a name: of which trigger, and to whom."""
    started = datetime.fromisoformat("2025-05-20T09:00+05:00")
    folder: Path = tmp_path_factory.mktemp("mails")
    world = World(folder, packs=[each for each in shipped() if each.name == "kz"], now=started)
    with ThreadPoolExecutor(1) as beside:  # Playwright has a loop of its own in this thread
        beside.submit(uvloop.run, told(world)).result()
    triggers = {nudge.intent.id: nudge.intent.trigger for nudge in world.nudges()}
    whose = {world.name(CITIZEN): "known", world.name(STRANGER): "long"}
    yield {f"{triggers[each.nudge]}-{whose[each.recipient]}": each for each in world.sent if each.channel == "email"}
    world.close()


LOOKS: list[dict[str, Any]] = [
    {"viewport": {"width": width, "height": 812}, "color_scheme": scheme}
    for width in (375, 600)
    for scheme in ("light", "dark")
]


@pytest.mark.parametrize("look", LOOKS, ids=["375", "375-dark", "600", "600-dark"])
def test_an_email_is_read_in_light_and_dark(
    chromium: Browser, mails: dict[str, Message], request: pytest.FixtureRequest, look: dict[str, Any]
) -> None:
    """axe-core finds nothing, nothing is wider than the screen, there is one heading, and the ground is its own."""
    assert set(mails) >= {"identity_card_expiry-known", "identity_card_expiry-long", "vaccination_due-known"}
    with chromium.new_context(**look) as context:
        page = context.new_page()
        for name, html in {"buttons": buttons(), **{name: str(mail.html) for name, mail in mails.items()}}.items():
            page.set_content(emblems.in_page(html))
            shot(page, f"email-{name}-{request.node.callspec.id}")
            assert violations(page) == [], name
            assert not overflows(page), name
            assert page.locator("h1").count() == 1
            dark = look["color_scheme"] == "dark"
            assert ground(page) == ("rgb(27, 36, 33)" if dark else "rgb(255, 255, 255)")


def buttons() -> str:
    """An email of 300 letters in every place, with two buttons, that the law requires."""
    office, long = "Министерство труда и социальной защиты населения " * 6, "Оплатить " * 33
    actions = [Action("pay", "https://egov.kz/pay", "Оплатить штраф"), Action("more", "https://egov.kz/more", long)]
    html = Layout("ru", actions, office).html("Ы" * 300, f"<p>{'ю' * 300}</p>", "Айгерім С.")
    foot = Foot(Proof("https://habarshy.gov.test/m/x", "7K2MQ-X9DPA", "habarshy.gov.test/check"), has_day=True)
    return mail_html(html, "ru", replace(foot, is_mandatory=True, head=Letterhead(office)))


def ground(page: Page) -> str:
    """The colour behind the words."""
    found: str = page.evaluate("getComputedStyle(document.querySelector('.sheet')).backgroundColor")
    return found


def test_each_emblem_has_a_picture(chromium: Browser) -> None:
    """Whatever emblem an agency has, its letters have a picture, which `make picture` draws from the pages' icon."""
    with chromium.new_context(viewport={"width": 40, "height": 40}, device_scale_factor=2) as context:
        page = context.new_page()
        for name in get_args(Emblem):
            path = emblems.FOLDER / f"{name}.png"
            if os.environ.get("TEST_PICTURE"):
                page.set_content(_TILE.format(drawing=drawings()[name], name=name))
                page.screenshot(path=path)
            assert path.read_bytes().startswith(b"\x89PNG")
            assert path.stat().st_size < MOST_OCTETS


_TILE = """<body style="margin:0"><svg width="0" height="0" style="position:absolute">{drawing}</svg>
<svg viewBox="-5 -5 34 34" style="display:block;width:40px;height:40px;background:#fff;fill:none;stroke:#00563f;
stroke-width:2;stroke-linecap:round;stroke-linejoin:round"><use href="#icon-{name}" width="24" height="24"/></svg>"""


def test_an_email_shows_the_emblem_of_its_agency(chromium: Browser, mails: dict[str, Message]) -> None:
    """The picture is in the letter, none is loaded; what must not be read over a shoulder has the platform's."""
    for name, emblem in {"identity_card_expiry-known": "shield", "vaccination_due-known": "bell"}.items():
        mail = mails[name]
        assert mail.html is not None
        assert list(mail.pictures) == [f"{emblem}@emblem"]
        assert re.findall(r'src="([^"]*)"', mail.html) == [f"cid:{emblem}@emblem"]
        with chromium.new_context() as context:
            page = context.new_page()
            page.set_content(emblems.in_page(mail.html))
            assert page.locator("img").evaluate("image => image.naturalWidth") == 80


def test_an_email_without_its_styles_keeps_its_colours(chromium: Browser, mails: dict[str, Message]) -> None:
    """Where a program drops the style sheet and paints its window dark, letters still have their own ground."""
    with chromium.new_context(viewport={"width": 375, "height": 812}, color_scheme="dark") as context:
        page = context.new_page()
        bare = re.sub("<style>.*?</style>", "", str(mails["identity_card_expiry-known"].html))
        page.set_content(
            emblems.in_page(bare).replace("<head>", "<head><style>html{background:#000;color:#eee}</style>")
        )
        shot(page, "email-bare-375-dark")
        assert violations(page) == []
        assert ground(page) == "rgb(255, 255, 255)"


def test_an_email_names_its_addressee(mails: dict[str, Message]) -> None:
    """The name stands in both parts, short, and never in what must not be read over a shoulder."""
    mail = mails["identity_card_expiry-known"]
    assert mail.text.splitlines()[:2] == ["Министерство внутренних дел", "Кому: Айгерім С."]
    assert "Кому: <bdi>Айгерім С.</bdi>" in str(mail.html)
    discreet = mails["vaccination_due-known"]
    assert "Айгерім" not in f"{discreet.text}{discreet.html}"
    assert discreet.text.startswith("Платформа «Хабаршы»\n")
    [name] = re.findall("<bdi>(.*?)</bdi>", str(mails["identity_card_expiry-long"].html))
    assert name.startswith("ابراهيم ابراهيم")
    assert name.endswith("… Ә.")
    assert len(name) <= LONGEST_NAME + 3
