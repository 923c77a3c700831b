"""The forecast page: messages of the next days by day, channel and agency, with their cost."""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from datetime import timedelta

from fastapi import Request
from fastapi.responses import Response
from msgspec.structs import replace

from app.http import routes
from app.pages.catalogues import Speech
from app.pages.chart import Chart, chart_by_day
from app.pages.console.staff import ConsolePages, command_line
from app.pages.console.stopped import stop_line
from app.pages.life import STATES, word_for
from app.reports.forecast_sums import busiest, forecast_sums
from app.reports.life_words import CHANNELS, REASON_WORDS
from domain.nudges.forecast import ForecastLine
from domain.rules.built_in_triggers import DIGEST_TRIGGER
from streams.queries.forecast import ForecastResult
from streams.rules.trigger_history import agency_titles

SPANS = (7, 30, 90)
NOT_SENT = {**REASON_WORDS, "expired": STATES["expired"]}
"""The reasons why a due message does not go; one that expires before its turn is among them."""


class ForecastPage(ConsolePages):
    """Counts what is due exactly, and asks a sample what becomes of it."""

    @routes.get("/console/forecast")
    def show(self, request: Request) -> Response:
        """Day by day."""
        _, frame = self._staff.operator(request)
        asked, speech = request.query_params.get("days", ""), frame.speech
        days = int(asked) if asked in map(str, SPANS) else 30
        found = self._staff.platform.queries.forecast.forecast(timedelta(days=days))
        whole, lines, number = found.forecast, list(forecast_sums(found)), speech.number
        return self._staff.show(
            "forecast.html",
            frame,
            days=days,
            spans=[(each, speech.number_of_days(each)) for each in SPANS],
            charts=list(self._charts(found, days, speech)),
            figures=list(_figures(found, lines, speech)),
            agencies=_by_agency(found, lines, speech),
            number=number,
            due=number(whole.due),
            messages=number(round(sum(whole.messages.values()))),
            stopped=[stop_line(each, speech) for each in found.stopped],
            held=found.held_back and number(found.held_back),
            unplanned=found.unplanned and number(found.unplanned),
            share=number(round(found.share * 100, 1)) if found.share < 1 else "",
            deferred=_reasons(whole.deferred, speech),
            withheld=_reasons(whole.withheld, speech),
            command=command_line("forecast", "--days", days),
        )

    def _charts(self, found: ForecastResult, days: int, speech: Speech) -> Iterator[Chart]:
        first = speech.date_at(self._staff.now)
        counts: dict[str, defaultdict[str, float]] = {}
        for cell, many in found.forecast.messages.items():
            day = speech.date_at(cell.hour).isoformat()
            counts.setdefault(cell.channel, defaultdict(float))[day] += many
        for channel in sorted(counts):
            whole = {day: round(many) for day, many in counts[channel].items()}
            title = speech.say("{channel}, messages a day").format(channel=word_for(CHANNELS, channel, speech))
            said = speech.many("{count} message", "{count} messages", sum(whole.values()))
            chart = chart_by_day(whole, first, first + timedelta(days=days), speech)
            yield replace(chart, title=title[:1].upper() + title[1:], unit=speech.say("Day"), said=said)


def _figures(found: ForecastResult, lines: Sequence[ForecastLine], speech: Speech) -> Iterator[tuple[str, str]]:
    """Yield the most important figures."""
    if (peak := busiest(found)) is not None:
        yield speech.say("Busiest hour"), f"{speech.moment(peak[0])} – {speech.number(round(peak[1]))}"
    yield speech.say("Parts of SMS"), speech.number(round(sum(line.parts for line in lines)))
    yield speech.say("Cost of SMS"), _cost(lines, speech)


def _by_agency(found: ForecastResult, lines: Sequence[ForecastLine], speech: Speech) -> list[tuple[str, ...]]:
    """Return a row for each agency, the most messages first: title, messages, parts of SMS, cost."""
    titles = {**agency_titles(found.rules), "": DIGEST_TRIGGER.content["title"]}
    theirs: defaultdict[str, list[ForecastLine]] = defaultdict(list)
    for line in lines:
        theirs[line.agency].append(line)

    def row(agency: str) -> tuple[str, ...]:
        figures = [round(sum(getattr(line, what) for line in theirs[agency])) for what in ("messages", "parts")]
        return (
            speech.titled(titles.get(agency, {})) or agency,
            *map(speech.number, figures),
            _cost(theirs[agency], speech),
        )

    return [row(agency) for agency in sorted(theirs, key=lambda each: -sum(line.messages for line in theirs[each]))]


def _cost(lines: Sequence[ForecastLine], speech: Speech) -> str:
    """Return the cost in the national currency; a dash where no pack gives the price of a part."""
    priced = [line.cost for line in lines if line.cost is not None]
    return speech.money(sum(priced)) if priced else "–"


def _reasons(found: dict[str, float], speech: Speech) -> list[tuple[str, str]]:
    """Return the reasons with their counts, the most frequent first."""
    ordered = sorted(found.items(), key=lambda each: -each[1])
    return [(word_for(NOT_SENT, why, speech), speech.number(round(many))) for why, many in ordered]
