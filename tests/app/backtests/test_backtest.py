"""habarshy backtest, as an author or an operator at a terminal sees it."""

import io
import re
import shutil
from html import unescape
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from app.backtests.report import Report
from app.jobs.progress import PartsProgress, ProgressLine
from app.pages.backtest_report import palette
from tests.app.terminal import Ended, Terminal, begun
from tests.world import LONG_AGO, few_triggers, fine, iin, registered

YEAR = ("--from", "2025-01-01", "--to", "2026-01-01")
AIDA, BOLAT = iin(1), iin(2)
FINES = "traffic_fine_discount"
PERSONAL = {"recipient", "example", "sample"}
"""The kinds of objects that are about one person."""


@pytest.fixture
def terminal(tmp_path: Path) -> Terminal:
    """A terminal where two drivers had fines last year, told long after by a historical load."""
    return begun(tmp_path, _fined)


def _fined(terminal: Terminal) -> None:
    events = [
        *registered(AIDA, LONG_AGO),
        *registered(BOLAT, LONG_AGO, language="ru"),
        *(fine(AIDA, f"F{month}", f"2025-0{month}-10T12:00:00+05:00") for month in range(1, 7)),
        fine(BOLAT, "F9", "2025-02-10T23:30:00+05:00"),
    ]
    historical = ("--historical", "--clock", "2026-02-01", terminal.written("events.ndjson", *events))
    loaded = terminal.run("ingest", *historical, env={"HABARSHY_PACKS": str(few_triggers(terminal.folder))})
    assert loaded.code == 0, loaded


def backtest(terminal: Terminal, what: str, *more: str) -> Ended:
    """The command over the year."""
    return terminal.run("backtest", what, *YEAR, *more)


def folder(terminal: Terminal, *changes: tuple[str, str]) -> str:
    """A draft of the trigger on fines, with changes of its rules."""
    pack = terminal.folder / "draft"
    if not pack.exists():
        shutil.copytree(terminal.folder / "few", pack)
    file = pack / FINES / "trigger.yaml"
    text = file.read_text(encoding="utf-8")
    for old, new in changes:
        assert old in text
        text = text.replace(old, new)
    file.write_text(text, encoding="utf-8")
    return str(pack / FINES)


def of_kind(ended: Ended, kind: str) -> list[Any]:
    """The objects of that kind."""
    return [each for each in ended.objects if each["kind"] == kind]


def test_the_summary_says_what_would_have_gone(terminal: Terminal) -> None:
    """People, messages, parts, cost, what was put off and ten samples are in the report; nothing is sent."""
    told = backtest(terminal, folder(terminal), "--json")
    assert told.code == 0, told.talk
    [summary] = of_kind(told, "summary")
    assert (summary["people"], summary["messages"], summary["sent"]) == (2, 14, 0)
    assert summary["deferred"] == {"quiet_hours": 1}
    assert summary["cost"] == 10 * summary["sms_parts"]
    assert {(each["language"], each["messages"]) for each in of_kind(told, "messages")} == {("kk", 12), ("ru", 2)}
    assert sum(each["messages"] for each in of_kind(told, "day")) == 14
    assert len(of_kind(told, "sample")) == 10
    assert [each["messages"] for each in of_kind(told, "recipient")] == [12, 2]
    assert re.fullmatch(r"2025-\d\d-\d\dT\d\d:00[+]05:00", summary["peak"]["hour"])

    lines = backtest(terminal, folder(terminal)).lines
    assert any(re.match(r"messages +14", line) for line in lines)
    assert any(line.startswith("sent           0:") for line in lines)


