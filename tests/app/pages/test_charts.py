"""Every chart has a name, a caption, and its data as a table of that name, on every page that draws one."""

import re
from datetime import date, timedelta
from html import unescape
from itertools import pairwise
from pathlib import Path

import pytest

import app.pages
from app.pages.catalogues import LANGUAGES
from app.pages.chart import LARGE, chart_by_day, chart_by_hour, chart_by_name
from app.pages.layout import _environment
from streams.queues.jobs import JobState
from tests.app.pages.console.office import office_in, signed_in
from tests.app.pages.shipped_rules import speech_of
from tests.app.pages.work.workshop import AIGERIM, CLINIC, begun, tell, workshop_in
from tests.app.pages.work.workshop import signed_in as at_work
from tests.world import card, fine, registered

FIGURE = re.compile(r'<figure class="chart[^"]*">(.*?)</figure>(.*?)(?=<figure|</body>)', re.DOTALL)
DRAWN = {"_chart.html"}
"""The templates that draw: all others have the one macro do it."""


def charts_of(text: str) -> list[str]:
    """The names of the charts of a page; each has its caption, its accessible name and its table."""
    names = []
    for figure, after in FIGURE.findall(text):
        [caption] = re.findall(r"<figcaption>([^<]+)</figcaption>", figure)
        [name] = re.findall(r'<svg class="chart"[^>]* role="img" aria-label="([^"]+)"', figure)
        table = re.search(r"<table><caption[^>]*>([^<]+)</caption>(.*?)</table>", figure + after, re.DOTALL)
        assert table is not None, caption
        title = table[1]
        assert (caption.startswith(title), name.startswith(f"{title}. ")) == (True, True), caption
        heads = re.findall(r'<th scope="col"[^>]*>([^<]*)</th>', table[2])
        assert len(heads) == 2, title
        assert all(heads), title
        assert table[2].count("<tr>") > 1, title
        names.append(unescape(title))
    assert len(names) == text.count('<svg class="chart"') == text.count("<figure")
    assert len(set(names)) == len(names), "each chart has a name of its own"
    return names


@pytest.mark.parametrize("language", LANGUAGES)
async def test_the_charts_of_the_console_are_named(tmp_path: Path, language: str) -> None:
    """On the front page for both spans, and on the forecast; what is only a lower bound is called so."""
    office = office_in(tmp_path)
    office.world.take(
        *registered(AIGERIM), card(AIGERIM, "2025-07-05"), fine(AIGERIM, "KZ-7", "2025-06-02T11:00:00+05:00")
    )
    await office.world.settle()
    office.world.platform.replay.follower.drain()
    office.world.platform.queries.backlog.take()
    browser = signed_in(office, "olga")
    day, week, forecast = (
        charts_of(browser.get(f"/console{path}language={language}").text)
        for path in ("?", "?span=week&", "/forecast?days=30&")
    )
    assert (len(day) > 3, len(week) > 3, len(forecast) > 0) == (True, True, True)
    bound = {"en": "a lower bound", "ru": "нижняя граница", "kk": "төменгі шегі"}[language]
    assert [bound in each for each in day].count(True) == 1
    office.world.close()


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_charts_of_the_workbench_are_named(tmp_path: Path, language: str) -> None:
    """On the page of a trigger, of a finished backtest, and on the page of components."""
    quiet = workshop_in(tmp_path)
    tell(quiet)
    aida, jobs = at_work(quiet, "aida"), quiet.world.platform.queues.jobs
    where = begun(aida)
    report = aida.post(f"{where}/backtest", **{"from": "2025-05-01", "to": "2025-06-20"}).headers["location"]
    while jobs.latest(1)[0].state in (JobState.PLANNED, JobState.RUNNING):
        aida.get(report)
    for path, many in ((f"/work/triggers/{CLINIC}", 2), (report, 1), ("/components", 1)):
        assert len(charts_of(aida.get(f"{path}?language={language}").text)) == many, path
    quiet.world.close()


@pytest.mark.parametrize(("language", "mark"), [("en", "20,000"), ("ru", "20\u00a0000"), ("kk", "20\u00a0000")])
def test_the_counts_beside_a_chart_are_written_as_the_language_does(language: str, mark: str) -> None:
    """A large number on the upright axis has its digits in the language's groups."""
    chart, speech = chart_by_hour("Messages", {9: 20_000}), speech_of(language)
    drawing = '{% import "_chart.html" as charts %}{{ charts.bars(chart, "n", "same", speech.number) }}'
    page = _environment(language, "", (Path("app/pages/html").resolve(),)).from_string(drawing)
    drawn = page.render(chart=chart, speech=speech)
    assert re.findall(r'text-anchor="end">([^<]*)<', drawn)[-1].replace("\u202f", "\u00a0") == mark


def test_only_one_template_draws() -> None:
    """A chart that another template drew by itself would have no table: all take the one macro."""
    folder = Path(app.pages.__file__).parents[1]
    drawing = {
        path.name for path in folder.rglob("*.html") if re.search(r"<(svg|canvas|figure)\b", path.read_text("utf-8"))
    }
    assert drawing <= DRAWN


def test_a_chart_says_what_it_shows() -> None:
    """Every day has a bar, the highest is marked, and longer times are shown by month."""
    chart = chart_by_day({"2025-01-02": 7, "2025-01-03": 3}, date(2025, 1, 1), date(2025, 1, 4), speech_of("en"))
    assert [(bar.label, bar.count) for bar in chart.bars][1:3] == [("2 January 2025", 7), ("3 January 2025", 3)]
    assert [bar.most for bar in chart.bars] == [False, True, False, False]
    assert chart.said == "10 messages; the highest bar, 7: 2 January 2025"
    assert [tick.count for tick in chart.ticks] == [0, 4, 8]
    years = chart_by_day({"2025-01-02": 7}, date(2024, 1, 1), date(2025, 12, 31), speech_of("ru"))
    assert (len(years.bars), years.unit, years.bars[0].label) == (24, "Month", "январь 2024")
    assert len(chart_by_hour("Hours", {12: 1}).bars) == 24


@pytest.mark.parametrize("days", [0, 6, 29, 364, 365, 399, 401, 600, 1096])
def test_no_label_of_a_chart_is_clipped(days: int) -> None:
    """Whatever the span, labels neither run into each other nor over the edge; a year and more has some."""
    for begin in range(0, 31, 5):
        first = date(2024, 5, 1) + timedelta(days=begin)
        marks = [mark.at for mark in chart_by_day({}, first, first + timedelta(days=days), speech_of("ru")).marks]
        assert all(later - sooner >= len("сент.") * 7 for sooner, later in pairwise([*marks, LARGE.width]))
        assert marks or days < 31


def test_a_year_has_all_its_months() -> None:
    """February is short, and March has its label all the same."""
    marks = chart_by_day({}, date(2025, 1, 1), date(2025, 12, 31), speech_of("en")).marks
    assert [mark.label for mark in marks] == [
        speech_of("en").short_month(date(2025, month, 1)) for month in range(1, 13)
    ]


def test_the_last_name_under_a_chart_ends_at_its_edge() -> None:
    """A name may be longer than its bar; behind the last one there is no room, so it ends there."""
    marks = chart_by_name("Done", "Stage", [("planned", 3), ("сделано после этого", 1)]).marks
    assert [(mark.at, mark.ends) for mark in marks] == [(52, False), (LARGE.width, True)]
