"""The list of an agency's triggers, and the page of one."""

import re
from datetime import date, datetime
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest

from app.pages.catalogues import LANGUAGES, Speech
from app.pages.chart import chart_by_name
from app.pages.life import STATES, word_for
from app.pages.work.figures import STAGES, Figures, figures
from domain.facts.principals import Principal, Role
from tests.app.pages.shipped_rules import speech_of
from tests.app.pages.work.drafts.test_drafts import written
from tests.app.pages.work.workshop import AIGERIM, CLINIC, FINE, Workshop, signed_in, tell
from tests.world import event


def test_one_sees_the_triggers_of_ones_agency(quiet: Workshop) -> None:
    """An author finds what their agency published, with who did it last, and nothing of another's."""
    page = signed_in(quiet, "aida").get("/work").text
    assert f"/work/triggers/{CLINIC}" in page
    assert "published: shipped with the platform" in page
    assert FINE not in page
    assert CLINIC not in signed_in(quiet, "fred").get("/work").text


@pytest.mark.parametrize(("who", "where"), [("olga", "/console"), ("adil", "/console/people")])
def test_who_keeps_the_platform_running_is_led_to_the_console(quiet: Workshop, who: str, where: str) -> None:
    """Operators and auditors who sign in without a page in mind find theirs."""
    answer = signed_in(quiet, who).get("/work")
    assert (answer.status_code, answer.headers["location"]) == (303, where)


def test_another_agency_reads_and_stops_nothing(quiet: Workshop) -> None:
    """The page, the figures and the switches of another agency's trigger answer 403; what is not there, 404."""
    fred = signed_in(quiet, "fred")
    for path in (f"/work/triggers/{CLINIC}", f"/work/triggers/{CLINIC}/figures.csv"):
        assert fred.get(path).status_code == 403
    for path in ("pause", "resume"):
        assert fred.post(f"/work/triggers/{CLINIC}/{path}", reason="x").status_code == 403
    assert fred.get("/work/triggers/nothing_such").status_code == 404
    assert signed_in(quiet, "aida").get(f"/work/triggers/{CLINIC}?days=8").status_code == 422


def test_a_pause_has_a_reason(quiet: Workshop) -> None:
    """Pausing asks why, stops the trigger, and tells everybody of the agency who did it and why; so does resuming."""
    aida = signed_in(quiet, "aida")
    without = aida.post(f"/work/triggers/{CLINIC}/pause", reason=" ")
    assert (without.status_code, "Write why" in without.text) == (422, True)
    assert aida.client.post(f"/work/triggers/{CLINIC}/pause", data={"reason": "x"}).status_code == 403
    assert aida.post(f"/work/triggers/{CLINIC}/pause", reason="clinics moved").status_code == 303
    assert ("paused", CLINIC) in {
        (scope, name) for scope, name in quiet.world.platform.rules.approval.governed().stopped
    }
    page = signed_in(quiet, "berik").get(f"/work/triggers/{CLINIC}").text
    assert "paused: aida – “clinics moved”" in page
    assert aida.post(f"/work/triggers/{CLINIC}/pause", reason="again").headers["location"].endswith("done=before")
    assert aida.post(f"/work/triggers/{CLINIC}/resume", reason="done").headers["location"].endswith("done=resumed")
    assert not quiet.world.platform.rules.approval.governed().stopped


