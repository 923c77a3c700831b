"""The workbench in Debian's Chromium: each flow of a service owner, in every look."""

import re
from functools import partial
from typing import Any, NamedTuple

import pytest
from playwright.sync_api import Browser, Page, Route, ViewportSize, expect

from streams.queues.jobs import JobState
from tests.app.pages.fingers import PHONE, WAYS, Fingers, Keyboard, fingers
from tests.app.pages.site import Inspector, each_look, overflows, shot, templates
from tests.app.pages.work.test_citizen_letters import dispute, letters_in
from tests.app.pages.work.workshop import CLINIC, Workshop, begun, file_of, revision_of, signed_in
from tests.templates.scaffolded import own_text

PAGES = ("/work", "/work/new", f"/work/triggers/{CLINIC}?days=365", "/work/triggers/nothing", "/work/letters")


class Written(NamedTuple):
    """The addresses of what stands in the workbench.

    `draft` has findings; of `unreadable` no form can show any file; `waiting` is handed in; a citizen wrote `letter`.
    `shared` is what two edit at once.
    """

    draft: str
    unreadable: str
    waiting: str
    report: str
    letter: str
    shared: str


@pytest.fixture(scope="module")
def written(workshop: Workshop) -> Written:
    """Drafts, a version that waits for approval, a backtest and a letter from a citizen."""
    dana = signed_in(workshop, "dana")
    where = begun(dana)
    page = dana.get(where).text
    rules = file_of(page, "trigger.yaml").replace("categry:", "category:")
    tests = file_of(page, "tests.yaml")
    other = {"file-trigger.yaml": rules.replace("P3D", "P4D"), "file-tests.yaml": tests.replace("05T10", "06T10")}
    dana.post(where, revision=revision_of(page), **other)
    waiting = dana.post(f"{where}/submit").headers["location"].partition("?")[0]
    report = dana.post(f"{where}/backtest", **{"from": "2025-05-01", "to": "2025-06-20"}).headers["location"]
    jobs = workshop.world.platform.queues.jobs
    while jobs.latest(1)[0].state is not JobState.DONE:
        dana.get(report)
    broken = {"file-trigger.yaml": rules.replace("category:", "categry:")}
    dana.post(where, revision=revision_of(dana.get(where).text), **broken)
    unreadable = begun(dana, name="unreadable", pack="kz", on="kz.residence.registered")
    spoilt = {"file-trigger.yaml": "on: [", "file-kk.md": "---\nsms: [\n---\n"}
    dana.post(unreadable, revision=revision_of(dana.get(unreadable).text), **spoilt)
    shared = begun(dana, name="shared", pack="kz", on="kz.residence.registered")
    dispute(workshop.world, CLINIC, "I did not move there")
    [letter] = letters_in(dana.get("/work/letters").text)
    return Written(where, unreadable, waiting, report, letter, shared)


@each_look
def test_every_page_is_for_everybody(
    chromium: Browser,
    workshop: Workshop,
    written: Written,
    look_name: str,
    language: str,
    viewport: ViewportSize,
) -> None:
    """Every template of the workbench is seen, and on none of them anything is wrong."""
    with workshop.visit(chromium, language=language, viewport=viewport) as context:
        page = context.new_page()
        seen = Inspector(page, language, look_name)
        draft = written.draft
        steps = [
            draft,
            *(
                f"{draft}/{each}"
                for each in (
                    "form",
                    "words",
                    "note",
                    "note?done=note",
                    "tests",
                    "preview",
                    "submit",
                    "backtest",
                    "saves",
                )
            ),
        ]
        steps += [f"{written.unreadable}/form", f"{written.unreadable}/words?spoken=kk", written.letter]
        steps += [f"{draft}/example?at=0", written.report, written.waiting, f"{written.waiting}/preview"]
        for path in (*PAGES, *steps):
            seen.go(workshop.base + path, re.sub("[^a-z0-9]+|[0-9a-f]{64}", "-", path).strip("-"))
        marks = page.locator(".stepper .mark").evaluate_all(
            "all => all.map(each => each.offsetWidth - each.offsetHeight)"
        )
        assert set(marks) == {0}, "the marks of the steps are round"
        for way, field, name, found in (
            ("/form", "title.ru", "merge", "form[action$='/merge']"),
            ("", "file-ru.md", "moved", "main .beside .editor"),
        ):
            page.goto(f"{workshop.base}{written.shared}{way}")
            changes_meanwhile(workshop, written.shared, look_name + name)
            page.evaluate("() => document.querySelectorAll('details').forEach(each => (each.open = true))")
            page.fill(f"[name='{field}']", "Моё")
            page.locator("main form button[value=save]:not(.hidden)").first.click()
            page.wait_for_selector(found)
            seen.look(f"work-drafts-{name}")
    assert seen.wrong == []
    assert seen.templates >= templates("work")


