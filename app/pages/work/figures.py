"""The outcomes of a trigger's messages, by channel and language, and the reasons to withhold: as charts and CSV."""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import date, timedelta
from typing import Any

from msgspec import Struct
from msgspec.structs import replace

from app.compose import Platform
from app.pages.catalogues import LANGUAGES, Speech
from app.pages.chart import Chart, chart_by_day, chart_by_name
from app.pages.life import word_for
from app.pages.work.words import WHAT, channel_in_words, reason_in_words
from projections import statistics

STAGES = ("planned", "sent", "delivered", "opened", "answered", "done")
BY_WAY = ("attempted", *STAGES[1:])
"""The stages that are counted by channel and language as well."""
SPANS = (7, 30, 90, 365)
"""Days that one may look back."""
Row = tuple[date, str, int]


class ByWay(Struct, frozen=True):
    """The counts for one channel in one language: how many came so far as each stage of BY_WAY."""

    channel: str
    language: str
    counts: tuple[int, ...]


class Figures(Struct, frozen=True):
    """Counts of one trigger over some days: by day, and what happened. `versions`: how many were ever published.

    `begun`: the day of the first publication; None where it is not known.
    """

    rows: Sequence[Row]
    first: date
    last: date
    speech: Speech
    versions: int
    begun: date | None = None

    @property
    def totals(self) -> Counter[str]:
        """Return the counts over all days: an outcome with its channel and language or reason -> number."""
        found: Counter[str] = Counter()
        for _, what, count in self.rows:
            found[what] += count
        return found

    def stages(self) -> list[tuple[str, int]]:
        """Return the funnel: each stage with how many came so far."""
        by_stage: Counter[str] = Counter()
        for what, count in self.totals.items():
            by_stage[what.partition(".")[0]] += count
        return [(word_for(WHAT, stage, self.speech), by_stage[stage]) for stage in STAGES]

    @property
    def in_short(self) -> str:
        """Return how many came so far as each stage, did not arrive or were not sent; no empty stage."""
        ended = {"failed": self.of("failed"), "withheld": self.unsent()}
        counts = [*self.stages(), *((word_for(WHAT, what, self.speech), _sum(why)) for what, why in ended.items())]
        return "; ".join(f"{name}: {self.speech.number(count)}" for name, count in counts if count)

    @property
    def before(self) -> bool:
        """Return True if more was sent in these days than planned: some of it was planned before them."""
        counts = dict(zip(STAGES, (count for _, count in self.stages()), strict=True))
        return counts["sent"] > counts["planned"]

    @property
    def looked_back(self) -> bool:
        """Return True if messages were over on the day of the first publication, which looks at the past too."""
        return any(day == self.begun and what == "expired" for day, what, _ in self.rows)

    def by_stage(self) -> list[str]:
        """Return the titles of the stages of `by_way`."""
        return [word_for(WHAT, stage, self.speech) for stage in BY_WAY]

    def by_way(self) -> list[ByWay]:
        """Return the funnel of each channel and language, the widest first."""
        totals = self.totals
        ways = {way for name in totals for what, _, way in [name.partition(".")] if what in BY_WAY}
        counts = {way: tuple(totals[f"{stage}.{way}" if way else stage] for stage in BY_WAY) for way in ways}
        found = sorted(counts.items(), key=lambda each: ([-count for count in each[1]], each[0]))
        return [ByWay(*self._said(way), counts) for way, counts in found]

    def _said(self, way: str) -> tuple[str, str]:
        name, _, language = way.partition(".")
        return channel_in_words(name, self.speech), LANGUAGES.get(language) or language or self.speech.say(
            "not known"
        )

    def of(self, what: str) -> list[tuple[str, int]]:
        """Return the reasons of that outcome with their counts, the most frequent first."""
        found = Counter({name: count for name, count in self.totals.items() if name.partition(".")[0] == what})
        return [(reason_in_words(name.partition(".")[2], self.speech), count) for name, count in found.most_common()]

    def unsent(self) -> list[tuple[str, int]]:
        """Return the reasons why planned nudges were not sent: withheld, too late, or no longer in the plan."""
        needless = self.speech.say("no longer needed: it was done, or its data changed")
        if self.versions > 1:
            needless = self.speech.say(
                "no longer needed: it was done, its data changed, or another version holds now"
            )
        rest = [
            (word_for(WHAT, "expired", self.speech), self.totals["expired"]),
            (needless, self.totals["cancelled"]),
        ]
        return [*self.of("withheld"), *((text, count) for text, count in rest if count)]

    def charts(self) -> Iterator[Chart]:
        """Yield the funnel, and what was sent a day."""
        say, stages = self.speech.say, self.stages()
        said = "; ".join(f"{name}: {self.speech.number(count)}" for name, count in stages)
        yield replace(chart_by_name(say("From planned to done"), say("Stage"), stages), said=said)
        days: Counter[str] = Counter()
        for day, what, count in self.rows:
            if what.partition(".")[0] == "sent":
                days[day.isoformat()] += count
        chart = chart_by_day(days, self.first, self.last, self.speech)
        said = self.speech.many("{count} message", "{count} messages", days.total())
        yield replace(chart, title=say("Sent a day"), unit=say("Day"), said=said)

    def lines(self) -> Iterator[Sequence[Any]]:
        """Yield the rows of the CSV file, its head first."""
        yield "day", "what", "channel", "language", "reason", "count"
        for day, what, count in self.rows:
            name, _, detail = what.partition(".")
            by, _, language = detail.partition(".") if name in BY_WAY else ("", "", "")
            yield day.isoformat(), name, by, language, "" if name in BY_WAY else detail, count


def _sum(reasons: Iterable[tuple[str, int]]) -> int:
    return sum(count for _, count in reasons)


def tells_done(rules: Mapping[str, Any]) -> bool:
    """Return True if a trigger declares the event that shows its service was done."""
    repeats = [step["repeat"] for step in rules["due"].values() if step and "repeat" in step]
    return bool(rules.get("unless")) or any("until" in repeat for repeat in repeats)


def figures(platform: Platform, trigger: str, days: int, speech: Speech) -> Figures:
    """Return the figures of the last days, today included."""
    platform.replay.follower.drain()
    facts = [each.fact for each in platform.rules.library.rules().governed.publications]
    published = [fact for fact in facts if fact.trigger == trigger]
    versions = len({fact.hash for fact in published})
    begun = min((fact.at.date() for fact in published), default=None)
    last = platform.clock().date()
    first = last - timedelta(days=days - 1)
    with platform.database.reading() as connection:
        rows = statistics.of_trigger(connection, trigger, first, last)
    return Figures(rows, first, last, speech, versions, begun)