def test_against_live_says_who_gains_and_who_loses(terminal: Terminal) -> None:
    """A draft that leaves somebody out and moves a step says so, message by message, with the reason."""
    draft = folder(
        terminal,
        ("on: kz.traffic.fine_issued", 'on: kz.traffic.fine_issued\nwhen: event.number != "F9"'),
        ('at: "10:00"', 'at: "11:00"'),
    )
    told = backtest(terminal, draft, "--against", "live", "--json")
    changes = {(each["what"], each["why"]): each["messages"] for each in of_kind(told, "difference")}
    assert changes == {("loses", "no_rule"): 2, ("moved", None): 6, ("same", None): 6}
    assert {each["what"] for each in of_kind(told, "example")} == {"loses", "moved", "same"}
    lines = backtest(terminal, draft, "--against", "live").lines
    assert any("2 messages told only by what is in force" in line for line in lines)


def test_what_is_in_force_is_backtested_by_its_name(terminal: Terminal) -> None:
    """A trigger's name stands for its version in force, which says the same as its own folder does."""
    named, read = backtest(terminal, FINES, "--json"), backtest(terminal, folder(terminal), "--json")
    assert of_kind(named, "summary")[0]["digest"] == of_kind(read, "summary")[0]["digest"]
    mistyped = backtest(terminal, "traffic_fines_discount")
    assert mistyped.code == 2
    assert "did you mean 'traffic_fine_discount'?" in mistyped.talk


def test_several_processes_find_the_same(terminal: Terminal) -> None:
    """However many processes share the work, what they find together is the same."""
    one, two = (of_kind(backtest(terminal, FINES, "--json", "--processes", str(n)), "summary")[0] for n in (1, 2))
    assert (one["digest"], one["messages"], one["facts"]) == (two["digest"], two["messages"], two["facts"])


def test_other_triggers_take_of_the_cap_if_asked(terminal: Terminal) -> None:
    """A trigger is played with what all others take of the cap, about those whom it concerns and nobody else."""
    alone, together = (
        of_kind(backtest(terminal, FINES, "--json", *more), "summary")[0] for more in ((), ("--with-caps",))
    )
    assert (alone["with_caps"], together["with_caps"]) == (False, True)
    assert alone["messages"] == together["messages"] == 14
    assert [alone[what] for what in ("persons", "facts")] == [together[what] for what in ("persons", "facts")]
    pack = of_kind(backtest(terminal, str(terminal.folder / "few"), "--json"), "summary")[0]
    assert len(pack["triggers"]) > 1
    assert pack["messages"] >= 14


def test_a_trigger_that_the_draft_leaves_behind_is_named(terminal: Terminal) -> None:
    """Where a trigger in force does not work with the draft's event types: which, which field, and what to do."""
    draft = Path(folder(terminal))
    for other in (each for each in draft.parent.iterdir() if (each / "trigger.yaml").exists() and each != draft):
        shutil.rmtree(other)
    document = draft.parent / "events" / "document_issued.yaml"
    document.write_text(document.read_text("utf-8").replace("expires_on", "valid_until"), encoding="utf-8")
    ended = backtest(terminal, str(draft), "--with-caps")
    assert (ended.code, ended.lines) == (1, [])
    for word in ("identity_card_expiry does not work", "expires_on", "without --with-caps"):
        assert word in ended.talk, ended.talk
    assert backtest(terminal, str(draft)).code == 0


def test_messages_of_real_people_need_a_purpose(terminal: Terminal) -> None:
    """Where there are principals, what is about one person is for who may read it and says why; the log has it."""
    author, auditor = terminal.act("aigul", "interior", "author"), terminal.act("dana", "interior", "auditor")
    why, html = ("--purpose", "review of the draft"), terminal.folder / "report.html"
    draft = folder(terminal, ("on: kz.traffic.fine_issued", 'on: kz.traffic.fine_issued\nwhen: event.number != "F9"'))
    asked = (draft, "--against", "live", "--html", str(html))
    terminal.environment |= author
    unasked = backtest(terminal, *asked, "--json")
    assert (unasked.code, {each["kind"] for each in unasked.objects} & PERSONAL) == (0, set())
    assert "--purpose" in unasked.talk
    assert of_kind(unasked, "summary")[0]["messages"] == 12
    withheld = "\n".join([*unasked.lines, *backtest(terminal, *asked).lines, html.read_text("utf-8")])
    refused = backtest(terminal, *asked, "--json", *why)
    assert (refused.code, refused.lines) == (4, [])

    terminal.environment |= auditor
    shown = [each for each in backtest(terminal, *asked, "--json", *why).objects if each["kind"] in PERSONAL]
    assert {each["kind"] for each in shown} == PERSONAL
    noted, people = terminal.run("audit", "list", "--json").objects, {each["person"] for each in shown}
    assert {each["person"] for each in noted} == people
    assert len(people) == 2
    assert not [each for each in people if each in withheld]
    assert {(each["by"], each["purpose"], each["what"]) for each in noted} == {
        ("dana", "review of the draft", f"backtest of {FINES}")
    }


