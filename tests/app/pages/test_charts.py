"""Every chart has a name, a caption, and its data as a table of that name, on every page that draws one."""

import re
from html import unescape
from pathlib import Path

import pytest

import app.pages
from app.backtests.chart import by_hour
from app.pages.catalogues import LANGUAGES
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
    chart, speech = by_hour("Messages", {9: 20_000}), speech_of(language)
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