@pytest.mark.parametrize(("scope", "name"), [("trigger", CLINIC), ("agency", "health"), ("all", "")])
def test_the_page_of_a_stopped_trigger_opens_with_it(quiet: Workshop, scope: str, name: str) -> None:
    """A red bar says who stopped all its messages, and why; the form to end it is an operator's alone."""
    olga = Principal("olga", "platform", frozenset([Role.OPERATOR]))
    quiet.world.platform.rules.switches.control(scope, name, olga, stopped=True, reason="wrong words")
    page = signed_in(quiet, "aida").get(f"/work/triggers/{CLINIC}").text
    bar = page.partition('class="stops"')[2].partition("</section>")[0]
    assert "by olga. Why: wrong words" in bar
    assert "<form" not in bar


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_page_of_the_workbench_says_what_is_stopped(quiet: Workshop, language: str) -> None:
    """The bar of a kill switch stands on every page of whom it concerns, in their language, and on nobody else's."""
    fred, (aida, draft) = signed_in(quiet, "fred"), written(quiet, "aida")
    backtest = aida.post(f"{draft}/backtest", **{"from": "2025-05-01", "to": "2025-06-20"}).headers["location"]
    submission = aida.post(f"{draft}/submit").headers["location"].partition("?")[0]
    olga = Principal("olga", "platform", frozenset([Role.OPERATOR]))
    quiet.world.platform.rules.switches.control("agency", "health", olga, stopped=True, reason="wrong words")
    pages = ["/work", "/work/new", "/work/letters", f"/work/triggers/{CLINIC}", backtest, submission]
    pages += [f"{submission}/preview", draft]
    pages += [f"{draft}/{each}" for each in ("form", "words", "tests", "preview", "backtest", "submit")]
    told = {"en": "are stopped", "ru": "Остановлены", "kk": "тоқтатылған"}[language]
    for path in pages:
        page = aida.get(f"{path}?language={language}").text
        bar = page.partition('class="stops"')[2].partition("</section>")[0]
        assert ("wrong words" in bar, told in bar, "<form" in bar) == (True, True, False), path
    assert 'class="stops"' not in fred.get("/work").text


def test_figures_are_what_happened(quiet: Workshop) -> None:
    """The funnel is told in all, and by channel and language; the CSV has the same by day, and the reasons."""
    tell(quiet)
    quiet.world.at("2025-06-21T12:00:00+05:00")
    attached = {"area": "750000000", "clinic": "Емхана № 5", "attached_on": "2025-06-21"}
    quiet.world.take(event("kz.health.clinic_attached", AIGERIM, "2025-06-21T11:00:00+05:00", attached))
    quiet.world.plan()
    aida = signed_in(quiet, "aida")
    page = aida.get(f"/work/triggers/{CLINIC}").text
    assert "planned: 1; sent: 1" in page
    [row] = re.findall(r'<th scope="row"[^>]*>SMS</th>(.*?)</tr>', page)
    assert re.findall("<span>(.*?)</span>", row) == ["Қазақша", "1", "1", "0", "0", "0", "1"]
    answer = aida.get(f"/work/triggers/{CLINIC}/figures.csv?days=90")
    assert answer.headers["content-type"] == "text/csv; charset=utf-8"
    lines = answer.text.removeprefix("\ufeff").splitlines()
    assert lines[0] == "day,what,channel,language,reason,count"
    assert "2025-06-02,planned,,,,1" in lines
    assert any(line.endswith(",sent,sms,kk,,1") for line in lines), lines
    assert "2025-06-21,done,sms,kk,,1" in lines
    assert "answered: 0; done afterwards: 1" in page
    assert "It does not say that it was done because of the message." in page


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_stages_under_a_chart_do_not_run_into_each_other(language: str) -> None:
    """In each language every stage has room for its label, at 7.5 units of the chart a letter."""
    speech = Speech(language, ZoneInfo("UTC"))
    marks = chart_by_name("", "", [(word_for(STATES, stage, speech), 1) for stage in STAGES]).marks
    widths = [7.5 * len(mark.label) for mark in marks]
    starts = [mark.at - width * mark.ends for mark, width in zip(marks, widths, strict=True)]
    edges = list(zip(starts, widths, marks, strict=True))
    assert [mark.label for (at, width, mark), (after, _, _) in pairwise(edges) if at + width > after] == []