def test_a_backtest_is_for_the_agency_whose_trigger_it_is(terminal: Terminal) -> None:
    """Without a token, or for another agency's trigger, by its name or a folder, it ends with 4 and says nothing."""
    author, fred = terminal.act("aigul", "interior", "author"), terminal.act("fred", "finance", "author")
    taken = folder(terminal, ("owner: interior", "owner: finance"))
    for what, who in (
        (FINES, {}),
        (FINES, fred),
        (taken, fred),
        (str(terminal.folder / "few"), fred),
        (taken, author),
    ):
        refused = terminal.run("backtest", what, *YEAR, "--against", "live", "--json", env=who)
        assert (refused.code, refused.lines) == (4, []), (what, who)
    approver, operator = terminal.act("berik", "interior", "approver"), terminal.act("olga", "platform", "operator")
    assert [terminal.run("backtest", FINES, *YEAR, env=each).code for each in (author, approver, operator)] == [0] * 3


def test_whoever_waits_sees_how_far_it_is() -> None:
    """Share, pace and what is left are told in one line that changes, or every ten seconds."""
    told = io.StringIO()
    times = iter([0.0, 5.0, 20.0, 40.0])
    parts = PartsProgress("backtest", ProgressLine(Console(file=told)), lambda: next(times))
    for done, facts in ((1, 100_000), (4, 400_000), (8, 800_000)):
        parts(done, 8, facts)
    assert told.getvalue().splitlines() == [
        "backtest: 50 %, 20,000 facts/s, 20 s to go",
        "backtest: 100 %, 20,000 facts/s, 0 s to go",
    ]


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("--from", "2025-01-01", "--to", "2025-01-01"), "--to: 2025-01-01 is not after --from 2025-01-01"),
        (("--from", "2026-01-01", "--to", "2025-01-01"), "--to: 2025-01-01 is not after --from 2026-01-01"),
        (("--from", "soon", "--to", "2025-01-01"), "--from: 'soon' is no time; one is written 2026-03-01"),
        ((*YEAR, "--against", "dead"), "did you mean 'live'?"),
        ((*YEAR, "--html", "/nowhere/report.html"), "--html: /nowhere/report.html cannot be written"),
    ],
)
def test_what_makes_no_sense_is_said(terminal: Terminal, arguments: tuple[str, ...], says: str) -> None:
    """A range that is empty or the wrong way round, a time that is none: exit 2, in words that name the option."""
    ended = terminal.run("backtest", folder(terminal), *arguments)
    assert (ended.code, says in ended.talk) == (2, True), ended.talk


def test_what_was_found_is_told_though_the_page_cannot_be_written(terminal: Terminal) -> None:
    """A page that cannot be written ends with 2, and nobody has to play it all again for the figures."""
    ended = backtest(terminal, FINES, "--json", "--html", str(terminal.folder))
    assert (ended.code, "--html: " in ended.talk) == (2, True)
    assert of_kind(ended, "summary")[0]["messages"] == 14
    nowhere = backtest(terminal, FINES, "--json", "--html", "/nowhere/report.html")
    assert (nowhere.code, nowhere.lines) == (2, []), "that is said before anything is played"


