"""The trends of the last day as small charts, from the hourly counts and the samples of the backlogs."""

from collections import Counter
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta

from app.backtests.chart import Chart, rows, small
from app.compose import Platform
from app.pages.catalogues import Speech
from app.pages.life import shown
from app.reports.forecast_sums import prices_of
from app.reports.life_words import CHANNELS
from domain.core.translatable import N_
from streams.queries.health import DISPATCH_AGE, PLANNING_AGE
from streams.replay import hourly
from streams.replay.hourly import ARRIVED, hour_of

HOURS, EVERY = 24, 6
"""The hours of a chart, the last of which is under way; every so many of them are labelled."""
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

    def __init__(self, platform: Platform, speech: Speech) -> None:
        self._platform, self._speech = platform, speech
        self._last = hour_of(platform.clock())
        self._hours = range(self._last - HOURS + 1, self._last + 1)

    def charts(self) -> list[Chart]:
        """Return the charts; none where nothing was counted in the last day."""
        on, first = self._platform, self._hours[0]
        with on.database.reading() as connection:
            counts = hourly.by_hour(connection, first, self._last)
            sms = hourly.priced(connection, first, self._last)
        ages = on.queries.backlog.ages_by_hour(on.clock() - timedelta(hours=HOURS))
        if not counts and not any(any(each.values()) for each in ages.values()):
            return []
        return [
            self._arrivals(counts),
            *self._sends(counts),
            self._funnel(counts),
            *self._cost(sms),
            *self._lags(ages),
        ]

    def _arrivals(self, counts: Mapping[str, Counter[int]]) -> Chart:
        return self._by_hour(self._speech.say("Events that came in"), counts.get(ARRIVED, Counter()))

    def _sends(self, counts: Mapping[str, Counter[int]]) -> Iterator[Chart]:
        for channel in CHANNELS:
            if found := counts.get(f"sent.{channel}"):
                title = self._speech.say("Handed over: {channel}")
                yield self._by_hour(title.format(channel=shown(CHANNELS, channel, self._speech)), found)

    def _funnel(self, counts: Mapping[str, Counter[int]]) -> Chart:
        total: Counter[str] = Counter()
        for what, found in counts.items():
            total[what.partition(".")[0]] += found.total()
        steps = [(self._speech.say(words), max(0, total[name])) for name, words in FUNNEL.items()]
        said = self._speech.say("of the last 24 hours")
        return rows(self._speech.say("What became of messages"), self._speech.say("Step"), said, steps)

    def _cost(self, sms: Mapping[tuple[int, str], int]) -> Iterator[Chart]:
        """Yield the cost of SMS, as if each had one part: the log does not say how many parts a message had."""
        prices = prices_of(self._platform.rules.library.rules().governed)
        if not prices:
            return
        costs: Counter[int] = Counter()
        for (hour, trigger), count in sms.items():
            costs[hour] += round(count * prices.get(trigger, 0))
        said = self._speech.say("at least {amount}, with one part a message")
        title = self._speech.say("Cost of SMS")
        yield self._by_hour(title, costs, said.format(amount=self._speech.money(costs.total())))

    def _lags(self, ages: Mapping[str, Mapping[int, int]]) -> Iterator[Chart]:
        for name, title in (
            (PLANNING_AGE, self._speech.say("Longest wait for a plan, in seconds")),
            (DISPATCH_AGE, self._speech.say("Longest wait of a due message, in seconds")),
        ):
            found = Counter(ages[name])
            highest = self._speech.lasting(max(found.values(), default=0))
            said = self._speech.say("at most {time}").format(time=highest)
            yield self._by_hour(title, found, said)

    def _by_hour(self, title: str, found: Mapping[int, int], said: str = "") -> Chart:
        counts = [(self._label(hour), found.get(hour, 0)) for hour in self._hours]
        total = self._speech.say("{count} in the last 24 hours")
        said = said or total.format(count=self._speech.number(sum(count for _, count in counts)))
        return small(title, self._speech.say("Hour"), said, counts, EVERY)

    def _label(self, hour: int) -> str:
        return f"{datetime.fromtimestamp(hour * 3600, UTC).astimezone(self._speech.zone):%H:%M}"
