"""The report of a backtest as one page that needs nothing else: no network, no script; light, dark, and on paper."""

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path

from msgspec import Struct
from msgspec.structs import replace

from app.backtests.report import CHANGES, Report
from app.pages.catalogues import LANGUAGES, Speech
from app.pages.chart import MONTH, Chart, chart_by_day, chart_by_hour
from app.pages.layout import self_contained_page
from app.reports.life_words import CHANNELS
from domain.core.translatable import N_, Counted, Number, Said, Words
from templates.words import emblems

PAGES = Path(__file__).parent


class Table(Struct, frozen=True):
    """A table of the page. `numbers`, `codes`: which columns are figures, and which are pseudonyms."""

    title: str
    heads: Sequence[str]
    rows: Sequence[Sequence[str]]
    about: str = ""
    numbers: frozenset[int] = frozenset()
    codes: frozenset[int] = frozenset()


def backtest_page(report: Report, speech: Speech) -> str:
    """Return the page, told in that language; times and texts of rules are as they are."""
    return self_contained_page(
        "backtest.html",
        speech,
        report=report,
        charts=list(_charts(report, speech)),
        tables=list(_tables(report)),
        channels=CHANNELS,
        number=speech.number,
        language=speech.language,
        parts=lambda count: Counted("{count} part of SMS", "{count} parts of SMS", count),
        palette="\n".join(palette()),
        as_shown=emblems.in_page,
    )


def palette() -> Iterator[str]:
    """Yield the design's custom properties, as all pages have them, for a page that needs no other file."""
    style = (PAGES / "static/style.css").read_text(encoding="utf-8")
    yield style.partition("\n* {")[0]
    if paper := re.search(r"@media print \{.*?(:root \{.*?\})", style, re.DOTALL):
        yield f"@media print {{ {paper[1]} }}"


def _charts(report: Report, speech: Speech) -> Iterator[Chart]:
    for channel in report.channels:
        days = {day: many for (day, of), many in report.tally.days.items() if of == channel}
        name = Said(CHANNELS.get(channel, channel))
        chart = chart_by_day(days, report.first_day, report.last_day, speech)
        title = N_("{channel} a month") if chart.unit == MONTH else N_("{channel} a day")
        yield replace(chart, title=Words(title, channel=name))
    if report.total:
        hours = Counter[int]()
        for hour, many in report.tally.hours.items():
            hours[int(hour[11:13])] += many
        yield chart_by_hour(Said("All of it by the hour of the day"), hours)


def _tables(report: Report) -> Iterator[Table]:
    tally = report.tally
    rows: list[tuple[str, ...]]
    last = frozenset({2})
    if tally.persons:
        rows = [(report.reason(why), Number(many)) for why, many in report.outcomes]
        about = N_("Each person is counted once, by the reason that weighs most.")
        yield Table(
            N_("Everybody who was looked at"), (N_("Outcome"), N_("Persons")), rows, about, numbers=frozenset({1})
        )
    if report.total:
        rows = [
            (Said(CHANNELS.get(channel, channel)), LANGUAGES.get(language, language), Number(many))
            for (channel, language), many in sorted(tally.messages.items())
        ]
        yield Table(
            N_("By channel and language"), (N_("Channel"), N_("Language"), N_("Messages")), rows, numbers=last
        )
        rows = [(trigger, step, Number(many)) for (trigger, step), many in sorted(tally.steps.items())]
        yield Table(N_("By step"), (N_("Trigger"), N_("Step"), N_("Messages")), rows, numbers=last)
    if tally.parts:
        rows = [
            (LANGUAGES.get(language, language), str(parts), Number(many))
            for (language, parts), many in sorted(tally.parts.items())
        ]
        yield Table(
            N_("Parts of SMS"), (N_("Language"), N_("Parts each"), N_("Messages")), rows, numbers=frozenset({1, 2})
        )
    reasons = ((N_("Put off"), tally.deferred), (N_("Withheld"), tally.withheld), (N_("Not sent"), tally.ended))
    for title, counts in reasons:
        if counts:
            rows = [(report.reason(why), Number(many)) for why, many in counts.most_common()]
            yield Table(title, (N_("Why"), N_("How often")), rows, numbers=frozenset({1}))
    if tally.most:
        rows = [(who, Number(many)) for many, who in tally.most]
        yield Table(
            N_("Who would get most"),
            (N_("Person"), N_("Messages")),
            rows,
            numbers=frozenset({1}),
            codes=frozenset({0}),
        )
    yield from _changes(report)


def _changes(report: Report) -> Iterator[Table]:
    if not report.order.against:
        return
    rows = [
        (Said(CHANGES[what]), report.reason(why) if why else "", Number(many))
        for what in CHANGES
        for why, many in report.changes.get(what, Counter()).most_common()
    ]
    about = N_("What is in force was played as if it had been published on the same day.")
    yield Table(
        N_("Against what is in force"), (N_("Told"), N_("Why"), N_("Messages")), rows, about, numbers=frozenset({2})
    )
    for what, title in (("gains", N_("Some who would gain")), ("loses", N_("Some who would lose"))):
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
            yield Table(
                title,
                (N_("Person"), N_("When"), N_("Step"), N_("Why not by the other version")),
                examples,
                codes=frozenset({0}),
            )
