"""The workbench in Debian's Chromium: each flow of a service owner, in every look."""

import re
from typing import Any

import pytest
from playwright.sync_api import Browser, expect

from streams.jobs import State
from tests.app.pages.site import look_at, shot, tab_to
from tests.app.pages.test_browser import LOOKS
from tests.app.pages.work.workshop import CLINIC, Workshop, begun, file_of, revision_of, signed_in

PAGES = ("/work", "/work/new", f"/work/triggers/{CLINIC}?days=365", "/work/triggers/nothing")
PHONE = {"width": 320, "height": 640}


def written(workshop: Workshop) -> tuple[str, str, str]:
    """The addresses of a draft with findings, of a version that waits for approval, and of a backtest."""
    dana = signed_in(workshop, "dana")
    where = begun(dana)
    page = dana.get(where).text
    rules = file_of(page, "trigger.yaml").replace("categry:", "category:")
    tests = file_of(page, "tests.yaml")
    other = {"file-trigger.yaml": rules.replace("P3D", "P4D"), "file-tests.yaml": tests.replace("05T10", "06T10")}
    dana.post(where, revision=revision_of(page), **other)
    waiting = dana.post(f"{where}/submit").headers["location"].partition("?")[0]
    report = dana.post(f"{where}/backtest", **{"from": "2025-05-01", "to": "2025-06-20"}).headers["location"]
    jobs = workshop.world.platform.jobs
    while jobs.latest(1)[0].state is not State.DONE:
        dana.get(report)
    broken = {"file-trigger.yaml": rules.replace("category:", "categry:")}
    dana.post(where, revision=revision_of(dana.get(where).text), **broken)
    return where, waiting, report


@pytest.mark.parametrize(("language", "look"), LOOKS, ids=["kk-320", "ru-320-dark", "en-1280", "kk-1280-dark"])
def test_every_page_is_for_everybody(
    chromium: Browser, workshop: Workshop, request: pytest.FixtureRequest, language: str, look: dict[str, Any]
) -> None:
    """On no page axe-core finds anything, nothing is wider than the screen, and the language is the one asked for."""
    look_name = request.node.callspec.id
    with workshop.visit(chromium, language=language, **look) as context:
        page = context.new_page()
        wrong: list[str] = []
        page.on("console", lambda said: wrong.append(said.text) if "Content Security" in said.text else None)
        draft, waiting, report = written(workshop)
        steps = [draft, *(f"{draft}/{each}" for each in ("tests", "preview", "submit", "backtest"))]
        steps += [report, waiting, f"{waiting}/preview"]
        for path in (*PAGES, *steps):
            look_at(
                page,
                workshop.base + path,
                language,
                f"{re.sub('[^a-z0-9]+|[0-9a-f]{64}', '-', path).strip('-')}-{look_name}",
            )
        page.emulate_media(media="print")
        page.goto(f"{workshop.base}/work/triggers/{CLINIC}")
        shot(page, f"work-trigger-print-{look_name}")
        assert not page.locator(".languages").is_visible()
        assert wrong == []


def test_the_keyboard_alone_pauses_and_resumes(chromium: Browser, workshop: Workshop) -> None:
    """From the list to a trigger, a reason, the pause and back, with Tab, Enter and letters."""
    with workshop.visit(chromium, viewport={"width": 1280, "height": 900}) as context:
        page = context.new_page()
        page.goto(f"{workshop.base}/work")
        tab_to(page, f"a[href$='/triggers/{CLINIC}']")
        page.keyboard.press("Enter")
        page.wait_for_url(f"**/{CLINIC}")
        for banner in ("It is paused", "It goes on"):
            tab_to(page, "#reason")
            page.keyboard.type("a test")
            page.keyboard.press("Enter")
            expect(page.locator(".banner")).to_contain_text(banner)


@pytest.mark.parametrize("scripts", [True, False], ids=["with scripts", "without scripts"])
def test_a_service_owner_does_it_all(chromium: Browser, workshop: Workshop, scripts: bool) -> None:  # noqa: FBT001  (a parameter)
    """A new draft, a slip that lint names, tests, how it will look, submitting; another approves and publishes."""
    name = f"moved_{str(scripts).lower()}"
    with workshop.visit(chromium, java_script_enabled=scripts, viewport=PHONE) as context:
        page = context.new_page()
        page.goto(f"{workshop.base}/work")
        page.get_by_role("link", name="New draft").first.click()
        page.fill("#name", name)
        page.select_option("#on", "kz.residence.registered")
        page.get_by_role("button", name="Make the draft").click()
        rules = page.locator("textarea").first
        good = rules.input_value()
        rules.fill(good.replace("expires:", "expirse:"))
        page.get_by_role("button", name="Save and check").click()
        expect(page.locator(".file .findings").first).to_contain_text("Did you mean expires?")
        page.locator("a[data-line]").first.click()
        if scripts:
            assert page.evaluate("document.activeElement.tagName") == "TEXTAREA"
        page.locator("textarea").first.fill(good)
        page.get_by_role("button", name="Save and test").click()
        expect(page.locator(".banner")).to_contain_text("All tests pass")
        expect(page.locator("main")).to_contain_text("Nothing, because: opted_out")
        page.get_by_role("link", name="Preview").click()
        expect(page.locator(".sms").first).to_be_visible()
        expect(page.frame_locator("iframe").first.locator("h1")).to_be_visible()
        page.locator("ol").get_by_role("link", name="Submit").click()
        page.get_by_role("button", name="Submit for approval").click()
        expect(page.locator(".banner")).to_contain_text("It is submitted")
        address = page.url.partition("?")[0]
    with workshop.visit(chromium, "berik", java_script_enabled=scripts, viewport=PHONE) as context:
        page = context.new_page()
        page.goto(address)
        expect(page.locator("main")).to_contain_text("This trigger is new.")
        page.get_by_role("button", name="Approve this version").click()
        expect(page.locator(".banner")).to_contain_text("It is approved")
        page.select_option("#share", "0.05")
        page.get_by_role("button", name="Publish").click()
        expect(page.locator(".banner")).to_contain_text("It is published")
        page.goto(f"{workshop.base}/work/triggers/{name}")
        expect(page.locator("main")).to_contain_text("approved: berik")