def test_a_trigger_is_withdrawn_in_a_browser(told: Workshop) -> None:
    """Only for a reason, once it is ticked, and by its own agency; the history says who did it and why."""
    aida, fred = signed_in(told, "aida"), signed_in(told, "fred")
    where = f"/work/triggers/{CLINIC}"
    assert fred.post(f"{where}/withdraw", why="by mistake", sure="yes").status_code == 403
    for given, said in (({"why": "an old law"}, "Tick to confirm that it is"), ({"sure": "yes"}, "Write why")):
        wrong = aida.post(f"{where}/withdraw", **given)
        assert (wrong.status_code, said in wrong.text) == (422, True)
    assert told.world.platform.rules.approval.governed().current(CLINIC) is not None
    done = aida.post(f"{where}/withdraw", why="an old law", sure="yes")
    assert done.headers["location"] == f"{where}?done=withdrawn"
    page = aida.get(done.headers["location"]).text
    assert "It is withdrawn" in page
    assert "an old law" in page
    assert told.world.platform.rules.approval.governed().current(CLINIC) is None


def test_what_was_planned_before_the_days_shown_is_explained(told: Workshop) -> None:
    """Where more was sent in these days than planned, the page says that planning was before them."""
    told.world.at(datetime.fromisoformat("2025-06-09T12:00:00+05:00"))
    page = signed_in(told, "fred").get(f"/work/triggers/{FINE}?days=7").text
    assert ("planned before these days" in page) == figures(told.world.platform, FINE, 7, speech_of("en")).before
    rows = [(date(2025, 6, 9), "sent.sms.kk", 6)]
    assert Figures(rows, date(2025, 6, 3), date(2025, 6, 9), speech_of("en"), 1).before


@pytest.mark.parametrize(
    ("language", "said"),
    [
        ("en", "No rule of this name is published."),
        ("ru", "Правило с таким именем не опубликовано."),
        ("kk", "Мұндай атаумен ереже жарияланбаған."),
    ],
)
def test_the_page_of_what_is_not_published_says_so(quiet: Workshop, language: str, said: str) -> None:
    """One sentence in the reader's language, without a command."""
    answer = signed_in(quiet, "aida").get(f"/work/triggers/clinic_attachmen?language={language}")
    assert (answer.status_code, said in answer.text, "habarshy rules" in answer.text) == (404, True, False)


def test_figures_say_why_a_message_is_no_longer_needed() -> None:
    """Whoever sees that a planned message will not go reads what can have ended it."""
    rows = [(date(2025, 6, 3), "planned", 1), (date(2025, 6, 3), "cancelled", 1)]
    for versions, why in (
        (1, "it was done, or its data changed"),
        (2, "it was done, its data changed, or another version holds now"),
    ):
        found = Figures(rows, date(2025, 6, 3), date(2025, 6, 9), speech_of("en"), versions)
        assert found.unsent() == [(f"no longer needed: {why}", 1)]


def test_figures_in_short_leave_out_what_nobody_came_to() -> None:
    """Whoever published for a share reads in one line what was planned, what went, and what did not arrive or go."""
    day = date(2025, 6, 3)
    rows = [(day, "planned", 3), (day, "sent.sms.kk", 2), (day, "failed.unreachable", 1)]
    assert Figures(rows, day, day, speech_of("en"), 1).in_short == "planned: 3; sent: 2; did not arrive: 1"
    over = [(day, "planned", 3), (day, "cancelled", 2), (day, "expired", 1)]
    assert Figures(over, day, day, speech_of("en"), 1).in_short == "planned: 3; not sent: 3"


def test_figures_say_that_a_first_publication_looked_at_the_past() -> None:
    """Messages that are planned and over the moment a rule is published look like a fault, unless it is said."""
    first, last, begun = date(2025, 6, 3), date(2025, 6, 9), date(2025, 6, 8)
    for day, what, said in ((begun, "expired", True), (last, "expired", False), (begun, "withheld.cap", False)):
        assert Figures([(day, what, 3)], first, last, speech_of("en"), 1, begun).looked_back is said