def changes_meanwhile(workshop: Workshop, draft: str, word: str) -> None:
    """Somebody else gives the draft another title."""
    dana = signed_in(workshop, "dana")
    page = dana.get(draft).text
    rules = re.sub("(?<=ru: ).*?(?=, en:)", word, file_of(page, "trigger.yaml"), count=1)
    dana.post(draft, revision=revision_of(page), **{"file-trigger.yaml": rules})


@WAYS
def test_a_service_owner_does_it_all(chromium: Browser, workshop: Workshop, keys: bool) -> None:  # noqa: FBT001  (a parameter)
    """A new draft, a slip that lint names, tests, how it will look, submitting; another approves and publishes."""
    name = f"moved_{str(keys).lower()}"
    with workshop.visit(chromium, java_script_enabled=keys, viewport=PHONE) as context:
        page = context.new_page()
        by = fingers(page, keys=keys)
        page.goto(f"{workshop.base}/work")
        begins(page, by, name)
        words(page, by, name)
        mends(page, by, keys=keys)
        page.goto(page.url.replace("/tests", "/preview"))
        expect(page.locator(".sms").first).to_be_visible()
        expect(page.frame_locator("iframe").first.locator("h1")).to_be_visible()
        backtests(page, by)
        by.press(page.locator(".stepper").get_by_role("link", name="Hand in"))
        by.press(page.get_by_role("button", name="Hand in for approval"))
        expect(page.locator(".banner")).to_contain_text("It is handed in")
        address = page.url.partition("?")[0]
    with workshop.visit(chromium, "berik", java_script_enabled=keys, viewport=PHONE) as context:
        page = context.new_page()
        page.goto(address)
        approves(page, fingers(page, keys=keys))
        page.goto(f"{workshop.base}/work/triggers/{name}")
        expect(page.locator("main")).to_contain_text("approved: berik")


def test_an_event_is_found_by_a_word(chromium: Browser, workshop: Workshop) -> None:
    """Typing leaves the events with that word; Enter chooses the only one and sends nothing; what is chosen stays."""
    with workshop.visit(chromium) as context:
        page = context.new_page()
        page.goto(f"{workshop.base}/work/new")
        finder = page.get_by_role("searchbox")
        finder.fill("CHOSEN cl")
        options = page.locator("#on optgroup option")
        expect(options).to_have_text(["A clinic was chosen"])
        finder.press("Enter")
        expect(page.locator("#on")).to_be_focused()
        expect(finder).to_have_value("")
        expect(page.locator("#on")).to_have_value("kz.health.clinic_attached")
        assert options.count() > 40
        nothing = page.get_by_text("Nothing is found")
        expect(nothing).to_be_hidden()
        finder.fill("no such word")
        expect(page.locator("#on")).to_have_value("kz.health.clinic_attached")
        expect(nothing).to_be_visible()
        finder.fill("residence")
        expect(nothing).to_be_hidden()


EVERYDAY = {
    "уволен": "kz.employment.job_ended",
    "Потеряла работу": "kz.employment.job_ended",
    "родился ребёнок": "kz.civil.birth_registered",
    "родился РЕБЕНОК": "kz.civil.birth_registered",
    "ИП открыл": "kz.business.registered",
    "lost a job": "kz.employment.job_ended",
    "жұмыстан шықты": "kz.employment.job_ended",
    "жұмыстан шығу": "kz.employment.job_ended",
    "сокращение штата": "kz.employment.job_ended",
    "штрафы за скорость": "kz.traffic.fine_issued",
    "труда договор": "kz.employment.job_ended",
}
"""What an author types -> an event type that is found by it, by its words, its title or its office."""