def test_a_draft_with_findings_is_not_played(terminal: Terminal) -> None:
    """A draft that does not lint ends with 1 and its findings."""
    ended = backtest(terminal, folder(terminal, ("on: kz.traffic.fine_issued", "on: kz.traffic.fine_isued")))
    assert ended.code == 1
    assert "did you mean 'kz.traffic.fine_issued'?" in ended.talk


def test_nobody_to_backtest_on_is_said(terminal: Terminal) -> None:
    """Where nobody has an event that the draft starts on, that is what the report says."""
    ended = backtest(terminal, "identity_card_expiry")
    assert ended.code == 0
    assert any("there is nobody to backtest it on" in line for line in ended.lines)
    made = backtest(terminal, "identity_card_expiry", "--html", str(terminal.folder / "none.html"))
    assert made.code == 0
    assert "would have told nobody" in (terminal.folder / "none.html").read_text(encoding="utf-8")


def test_why_nobody_would_have_heard_is_said(terminal: Terminal) -> None:
    """Where nothing was recorded before the end of the range, that is named as the cause; else nothing is made up."""
    assert "nothing was recorded yet" not in backtest(terminal, FINES).talk
    early = terminal.run("backtest", FINES, "--from", "1900-01-01", "--to", "1901-01-01")
    assert (early.code, "nothing was recorded yet before --to" in early.talk) == (0, True), early


def test_the_page_needs_nothing_else(terminal: Terminal) -> None:
    """The page has its charts with their tables and its samples, and nothing in it leads to a network or runs."""
    file = terminal.folder / "report.html"
    assert backtest(terminal, FINES, "--against", "live", "--html", str(file)).code == 0
    text = file.read_text(encoding="utf-8")
    assert text.count("<svg") == text.count("The same as a table") >= 2
    assert re.search(r"<figcaption>SMS a day: 14 messages; the highest bar, \d: \d+ \w+ 2025</figcaption>", text)
    assert "Айыппұл" in text or "айыппұл" in text
    assert "default-src 'none'" in text
    assert not re.search(
        r"<script|<link|<img|@import|url\(|<[^>]+\son\w+=", text.partition("<h2>As they will look")[0]
    )
    assert re.search(r"this would have sent 14 messages to 2 people", text)


HEADINGS = {
    "kk": ("Өткен кезеңде сынау", "SMS: күндер бойынша", "Қаралғандардың бәрі", "Қолданыстағы ереже"),
    "ru": ("Прогон по прошлому", "SMS: по дням", "Все, кого просмотрели", "По сравнению с действующей версией"),
}


@pytest.mark.parametrize("language", HEADINGS)
def test_the_page_is_in_the_language_of_whoever_asks(terminal: Terminal, language: str) -> None:
    """Sentences, figures, tables and charts are told in it; only names of rules, codes and commands are not."""
    file = terminal.folder / "report.html"
    asked = (FINES, "--against", "live", "--html", str(file), "--language", language)
    assert backtest(terminal, *asked).code == 0
    text = file.read_text(encoding="utf-8")
    assert f'<html lang="{language}">' in text
    shown = text.partition("<body>")[2].partition('<div class="sample">')[0]
    plain = unescape(re.sub(r"<code>.*?</code>|<[^>]+>", " ", shown))
    assert [each for each in HEADINGS[language] if each not in plain] == []
    assert set(re.findall(r"[A-Za-z]{3,}", plain)) <= {"SMS", "traffic", "fine", "discount", "issued", "last", "day"}


def test_a_language_that_there_is_not_is_refused(terminal: Terminal) -> None:
    """Nothing is played and nothing written."""
    file = terminal.folder / "report.html"
    ended = backtest(terminal, FINES, "--html", str(file), "--language", "de")
    assert (ended.code, "--language" in ended.talk, file.exists()) == (2, True, False)


