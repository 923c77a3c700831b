"""The report of a backtest as one page that needs nothing else: no network, no script; light, dark, and on paper."""

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from msgspec import Struct

from app.backtests.chart import Chart, by_day, by_hour
from app.backtests.report import CHANGES, Report
from app.reports.life_words import CHANNELS
from templates.words import emblems

PAGES = Path(__file__).parents[1] / "pages"


class Table(Struct, frozen=True):
    """A table of the page. `numbers`, `codes`: which columns are figures, and which are pseudonyms."""

    title: str
    heads: Sequence[str]
    rows: Sequence[Sequence[str]]
    about: str = ""
    numbers: frozenset[int] = frozenset()
    codes: frozenset[int] = frozenset()


def page(report: Report) -> str:
    """Return the page."""
    environment = Environment(
        loader=FileSystemLoader(PAGES),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["number"] = lambda count: f"{count:,}"
    seen = {
        "report": report,
        "charts": list(_charts(report)),
        "tables": list(_tables(report)),
        "channels": CHANNELS,
        "number": environment.filters["number"],
        "palette": "\n".join(palette()),
        "as_shown": emblems.in_page,
    }
    return environment.get_template("backtest.html").render(seen)


def palette() -> Iterator[str]:
    """Yield the design's custom properties, as all pages have them, for a page that needs no other file."""
    style = (PAGES / "static/style.css").read_text(encoding="utf-8")
    yield style.partition("\n* {")[0]
    if paper := re.search(r"@media print \{.*?(:root \{.*?\})", style, re.DOTALL):
        yield f"@media print {{ {paper[1]} }}"


def _charts(report: Report) -> Iterator[Chart]:
    for channel in report.channels:
        days = {day: many for (day, of), many in report.tally.days.items() if of == channel}
        name = CHANNELS.get(channel, channel)
        yield by_day(f"{name[0].upper()}{name[1:]} a day", days, report.first_day, report.last_day)
    if report.total:
        hours = Counter[int]()
        for hour, many in report.tally.hours.items():
            hours[int(hour[11:13])] += many
        yield by_hour("All of it by the hour of the day", hours)


def _tables(report: Report) -> Iterator[Table]:
    tally = report.tally
    rows: list[tuple[str, ...]]
    last = frozenset({2})
    if tally.persons:
        rows = [(report.reason(why), f"{many:,}") for why, many in report.outcomes]
        about = "Each person is counted once, by the reason that weighs most."
        yield Table("Everybody who was looked at", ("Outcome", "Persons"), rows, about, numbers=frozenset({1}))
    if report.total:
        rows = [
            (CHANNELS.get(channel, channel), language, f"{many:,}")
            for (channel, language), many in sorted(tally.messages.items())
        ]
        yield Table("By channel and language", ("Channel", "Language", "Messages"), rows, numbers=last)
        rows = [(trigger, step, f"{many:,}") for (trigger, step), many in sorted(tally.steps.items())]
        yield Table("By step", ("Trigger", "Step", "Messages"), rows, numbers=last)
    if tally.parts:
        rows = [(lang, str(parts), f"{many:,}") for (lang, parts), many in sorted(tally.parts.items())]
        yield Table("Parts of SMS", ("Language", "Parts each", "Messages"), rows, numbers=frozenset({1, 2}))
    for title, counts in _reasons(report):
        if counts:
            rows = [(report.reason(why), f"{many:,}") for why, many in counts.most_common()]
            yield Table(title, ("Why", "How often"), rows, numbers=frozenset({1}))
    if tally.most:
        rows = [(who, f"{many:,}") for many, who in tally.most]
        yield Table("Who would get most", ("Person", "Messages"), rows, numbers=frozenset({1}), codes=frozenset({0}))
    yield from _changes(report)


def _reasons(report: Report) -> Iterator[tuple[str, Counter[str]]]:
    yield "Put off", report.tally.deferred
    yield "Withheld", report.tally.withheld
    yield "Not sent", report.tally.ended


def _changes(report: Report) -> Iterator[Table]:
    if not report.order.against:
        return
    rows = [
        (CHANGES[what], report.reason(why) if why else "", f"{many:,}")
        for what in CHANGES
        for why, many in report.changes.get(what, Counter()).most_common()
    ]
    about = "What is in force was played as if it had been published on the same day."
    yield Table("Against what is in force", ("Told", "Why", "Messages"), rows, about, numbers=frozenset({2}))
    for what, title in (("gains", "Some who would gain"), ("loses", "Some who would lose")):
        examples = [
            (
                each.message.to,
                report.local(each.message.at),
                f"{each.message.trigger}, {each.message.step}",
                report.reason(each.why or ""),
            )
            for each in report.tally.examples.get(what, ())
        ]
        if examples:
            yield Table(title, ("Person", "When", "Step", "Why not otherwise"), examples, codes=frozenset({0}))
