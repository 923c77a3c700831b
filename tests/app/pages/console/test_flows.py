"""The flows of an operator in a real browser: look, replay, dead letters, switches, a person."""

import re
import threading

from playwright.sync_api import Browser, Page, expect

from app.jobs.replay_jobs import VIEWS
from streams.queues.jobs import Plan
from streams.storage.leadership import Lane
from tests.app.pages.console.office import AIGERIM, DANA, Office
from tests.app.pages.fingers import PHONE, WAYS, Fingers, Keyboard, fingers
from tests.world import fine

DESK = {"width": 1280, "height": 900}


def ended() -> None:
    """Wait for the jobs of this process."""
    for thread in threading.enumerate():
        if thread.name.startswith("job-"):
            thread.join()


@WAYS
def test_an_operator_does_it_all(chromium: Browser, office: Office, keys: bool) -> None:  # noqa: FBT001  (a parameter)
    """From what is bad to its cause, a rebuild to its end, a stop and back, and one person's trail."""
    with office.visit(chromium, java_script_enabled=keys, viewport=PHONE) as context:
        page = context.new_page()
        by = fingers(page, keys=keys)
        page.goto(f"{office.base}/console")
        expect(page.locator("#live h2").first).to_have_text("All messages of a channel are stopped: push message.")
        by.press(page.locator(".sign.bad a[href*='letters']").first)
        page.wait_for_url("**/console/letters")
        letters(page, by)
        replay(page, by)
        office.world.take(fine(DANA, f"KZ-by-{'keys' if keys else 'mouse'}", "2025-06-19T11:00:00+05:00"))
        repair(page, by)
        stops(page, by)
        go_to(page, by, "One person")
        by.write(page.locator("#person"), AIGERIM)
        by.write(page.locator("#purpose"), "request 17")
        by.press(page.get_by_role("button", name="Read"))
        expect(page.locator("main")).to_contain_text("A document was issued")
        assert AIGERIM not in page.url


def go_to(page: Page, by: Fingers, place: str) -> None:
    """Unfold the menu, and follow its link."""
    by.press(page.locator(".folded summary"))
    by.press(page.locator(".folded").get_by_role("link", name=place, exact=True))


def letters(page: Page, by: Fingers) -> None:
    """Records that say nothing are counted, tried once more, and stay."""
    by.press(page.locator(".signs a").first)
    by.press(page.get_by_role("link", name="Handle once more"))
    by.press(page.get_by_role("button", name="Handle once more"))
    expect(page.locator(".errors")).to_contain_text("Type the number 12")
    by.write(page.locator("#count"), "12")
    by.press(page.get_by_role("button", name="Handle once more"))
    expect(page.locator(".banner")).to_contain_text("12 failed again")


def replay(page: Page, by: Fingers) -> None:
    """A rebuild is counted, begun by its name, and done."""
    go_to(page, by, "Jobs")
    by.press(page.get_by_role("link", name="Rebuild views", exact=True))
    by.tick(page.locator("#views-all"))
    counted(page, by)
    expect(page.locator("main")).to_contain_text(f"rebuild {len(VIEWS)} views")
    begun(page, by, "replay views")


def counted(page: Page, by: Fingers) -> None:
    """What the form asks for is counted, and waits."""
    by.press(page.get_by_role("button", name="Count what it would do"))
    page.wait_for_url(re.compile("/console/jobs/[0-9]+$"))
    ended()
    page.reload()
    expect(page.locator(".tag")).to_have_text("Waits to be confirmed")


def begun(page: Page, by: Fingers, name: str) -> None:
    """What was counted is confirmed by its name, and done."""
    by.write(page.locator("#name"), name)
    by.press(page.get_by_role("button", name="Begin"))
    expect(page.locator("#name")).to_have_count(0, timeout=60_000)
    ended()
    page.reload()
    expect(page.locator(".tag")).to_have_text("Done")


def repair(page: Page, by: Fingers) -> None:
    """What is missing is counted, changed to another time, counted and planned by its name."""
    go_to(page, by, "Jobs")
    by.press(page.get_by_role("link", name="Repair plans", exact=True))
    by.write(page.locator("#from"), "2020-01-01")
    counted(page, by)
    expect(page.locator("main")).to_contain_text("to plan")
    expect(page.locator("main")).to_contain_text("Nothing has been done yet")
    by.press(page.get_by_role("link", name="Change it"))
    by.write(page.locator("#from"), "2021-01-01")
    counted(page, by)
    begun(page, by, "repair")
    expect(page.locator("main")).to_contain_text("Confirmed by")


def stops(page: Page, by: Fingers) -> None:
    """An agency is stopped for a reason, and goes on for another."""
    go_to(page, by, "Switches")
    by.choose(page.locator("#what"), "agency:interior")
    by.write(page.locator("#reason"), "the registry reports nonsense")
    by.press(page.get_by_role("button", name="Stop it"))
    expect(page.locator("main")).to_contain_text("the registry reports nonsense")
    card = page.locator(".sign", has_text="nonsense")
    by.write(card.locator("input[name=reason]"), "it is mended")
    by.press(card.get_by_role("button", name="Resume"))
    expect(page.locator(".banner")).to_contain_text("Resumed")


def test_the_keyboard_alone_cancels_a_job(chromium: Browser, office: Office) -> None:
    """A paused job is found in the list and ended for good by its number, with Tab, Enter and digits."""
    jobs = office.world.platform.queues.jobs
    job = jobs.add("replay verify", Lane.VIEWS, {}, Plan("verify", 10, "facts", 1.0), "olga")
    jobs.pause(job.id)
    with office.visit(chromium, viewport=DESK) as context:
        page = context.new_page()
        by = Keyboard(page)
        page.goto(f"{office.base}/console/jobs")
        by.press(page.locator(f"a[href$='/jobs/{job.id}']"))
        by.press(page.locator("main summary"))
        by.write(page.locator("#number"), str(job.id))
        by.press(page.get_by_role("button", name="Cancel it"))
        expect(page.locator(".tag")).to_have_text("Cancelled")


def test_the_front_page_keeps_itself_up_to_date(chromium: Browser, office: Office) -> None:
    """With scripts, what changes is shown without anybody's doing; on paper there is neither navigation nor form."""
    with office.visit(chromium, viewport=DESK) as context:
        page = context.new_page()
        page.goto(f"{office.base}/console")
        page.evaluate("document.querySelector('#live h2').textContent = 'old'")
        expect(page.locator("#live h2").first).not_to_have_text("old", timeout=60_000)
        page.emulate_media(media="print")
        assert not page.locator(".places").filter(visible=True).count()
        assert not page.locator(".languages").is_visible()