def test_an_event_is_found_by_everyday_words(chromium: Browser, workshop: Workshop) -> None:
    """People say “dismissed” where a register says that a contract has ended: both find it, whatever the ending."""
    with workshop.visit(chromium, language="ru") as context:
        page = context.new_page()
        page.goto(f"{workshop.base}/work/new")
        offered = page.locator("#on option")
        for typed, event_type in EVERYDAY.items():
            page.get_by_role("searchbox").fill(typed)
            found = [each.get_attribute("value") for each in offered.all()]
            assert event_type in found, typed
            assert len(found) < 8, typed
        page.get_by_role("searchbox").fill("работу")
        first = [each.get_attribute("value") for each in offered.all()][1:3]
        assert first[0] == "kz.employment.job_started", (
            "one found by its title comes before those found by other words"
        )
        assert len(first) > 1
        unworded = page.locator("#on optgroup option:not([data-words])")
        page.get_by_role("searchbox").fill("потерял работу")
        assert offered.nth(1).get_attribute("value") == "kz.employment.job_ended"
        page.get_by_role("searchbox").fill("")
        assert (offered.count() > 40, unworded.count()) == (True, 0)


def begins(page: Page, by: Fingers, name: str) -> None:
    """Names a new draft, and what it starts on."""
    by.press(page.get_by_role("link", name="New draft").first)
    by.press(page.locator("summary", has_text="Internal name"))
    by.write(page.locator("#name"), name)
    by.choose(page.locator("#on"), "kz.residence.registered")
    by.press(page.get_by_role("button", name="Make the draft"))
    by.press(page.get_by_role("link", name="As files"))


def words(page: Page, by: Fingers, name: str) -> None:
    """Writes texts of their own where the scaffold has placeholders."""
    expect(page.locator("#found-title")).to_contain_text("warnings")
    for field in page.locator("textarea").all():
        file = (field.get_attribute("name") or "").removeprefix("file-")
        by.write(field, own_text(field.input_value(), file, name))
    by.press(page.get_by_role("button", name="Save", exact=True))
    expect(page.locator(".banner.success").last).to_contain_text("No mistakes found")


def mends(page: Page, by: Fingers, *, keys: bool) -> None:
    """Makes a slip, is led to its line, takes it back; then its tests pass."""
    rules = page.locator("textarea").first
    good = rules.input_value()
    by.write(rules, good.replace("expires:", "expirse:"))
    by.press(page.get_by_role("button", name="Save", exact=True))
    expect(page.locator(".file .findings").first).to_contain_text("Did you mean expires?")
    by.press(page.locator("a[data-line]").first)
    if keys:
        expect(page.locator("textarea:focus")).to_have_count(1)
    by.write(page.locator("textarea").first, good)
    by.press(page.get_by_role("button", name="Save and test"))
    expect(page.locator(".banner").first).to_contain_text("Saved")
    expect(page.locator(".banner").last).to_contain_text("All tests pass")
    expect(page.locator("main")).to_contain_text("gets nothing (Message 1): messages on this topic are not wanted")


def approves(page: Page, by: Fingers) -> None:
    """Sees what changes, approves, and publishes for a few first."""
    expect(page.locator("main dl").first).to_contain_text("Who is told")
    by.press(page.get_by_role("button", name="Approve this version"))
    expect(page.locator(".banner")).to_contain_text("It is approved")
    by.press(page.get_by_role("button", name="Publish for 10"))
    expect(page.locator(".banner")).to_contain_text("It is published")


def backtests(page: Page, by: Fingers) -> None:
    """Plays a few weeks, and comes back to the draft."""
    by.press(page.locator(".stepper").get_by_role("link", name="Try on last year"))
    page.wait_for_url("**/backtest")
    draft = page.url
    by.write(page.locator("#from"), "2025-05-01")
    by.write(page.locator("#to"), "2025-06-20")
    by.press(page.get_by_role("button", name="Begin"))
    page.wait_for_url("**/work/backtests/*")
    page.goto(draft)


def test_the_keyboard_alone_pauses_and_resumes(chromium: Browser, workshop: Workshop) -> None:
    """From the list to a trigger, a reason, the pause and back, with Tab, Enter and letters."""
    with workshop.visit(chromium, viewport=PHONE) as context:
        page = context.new_page()
        by = Keyboard(page)
        page.goto(f"{workshop.base}/work")
        by.press(page.locator(f"a[href$='/triggers/{CLINIC}']"))
        for button, banner in (("Pause", "It is paused"), ("Resume", "Resumed")):
            by.write(page.locator("#reason"), "a test")
            by.press(page.get_by_role("button", name=button))
            expect(page.locator(".banner")).to_contain_text(banner)


OWN = {
    "kk": ("Жаңа мекенжай", "Көшкеніңіз тіркелді. Емхананы egov.kz сайтында таңдаңыз."),
    "ru": ("Новый адрес", "Переезд записан. Выберите поликлинику на egov.kz."),
    "en": ("A new address", "Your move is registered. Choose a clinic on egov.kz."),
}
FORMS = [("kk", PHONE, "light", True), ("en", {"width": 1280, "height": 900}, "dark", False)]


