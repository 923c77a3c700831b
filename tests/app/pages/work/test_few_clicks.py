"""A civil servant's first rule by forms alone: how many clicks and fields it takes."""

import socket
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Locator, Page, expect

from app.server import application
from tests.app.pages.work.workshop import AUTHOR, Workshop, workshop_in
from tests.services.issuer import serving
from tests.world import few_triggers

LIKE = "pension_contribution_gap"
TEXTS = {
    "en": ("Pension contributions", "You started a job two weeks ago. Check your contributions on enpf.kz"),
    "kk": ("Зейнетақы жарналары", "Екі апта бұрын жұмысқа орналастыңыз. Жарналарыңызды enpf.kz сайтында тексеріңіз."),
    "ru": ("Пенсионные взносы", "Две недели назад вы начали работать. Проверьте пенсионные взносы на enpf.kz"),
}


@pytest.fixture
def ministry(tmp_path: Path) -> Iterator[Workshop]:
    """The ministry of labour's workbench, with one rule of its own."""
    listener = socket.create_server(("127.0.0.1", 0))
    base = f"http://127.0.0.1:{listener.getsockname()[1]}"
    people = {"dana": ("labour", (AUTHOR,))}
    made = workshop_in(tmp_path / "here", base, people, packs=[few_triggers(tmp_path, LIKE)])
    with serving(application(made.world.platform, works=True), listener):
        yield made
    made.world.close()


class Hand:
    """Works on a page, and counts: what is pressed, what is filled in, and how often the page is loaded."""

    def __init__(self, page: Page) -> None:
        self._page = page
        self.clicks, self.fields, self.loads = 0, 0, 0
        page.on("load", self._loaded)

    def _loaded(self, _: Page) -> None:
        self.loads += 1

    def press(self, what: Locator) -> None:
        """Press it."""
        what.click()
        self.clicks += 1

    def write(self, name: str, text: str) -> None:
        """Fill a field."""
        self._page.fill(f"[name='{name}']", text)
        self.fields += 1

    def choose(self, name: str, value: str) -> None:
        """Choose a value of a list."""
        self._page.select_option(f"[name='{name}']", value)
        self.fields += 1


def test_a_rule_is_written_tested_and_handed_in_with_few_clicks(chromium: Browser, ministry: Workshop) -> None:
    """Thirteen clicks and seventeen fields: two weeks after a job began, unless a contribution is paid."""
    with ministry.visit(chromium, "dana") as context:
        page = context.new_page()
        hand = Hand(page)
        page.goto(f"{ministry.base}/work")
        hand.press(page.get_by_role("link", name="New draft").first)
        for summary in ("Title: ", "Take the law, topic and urgency"):
            hand.press(page.locator("summary", has_text=summary))
        for language, (title, _) in TEXTS.items():
            hand.write(f"title.{language}", title)
        hand.choose("on", "kz.employment.job_started")
        hand.choose("like", LIKE)
        hand.press(page.get_by_role("button", name="Make the draft"))
        hand.press(page.locator("#right"))  # law, topic and urgency are those of the rule that it is like
        hand.choose("due.first.from", "event.started_on")
        hand.write("due.first.offset.number", "14")
        hand.choose("unless.new.on", "kz.pension.contribution_received")
        expect(page.locator("[name='unless.new.when.0.field'] [value='later.employer']")).to_have_count(1)
        hand.choose("unless.new.since", "yes")
        hand.press(page.locator("[id='unless.new'] summary", has_text="Only if").first)
        hand.choose("unless.new.when.0.field", "later.employer")
        hand.choose("unless.new.when.0.of", "event.employer")
        hand.press(page.get_by_role("button", name="Save and go on to the texts"))
        for language, (_, text) in TEXTS.items():
            expect(page.locator("[name=spoken][type=hidden]")).to_have_value(language)
            hand.write("w.sms", text)
            hand.write("w.body", text)
            hand.press(page.locator("#words button[value=next]"))
        expect(page.locator(".stepper")).to_contain_text("still the tests of the sample: make the usual ones")
        hand.press(page.get_by_role("button", name="Make the usual tests"))
        expect(page.locator("section.case .good")).to_have_count(4)
        hand.press(page.locator(".stepper").get_by_role("link", name="Hand in"))
        hand.press(page.get_by_role("button", name="Hand in for approval"))
        expect(page.locator(".banner").first).to_contain_text("It is handed in")
    assert (hand.clicks, hand.fields, hand.loads) == (13, 17, 10)
    [[submission]] = ministry.world.platform.rules.approval.governed().submitted.values()
    assert submission.owner == "labour"
