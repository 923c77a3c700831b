import re
from typing import Any

import pytest
from playwright.sync_api import Browser, expect

from tests.app.pages.site import CITIZEN, Site, look_at, shot, tab_to

LOOKS: list[tuple[str, dict[str, Any]]] = [
    ("kk", {"viewport": {"width": 320, "height": 640}, "color_scheme": "light"}),
    ("ru", {"viewport": {"width": 320, "height": 640}, "color_scheme": "dark"}),
    ("en", {"viewport": {"width": 1280, "height": 900}, "color_scheme": "light"}),
    ("kk", {"viewport": {"width": 1280, "height": 900}, "color_scheme": "dark"}),
]
PAGES = (
    "/my",
    "/my/coming",
    "/my/preferences",
    "/my/data",
    "/my/erase",
    "/check",
    "/check?code=AAAAA-AAAAA",
    "/nowhere",
    "/sign-in",
)


@pytest.mark.parametrize(("language", "look"), LOOKS, ids=["kk-320", "ru-320-dark", "en-1280", "kk-1280-dark"])
def test_every_page_is_for_everybody(
    chromium: Browser, site: Site, request: pytest.FixtureRequest, language: str, look: dict[str, Any]
) -> None:
    """On no page axe-core finds anything, nothing is wider than the screen, and the language is the one asked for."""
    look_name = request.node.callspec.id
    with site.visit(chromium, language=language, **look) as context:
        page = context.new_page()
        wrong: list[str] = []
        page.on("console", lambda said: wrong.append(said.text) if "Content Security" in said.text else None)
        message = f"/my/messages/{site.latest()}"
        for path in (*PAGES, message, f"{message}/why", site.stop().removeprefix(site.base)):
            name = re.sub(r"[0-9a-f-]{36}", "nudge", path).partition("?")[0].strip("/").replace("/", "-")[:30]
            look_at(page, site.base + path, language, f"{name or 'front'}-{look_name}")
        page.emulate_media(media="print")
        page.goto(f"{site.base}{message}/why")
        shot(page, f"why-print-{look_name}")
        assert not page.locator(".languages").is_visible()
        assert wrong == []


@pytest.mark.parametrize("scripts", [True, False], ids=["with scripts", "without scripts"])
def test_a_citizen_does_it_all(chromium: Browser, site: Site, scripts: bool) -> None:  # noqa: FBT001  (a parameter)
    """From the inbox to the message, why, a dispute, preferences, the code and the way out; without scripts too."""
    with site.visit(chromium, java_script_enabled=scripts, viewport={"width": 320, "height": 640}) as context:
        page = context.new_page()
        page.goto(f"{site.base}/my")
        page.locator(".messages a").first.click()
        code = page.locator(".code").inner_text()
        page.get_by_role("link", name="Why did I get this?").click()
        expect(page.locator("main")).to_contain_text("Traffic fine issued")
        expect(page.locator("main")).to_contain_text("Ministry of Internal Affairs")
        page.get_by_role("button", name="Tell the office").click()
        expect(page.locator(".errors")).to_contain_text("Write what is not right")
        page.fill("textarea", f"That was not me {scripts}")
        page.get_by_role("button", name="Tell the office").click()
        expect(page.locator(".banner")).to_contain_text("The office has been told")
        page.goto(f"{site.base}/my/preferences")
        page.fill("#quiet_from", "22:00" if scripts else "23:00")
        page.get_by_role("button", name="Save").click()
        expect(page.locator(".banner.success")).to_contain_text("Saved")
        page.goto(f"{site.base}/check")
        page.fill("#code", code.lower())
        page.get_by_role("button", name="Check").click()
        expect(page.locator(".banner")).to_contain_text("We sent a message with this code")
        page.get_by_role("button", name="Sign out").click()
        page.goto(f"{site.base}/my")
        assert page.url == f"{site.base}/sign-in?next=%2Fmy"
    assert any(f"not me {scripts}" in str(each.fields) for each in site.said("citizen.disputed"))
    assert site.said("citizen.preferences_changed")


def test_the_keyboard_alone_will_do(chromium: Browser, site: Site) -> None:
    """Sign in, skip to the content, change a preference and stop a message with Tab, Space and Enter."""
    with site.visit(chromium, viewport={"width": 1280, "height": 900}) as context:
        page = context.new_page()
        page.goto(f"{site.base}/my")
        page.keyboard.press("Tab")
        page.keyboard.press("Enter")
        assert page.evaluate("document.activeElement.id") == "main"
        tab_to(page, ".messages a")
        page.keyboard.press("Enter")
        page.wait_for_url("**/my/messages/*")
        tab_to(page, "a[href$='/why']")
        page.keyboard.press("Enter")
        page.wait_for_url("**/why")
        page.goto(f"{site.base}/my/preferences")
        tab_to(page, "#channel-push")
        page.keyboard.press("Space")
        tab_to(page, "main button")
        page.keyboard.press("Enter")
        expect(page.locator(".banner.success")).to_be_visible()
        assert not page.locator("#channel-push").is_checked()


def test_a_link_from_a_message_needs_no_sign_in(chromium: Browser, site: Site) -> None:
    """The link in a message shows it, stops it and takes that back, in the recipient's language, without a cookie."""
    with site.visit(chromium, signed_in=False, java_script_enabled=False) as context:
        page = context.new_page()
        page.goto(site.linked())
        assert page.locator("html").get_attribute("lang") == "kk"
        assert CITIZEN not in page.content()
        page.locator("a[href*='/stop/']").click()
        page.locator("main button").click()
        page.locator("main button").click()
        assert page.locator("h1").inner_text() == "Хабарламалар қайтадан келеді"
        assert context.cookies() == []