@pytest.mark.parametrize(("language", "viewport", "scheme", "scripts"), FORMS, ids=["kk-375", "en-1280-dark-no-js"])
def test_somebody_who_never_saw_yaml_publishes_a_trigger(
    chromium: Browser, workshop: Workshop, language: str, viewport: Any, scheme: Any, *, scripts: bool
) -> None:
    """From a new draft to everybody by forms alone: rule, condition, texts in each language, example, approval.

    With scripts 30 days before a card ends; without them 10 days after a large amount that is not paid.
    """
    name = f"by_form_{language}"
    look = {"viewport": viewport, "color_scheme": scheme, "java_script_enabled": scripts}
    with workshop.visit(chromium, language=language, **look) as context:
        page = context.new_page()
        page.goto(f"{workshop.base}/work/new")
        page.locator("main form summary").last.click()
        page.fill("#name", name)
        page.select_option("#on", "kz.document.issued" if scripts else "kz.tax.assessed")
        page.locator("main form button").click()
        keep = partial(kept, page, f"form-{language}")
        keep("1-begun")
        fills_the_rule(page, scripts=scripts)
        keep("2-rule")
        page.locator("#rule button[value=words]:not(.hidden)").click()
        reader = page.locator("html").get_attribute("lang")
        for spoken in sorted(OWN, key=lambda each: each != reader):
            page.wait_for_url(f"**spoken={spoken}**" if spoken != reader else "**/words")
            writes(page, spoken, scripts=scripts)
            keep(f"3-words-{spoken}")
            page.locator("#words button[value=next]").click()
        page.wait_for_url("**/tests?done=saved")
        keep("4-tests")
        by_example(page)
        keep("5-example")
        page.locator(".stepper a").nth(3).click()
        keep("6-hand-in")
        page.locator("main form button").click()
        expect(page.locator(".stepper .done")).to_have_count(3)  # it was not tried
        keep("7-handed-in")
        address = page.url.partition("?")[0]
    with workshop.visit(chromium, "berik", language=language, **look) as context:
        page = context.new_page()
        page.goto(address)
        kept(page, f"form-{language}", "8-approving")
        page.locator("form[action$=approve] button").click()
        page.locator("#share[value='0.1']").click()
        page.wait_for_url("**done=published")
        page.locator("#share[value='1.0']").click()
        page.locator("button[name=sure]").click()
        page.wait_for_url("**done=published")
        kept(page, f"form-{language}", "9-published")
        expect(page.locator(".stepper .done")).to_have_count(5)
    current = workshop.world.platform.rules.approval.governed().current(name)
    assert current is not None
    assert current.share == 1.0
    assert {key: current.rules.get(key) for key in ("when", "due", "unless")} == (CARD_ENDS if scripts else UNPAID)


def kept(page: Page, walk: str, step: str) -> None:
    """Look at a step of the walk: nothing is wider than the screen."""
    shot(page, f"{walk}-{step}")
    assert not overflows(page), step


def fills_the_rule(page: Page, *, scripts: bool) -> None:
    """Titles and law in each language, a condition by field, operator and value, another day, and nothing else."""
    page.locator("details:has([id='legal_basis.en']) > summary").click()
    for spoken, (title, text) in OWN.items():
        page.fill(f"[id='title.{spoken}']", title)
        page.fill(f"[id='legal_basis.{spoken}']", text)
    page.select_option("#category", index=1)
    page.check("#class-reminder")
    (card_ends if scripts else amount_unpaid)(page)


CARD_ENDS = {
    "when": 'event.kind == "identity_card"',
    "due": {"first": {"from": "event.expires_on", "offset": "-P30D", "at": "10:00"}},
    "unless": None,
}
UNPAID = {
    "when": "event.amount > 20000",
    "due": {"first": {"from": "event.time", "offset": "P10D", "at": "10:00"}},
    "unless": [{"on": "kz.tax.paid", "when": "later.time > event.time && later.year == event.year"}],
}


def card_ends(page: Page) -> None:
    """The kind is chosen among its values; the day counts from another one; nothing makes it needless."""
    page.locator("details:has(> #when) > summary").click()
    page.select_option("[name='when.0.field']", "event.kind")
    expect(page.locator("select[name='when.0.value']")).to_be_visible()
    page.select_option("[name='when.0.value']", "identity_card")
    page.select_option("[name='due.first.from']", "event.expires_on")
    page.fill("[name='due.first.offset.number']", "30")
    page.select_option("[name='due.first.offset.sign']", "-")
    page.check("[id='needless.none']")


