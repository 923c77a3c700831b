"""What the console looks like, to everybody."""

import re

import pytest
from playwright.sync_api import Browser, ViewportSize, expect

from tests.app.pages.console.office import AIGERIM, Office
from tests.app.pages.site import Inspector, each_look, templates

PAGES = (
    "/console",
    "/console/messages",
    "/console/messages?state=failed",
    "/console/switches",
    "/console/letters",
    "/console/letters/group?kind=kafka.record&cause=not_json",
    "/console/letters/plan?kind=kafka.record&cause=not_json&what=drop",
    "/console/jobs",
    "/console/jobs/new?kind=replay+views",
    "/console/jobs/new?kind=repair-failed",
    "/console/jobs/new?kind=backfill",
    "/console/jobs/new?kind=resolve-unknown",
    "/console/unknown",
    "/console/jobs/1",
    "/console/jobs/2",
    "/console/jobs/3",
    "/console/schedule",
    "/console/people",
    "/console/readings",
    "/console/forecast",
)


@each_look
def test_every_page_of_the_console_is_for_everybody(
    chromium: Browser, office: Office, look_name: str, language: str, viewport: ViewportSize
) -> None:
    """Every template of the console is seen, and on none of them anything is wrong."""
    with office.visit(chromium, language=language, viewport=viewport) as context:
        page = context.new_page()
        seen = Inspector(page, language, look_name)
        page.goto(f"{office.base}/console/people")
        page.fill("#person", AIGERIM)
        page.fill("#purpose", "request 17")
        page.locator("main button").click()
        trail = page.url.removeprefix(office.base)
        why = page.locator("main ol a").first.get_attribute("href")
        for path in (*PAGES, trail, str(why)):
            name = re.sub(r"[0-9a-f]{8}-[0-9a-f-]{27}", "x", path)
            seen.go(office.base + path, re.sub("[^a-z0-9]+", "-", name).strip("-")[:48])
    assert seen.wrong == []
    assert seen.templates == templates("console")


@pytest.mark.parametrize("scripts", [True, False])
def test_on_a_phone_the_menu_is_folded_and_the_worst_thing_comes_first(
    chromium: Browser, office: Office, *, scripts: bool
) -> None:
    """At 375 px the worst finding begins in the upper half of the first screen; a press unfolds the menu."""
    small: ViewportSize = {"width": 375, "height": 667}
    with office.visit(chromium, viewport=small, java_script_enabled=scripts) as context:
        page = context.new_page()
        page.goto(f"{office.base}/console/switches")
        page.goto(f"{office.base}/console")
        place = page.locator(".worst h2").bounding_box()
        assert place is not None
        assert place["y"] < small["height"] / 2
        jobs = page.get_by_role("link", name="Jobs", exact=True)
        expect(jobs).to_have_count(0)
        page.locator("summary", has_text="Menu").click()
        jobs.click()
        expect(page.locator("h1")).to_have_text("Jobs")
        page.set_viewport_size({"width": 1280, "height": 720})
        expect(jobs).to_be_visible()
        expect(page.locator("summary", has_text="Menu")).to_be_hidden()
