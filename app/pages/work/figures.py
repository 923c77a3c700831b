"""What became of a trigger's messages: from planned to answered, and what was withheld why; charts, tables, CSV."""

from collections import Counter
from collections.abc import Iterator, Sequence
from datetime import date, timedelta
from typing import Any

from msgspec import Struct
from msgspec.structs import replace

from app.backtest_chart import Chart, by_day, by_name
from app.compose import Platform
from app.pages.catalogues import Speech
from app.pages.life import shown
from app.pages.work.words import WHAT, reason
from projections import statistics

STAGES = ("planned", "sent", "delivered", "opened", "answered")
SPANS = (7, 30, 90, 365)
"""Days that one may look back."""
Row = tuple[date, str, int]


class Figures(Struct, frozen=True):
    """Counts of one trigger over some days: by day, and what happened."""

    rows: Sequence[Row]
    first: date
    last: date
    speech: Speech

    @property
    def totals(self) -> Counter[str]:
        """What happened, with its reason or channel -> how often."""
        found: Counter[str] = Counter()
        for _, what, count in self.rows:
            found[what] += count
        return found

    def stages(self) -> list[tuple[str, int]]:
        """The funnel: each stage with how many came so far."""
        by_stage: Counter[str] = Counter()
        for what, count in self.totals.items():
            by_stage[what.partition(".")[0]] += count
        return [(shown(WHAT, stage, self.speech), by_stage[stage]) for stage in STAGES]

    def of(self, what: str) -> list[tuple[str, int]]:
        """What happened for which reasons or by which channels, the most often first."""
        found = Counter({name: count for name, count in self.totals.items() if name.partition(".")[0] == what})
        return [(reason(name.partition(".")[2], self.speech), count) for name, count in found.most_common()]

    def charts(self) -> Iterator[Chart]:
        """The funnel, and what was sent a day."""
        say, stages = self.speech.say, self.stages()
        said = "; ".join(f"{name}: {self.speech.number(count)}" for name, count in stages)
        yield replace(by_name(say("From planned to answered"), say("Stage"), stages), said=said)
        days: Counter[str] = Counter()
        for day, what, count in self.rows:
            if what == "sent":
                days[day.isoformat()] += count
        chart = by_day("", days, self.first, self.last)
        said = say("{count} messages").format(count=self.speech.number(days.total()))
        yield replace(chart, title=say("Sent a day"), unit=say("Day"), said=said)

    def lines(self) -> Iterator[Sequence[Any]]:
        """The rows of the CSV file, its head first."""
        yield "day", "what", "detail", "count"
        for day, what, count in self.rows:
            name, _, detail = what.partition(".")
            yield day.isoformat(), name, detail, count


def figures(platform: Platform, trigger: str, days: int, speech: Speech) -> Figures:
    """Those of the last days, today included."""
    platform.follower.drain()
    last = platform.clock().date()
    first = last - timedelta(days=days - 1)
    with platform.database.reading() as connection:
        return Figures(statistics.of_trigger(connection, trigger, first, last), first, last, speech)