def test_the_page_has_the_colours_of_the_design(terminal: Terminal) -> None:
    """Its colours are the custom properties of all pages, in light, dark and print; it names none of its own."""
    file = terminal.folder / "report.html"
    assert backtest(terminal, FINES, "--html", str(file)).code == 0
    style = file.read_text(encoding="utf-8").partition("<style>")[2].partition("</style>")[0]
    design, _, own = style.partition("\n* {")
    assert design.strip() == "\n".join(palette()).strip()
    assert "prefers-color-scheme: dark" in design
    assert "@media print" in design
    assert re.findall(r"#[0-9a-f]{3,6}\b", own) == ["#fff"], "the ground of a framed email"
    assert set(re.findall(r"var\((--[a-z-]+)\)", own)) <= set(re.findall(r"(--[a-z-]+):", design))


def test_an_email_is_whole_on_paper(terminal: Terminal) -> None:
    """A frame would be cut on paper: there the words of an email stand in its place, all of them."""
    draft, file = folder(terminal, ("channels: [push, sms, email]", "channels: [email]")), terminal.folder / "r.html"
    assert backtest(terminal, draft, "--html", str(file)).code == 0
    text = file.read_text(encoding="utf-8")
    assert text.count("<iframe sandbox") == text.count('<div class="sms printed"') > 0
    printed = text.rpartition("@media print")[2].partition("</style>")[0]
    assert "iframe { display: none; }" in printed
    assert ".printed { display: block;" in printed


def test_reasons_are_in_words() -> None:
    """What a nudge came to is said in plain English."""
    assert Report.reason("quiet_hours") == "quiet hours"
    assert Report.reason("ahead") == "still to come when the time was over"


def test_everybody_who_was_looked_at_is_told_or_has_a_reason(terminal: Terminal, tmp_path: Path) -> None:
    """The reasons add up to the persons who were looked at, in text, for programs and on the page."""
    strict = folder(terminal, ("unless:", "when: event.amount > 1000000\nunless:"))
    page = tmp_path / "report.html"
    told = backtest(terminal, strict, "--json", "--html", str(page))
    assert told.code == 0, told.talk
    [summary] = of_kind(told, "summary")
    assert summary["outcomes"] == {"told": 0, "when": 2}
    lines = backtest(terminal, strict).lines
    assert any(re.fullmatch(r"of whom +0 told.*", line) for line in lines)
    assert any(re.fullmatch(r" +2 the conditions of `when` do not hold", line) for line in lines)
    assert "Everybody who was looked at" in page.read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("since", "until", "outcomes"),
    [
        ("2025-01-01", "2026-01-01", {"told": 2}),
        ("2025-12-01", "2026-01-01", {"told": 0, "expired": 2}),
        ("2025-01-01", "2025-02-11", {"told": 1, "ahead": 1}),
        ("2025-01-01", "2025-01-05", {"told": 0, "later": 2}),
    ],
)
def test_what_is_too_old_or_too_late_is_a_reason(
    terminal: Terminal, since: str, until: str, outcomes: dict[str, int]
) -> None:
    """Whoever's events lie before the publication, or are known after the end, is counted with that reason."""
    told = terminal.run("backtest", folder(terminal), "--from", since, "--to", until, "--json")
    [summary] = of_kind(told, "summary")
    assert summary["outcomes"] == outcomes
    assert sum(outcomes.values()) == summary["persons"]


def test_what_became_known_too_late_is_told_with_the_command(tmp_path: Path) -> None:
    """Last year's records that were loaded as news count as known since today: the report says how to load them."""

    def fined_as_news(terminal: Terminal) -> None:
        file = terminal.written(
            "e.ndjson", *registered(AIDA, LONG_AGO), fine(AIDA, "F1", "2025-01-10T12:00:00+05:00")
        )
        environment = {"HABARSHY_PACKS": str(few_triggers(terminal.folder))}
        assert terminal.run("ingest", "--clock", "2026-02-01", file, env=environment).code == 0

    terminal = begun(tmp_path, fined_as_news)
    told = backtest(terminal, folder(terminal), "--html", str(terminal.folder / "late.html"))
    assert "habarshy ingest --historical" in "\n".join(told.lines)
    assert "habarshy ingest --historical" in (terminal.folder / "late.html").read_text(encoding="utf-8")
