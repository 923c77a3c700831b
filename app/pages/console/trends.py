"""The trends of the last day or week as small charts, from the hourly counts and the samples of the backlogs."""

from collections import Counter
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta

from msgspec import Struct
from msgspec.structs import replace

from app.compose import Platform
from app.pages.catalogues import Speech
from app.pages.chart import Chart, row_chart, small_chart
from app.pages.life import word_for
from app.reports.forecast_sums import prices_of
from app.reports.life_words import CHANNELS
from domain.core.translatable import N_
from streams.queries.health import DISPATCH_AGE, PLANNING_AGE
from streams.replay import hourly
from streams.replay.hourly import ARRIVED, KEPT, hour_of


class Span(Struct, frozen=True, kw_only=True):
    """A time that the charts look back. `daily`: a bar is a day, else an hour; the last one is under way.

    `every`: so many bars share a label.
    """

    name: str
    hours: int
    daily: bool
    every: int
    unit: str
    title: str
    counted: str
    of_all: str
    nothing: str


DAY = Span(
    name="day",
    hours=24,
    daily=False,
    every=6,
    unit=N_("Hour"),
    title=N_("The last 24 hours"),
    counted=N_("{count} in the last 24 hours"),
    of_all=N_("of the last 24 hours"),
    nothing=N_("Nothing was counted in the last 24 hours."),
)
WEEK = Span(
    name="week",
    hours=KEPT,
    daily=True,
    every=1,
    unit=N_("Day"),
    title=N_("The last 7 days"),
    counted=N_("{count} in the last 7 days"),
    of_all=N_("of the last 7 days"),
    nothing=N_("Nothing was counted in the last 7 days."),
)
SPANS: Mapping[str, Span] = {each.name: each for each in (DAY, WEEK)}
"""By the name that the address of the page has."""
FUNNEL: Mapping[str, str] = {
    "planned": N_("planned"),
    "attempted": N_("attempted"),
    "sent": N_("handed over"),
    "delivered": N_("delivered"),
    "opened": N_("read"),
    "done": N_("done afterwards"),
}
"""The steps of a message, by the name of their fact."""


class Trends:
    """Makes the charts in the words of one language."""

    def __init__(self, platform: Platform, speech: Speech, span: Span = DAY) -> None:
        self._platform, self._speech, self._span = platform, speech, span
        self._last = hour_of(platform.clock())
        hours = range(self._last - span.hours + 1, self._last + 1)
        first = self._local(self._last).date() - timedelta(days=KEPT // 24)
        self._hours = [hour for hour in hours if not span.daily or self._local(hour).date() > first]

    def charts(self) -> list[Chart]:
        """Return the charts; none where nothing was counted in the time. How long things waited is kept for a day."""
        on, first = self._platform, self._hours[0]
        with on.database.reading() as connection:
            counts = hourly.by_hour(connection, first, self._last)
            sms = hourly.priced(connection, first, self._last)
        since = on.clock() - timedelta(hours=DAY.hours)
        ages = {} if self._span.daily else on.queries.backlog.ages_by_hour(since)
        if not counts and not any(any(each.values()) for each in ages.values()):
            return []
        return [
            self._over_time(self._speech.say("Events that came in"), counts.get(ARRIVED, Counter())),
            *self._sends(counts),
            self._funnel(counts),
            *self._cost(sms),
            *self._lags(ages),
        ]

    def _sends(self, counts: Mapping[str, Counter[int]]) -> Iterator[Chart]:
        for channel in CHANNELS:
            if found := counts.get(f"sent.{channel}"):
                title = self._speech.say("Handed over: {channel}")
                yield self._over_time(title.format(channel=word_for(CHANNELS, channel, self._speech)), found)

    def _funnel(self, counts: Mapping[str, Counter[int]]) -> Chart:
        total: Counter[str] = Counter()
        for what, found in counts.items():
            total[what.partition(".")[0]] += found.total()
        steps = [(self._speech.say(words), max(0, total[name])) for name, words in FUNNEL.items()]
        said = self._speech.say(self._span.of_all)
        return row_chart(self._speech.say("What became of messages"), self._speech.say("Step"), said, steps)

    def _cost(self, sms: Mapping[tuple[int, str], int]) -> Iterator[Chart]:
        """Yield the cost of SMS, as if each had one part: the log does not say how many parts a message had."""
        prices = prices_of(self._platform.rules.library.rules().governed)
        if not prices:
            return
        costs: Counter[int] = Counter()
        for (hour, trigger), count in sms.items():
            costs[hour] += round(count * prices.get(trigger, 0))
        said = self._speech.say("at least {amount}, with one part a message")
        title, counted = self._speech.say("Cost of SMS, a lower bound"), self._speech.say("At least")
        chart = self._over_time(title, costs, said.format(amount=self._speech.money(costs.total())))
        yield replace(chart, counted=counted)

    def _lags(self, ages: Mapping[str, Mapping[int, int]]) -> Iterator[Chart]:
        for name, title in (
            (PLANNING_AGE, self._speech.say("Longest wait for a plan, in seconds")),
            (DISPATCH_AGE, self._speech.say("Longest wait of a due message, in seconds")),
        ):
            if name not in ages:
                continue
            found = Counter(ages[name])
            highest = self._speech.duration(max(found.values(), default=0))
            said = self._speech.say("at most {time}").format(time=highest)
            yield replace(self._over_time(title, found, said), counted=self._speech.say("Seconds"))

    def _over_time(self, title: str, found: Mapping[int, int], said: str = "") -> Chart:
        counts = dict.fromkeys(map(self._label, self._hours), 0)
        for hour in self._hours:
            counts[self._label(hour)] += found.get(hour, 0)
        said = said or self._speech.say(self._span.counted).format(count=self._speech.number(sum(counts.values())))
        return small_chart(title, self._speech.say(self._span.unit), said, list(counts.items()), self._span.every)

    def _label(self, hour: int) -> str:
        return f"{self._local(hour):{'%d.%m' if self._span.daily else '%H:%M'}}"

    def _local(self, hour: int) -> datetime:
        return datetime.fromtimestamp(hour * 3600, UTC).astimezone(self._speech.zone)