def amount_unpaid(page: Page) -> None:
    """The amount is typed as on paper; the payment of the same year makes it needless."""
    page.locator("details:has(> #when) > summary").click()
    page.select_option("[name='when.0.field']", "event.amount")
    page.select_option("[name='when.0.operator']", ">")
    page.fill("[name='when.0.value']", "20 000")
    page.select_option("[name='due.first.from']", "event.time")
    page.fill("[name='due.first.offset.number']", "10")
    page.select_option("[name='unless.new.on']", "kz.tax.paid")
    page.locator("button[value=again]").first.click()
    page.locator("details:has(> [id='unless.new.when']) > summary").click()
    page.select_option("[name='unless.new.when.0.field']", "later.year")
    page.select_option("[name='unless.new.when.0.of']", "event.year")


def writes(page: Page, spoken: str, *, scripts: bool) -> None:
    """All texts of a language; with scripts the preview follows what is typed."""
    title, text = OWN[spoken]
    page.fill("[id='w.subject']", title)
    page.fill("[id='w.sms']", text)
    page.fill("[id='w.body']", f"{title}\n\n{text}")
    if scripts:
        expect(page.locator("#look .sms").first).to_contain_text(text)
    else:
        page.locator("button[value=look]").click()
        expect(page.locator("#look .sms").first).to_contain_text(text)


def by_example(page: Page) -> None:
    """Takes the examples of the scaffold away, and makes one of what happens."""
    page.locator("button[value=samples]").click()
    expect(page.locator("section.case")).to_have_count(0)
    page.select_option("#channel", "sms")
    page.locator("form[action$=examples] button:not([name])").click()
    page.wait_for_url("**done=made")
    expect(page.locator(".answer p")).to_have_count(3)


@pytest.mark.parametrize("scripts", [True, False])
def test_a_finding_of_another_page_leads_to_its_line(
    chromium: Browser, workshop: Workshop, written: Written, *, scripts: bool
) -> None:
    """A finding of another page is a link to the editor, where its line is marked; with scripts, it is selected."""
    with workshop.visit(chromium, "dana", java_script_enabled=scripts) as context:
        page = context.new_page()
        page.goto(f"{workshop.base}{written.draft}/preview")
        link = page.locator(".findings a", has_text="trigger.yaml").first
        line = int(re.findall(r":([0-9]+):", link.inner_text())[0])
        link.click()
        mark = page.locator(f"[id='at-trigger.yaml-{line}']")
        expect(mark).to_have_text(re.compile(rf"^{line} "))
        expect(mark).to_be_in_viewport()
        field = page.locator("textarea[data-at]")
        text = field.input_value().split("\n")[line - 1]
        expect(page.locator("#file-0-at code")).to_have_text(text.strip()[:100].strip())
        if scripts:
            selected = "field => field.value.slice(field.selectionStart, field.selectionEnd)"
            assert field.evaluate(selected) == text
        page.goto(f"{workshop.base}{written.draft}?file=trigger.yaml&line=99999")
        expect(page.locator("textarea[data-at]")).to_have_count(0)


def test_what_comes_next_is_where_the_report_arrives(chromium: Browser, workshop: Workshop, written: Written) -> None:
    """What one may do with a report stands in the part of the page that a script shows anew when it arrives."""
    with workshop.visit(chromium, "dana") as context:
        page = context.new_page()
        page.goto(workshop.base + written.report)
        expect(page.locator("#live").get_by_role("heading", name="What next?")).to_be_visible()


def test_what_is_typed_while_controls_are_shown_anew_stays(
    chromium: Browser, workshop: Workshop, written: Written
) -> None:
    """Who chooses a field and types on before the answer has come loses no letter, nor their place."""
    with workshop.visit(chromium, "dana") as context:
        page = context.new_page()
        held: list[Route] = []
        page.route(
            "**/form", lambda route: held.append(route) if route.request.method == "POST" else route.continue_()
        )
        page.goto(f"{workshop.base}{written.draft}/form")
        with page.expect_request("**/form"):
            page.locator("[data-again]").first.dispatch_event("change")
        field = page.locator("input[name='title.en']")
        field.fill("Move")
        field.press_sequentially("s")
        with page.expect_response("**/form"):
            held[0].continue_()
        page.wait_for_function("document.activeElement?.name === 'title.en'")
        expect(field).to_have_value("Moves")
        assert field.evaluate("field => field.selectionStart") == len("Moves")
