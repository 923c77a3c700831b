"""The flows of an operator in a real browser: look, replay, dead letters, a person; by scripts, without, by keys."""

import threading

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.app.pages.console.office import AIGERIM, Office
from tests.app.pages.site import tab_to

SCRIPTS = pytest.mark.parametrize("scripts", [True, False], ids=["with scripts", "without scripts"])
PHONE, DESK = {"width": 320, "height": 640}, {"width": 1280, "height": 900}


def ended() -> None:
    """Wait for the jobs of this process."""
    for thread in threading.enumerate():
        if thread.name.startswith("job-"):
            thread.join()


@SCRIPTS
def test_an_operator_does_it_all(chromium: Browser, office: Office, scripts: bool) -> None:  # noqa: FBT001  (a parameter)
    """From what is bad to its cause, a rebuild to its end, a stop and back, and one person's trail."""
    with office.visit(chromium, java_script_enabled=scripts, viewport=PHONE) as context:
        page = context.new_page()
        page.goto(f"{office.base}/console")
        expect(page.locator(".banner")).to_contain_text("Something does not work")
        page.locator(".sign.bad a").first.click()
        letters(page)
        replay(page)
        page.get_by_role("link", name="Switches").click()
        page.select_option("#what", "agency:interior")
        page.fill("#reason", "the registry reports nonsense")
        page.get_by_role("button", name="Stop it").click()
        expect(page.locator("main")).to_contain_text("the registry reports nonsense")
        card = page.locator(".sign", has_text="nonsense")
        card.locator("input[name=reason]").fill("it is mended")
        card.get_by_role("button", name="Let it go on").click()
        expect(page.locator(".banner")).to_contain_text("It goes on")
        page.get_by_role("link", name="One person").click()
        page.fill("#person", AIGERIM)
        page.fill("#purpose", "request 17")
        page.get_by_role("button", name="Read").click()
        expect(page.locator("main")).to_contain_text("kz.document.issued")
        assert AIGERIM not in page.url


def letters(page: Page) -> None:
    """Records that say nothing are counted, tried once more, and stay."""
    page.locator(".signs a").first.click()
    page.get_by_role("link", name="Handle once more").click()
    page.get_by_role("button", name="Handle once more").click()
    expect(page.locator(".errors")).to_contain_text("Type the number 12")
    page.fill("#count", "12")
    page.get_by_role("button", name="Handle once more").click()
    expect(page.locator(".banner")).to_contain_text("12 failed again")


def replay(page: Page) -> None:
    """A rebuild is planned, begun by its name, and done."""
    page.get_by_role("link", name="Jobs").click()
    page.get_by_role("link", name="Rebuild views", exact=True).click()
    page.check("#views-all")
    page.get_by_role("button", name="Look what it would do").click()
    expect(page.locator("main")).to_contain_text("rebuild 12 views")
    page.fill("#name", "replay views")
    page.get_by_role("button", name="Begin").click()
    ended()
    page.reload()
    expect(page.locator(".tag")).to_have_text("Done")


def test_the_keyboard_alone_stops_a_channel(chromium: Browser, office: Office) -> None:
    """Skip to the content, choose what to stop, say why and press the button, by Tab, arrows and Enter."""
    with office.visit(chromium, viewport=DESK) as context:
        page = context.new_page()
        page.goto(f"{office.base}/console/switches")
        page.keyboard.press("Tab")
        page.keyboard.press("Enter")
        assert page.evaluate("document.activeElement.id") == "main"
        tab_to(page, "#what")
        page.keyboard.type("email")
        tab_to(page, "#reason")
        page.keyboard.type("too many bounces")
        tab_to(page, "button.danger")
        page.keyboard.press("Enter")
        expect(page.locator(".banner")).to_contain_text("Stopped")
        assert next(each.name for each in office.world.platform.switches.off()) == "email"


def test_the_front_page_keeps_itself_up_to_date(chromium: Browser, office: Office) -> None:
    """With scripts, what changes is shown without anybody's doing; on paper there is neither navigation nor form."""
    with office.visit(chromium, viewport=DESK) as context:
        page = context.new_page()
        page.goto(f"{office.base}/console")
        page.evaluate("document.querySelector('#live h2').textContent = 'old'")
        expect(page.locator("#live h2").first).not_to_have_text("old", timeout=15_000)
        page.emulate_media(media="print")
        assert not page.locator(".places").is_visible()
        assert not page.locator(".languages").is_visible()
