"""The forecast of load: exact counts of due deliveries, spread over hours by the mix that a sample of them shows."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from datetime import datetime

from msgspec import Struct
from msgspec.structs import replace


class SampledDelivery(Struct, frozen=True):
    """The outcome of one delivery of the sample: due at `due`, it goes at `at` by `channel`, or not at all.

    `parts`: of an SMS; `deferred`: the reason why it went later than due, or with a digest; `withheld`: the reason
    why it does not go; `stopped`: a kill switch or a pause holds it back; `of`: the number of deliveries that the due
    one became (a minor's goes to each guardian).
    """

    trigger: str
    due: datetime
    at: datetime
    channel: str = ""
    parts: float = 0
    deferred: str = ""
    withheld: str = ""
    stopped: bool = False
    of: int = 1


class Cell(Struct, frozen=True):
    """The hour (its beginning, UTC), trigger and channel of a count."""

    hour: datetime
    trigger: str
    channel: str


class Forecast(Struct, frozen=True):
    """Expected messages and parts of SMS by cell; how many are due; of them, deferred and withheld, why.

    `held_back`: how many more are due and wait for what is stopped; they are not among those that are due.
    """

    due: int
    messages: defaultdict[Cell, float]
    parts: defaultdict[Cell, float]
    deferred: defaultdict[str, float]
    withheld: defaultdict[str, float]
    held_back: float = 0


def spread(due: Iterable[tuple[datetime, str, int]], sample: Iterable[SampledDelivery], now: datetime) -> Forecast:
    """Return the forecast. `due`: how many deliveries of each trigger are due in each hour (its beginning).

    Each count is shared out evenly over what the sample has of that trigger and hour, or else of that trigger, as
    much later as it went there. Where the sample is all there is, nothing is estimated.
    """
    found = Forecast(0, defaultdict(float), defaultdict(float), defaultdict(float), defaultdict(float))
    mix, total, held = _Mix(sample), 0, 0.0
    for hour, trigger, count in due:
        total += count
        alike = mix.of(trigger, hour)
        rows = sum(1 / went.of for went in alike)
        for went in alike:
            if went.stopped:
                held += count / rows / went.of
                continue
            _share(found, went, count / rows, max(hour_of(now), hour_of(hour + (went.at - hour_of(went.due)))))
    return replace(found, due=total - round(held), held_back=held)


def _share(found: Forecast, went: SampledDelivery, share: float, hour: datetime) -> None:
    if went.withheld:
        found.withheld[went.withheld] += share
        return
    if went.deferred:
        found.deferred[went.deferred] += share
    if went.channel:
        cell = Cell(hour, went.trigger, went.channel)
        found.messages[cell] += share
        found.parts[cell] += share * went.parts


def hour_of(moment: datetime) -> datetime:
    """Return the beginning of its hour."""
    return moment.replace(minute=0, second=0, microsecond=0)


class _Mix:
    """The sample, by trigger and hour, and by trigger."""

    def __init__(self, sample: Iterable[SampledDelivery]) -> None:
        self._by_hour: dict[tuple[str, datetime], list[SampledDelivery]] = defaultdict(list)
        self._by_trigger: dict[str, list[SampledDelivery]] = defaultdict(list)
        for went in sample:
            self._by_hour[went.trigger, hour_of(went.due)].append(went)
            self._by_trigger[went.trigger].append(went)

    def of(self, trigger: str, hour: datetime) -> Sequence[SampledDelivery]:
        return self._by_hour.get((trigger, hour)) or self._by_trigger.get(trigger) or ()


class ForecastLine(Struct, frozen=True):
    """A line of a forecast: a day (or hour) as its beginning, an agency, a channel."""

    start: datetime
    agency: str
    channel: str
    messages: float
    parts: float
    cost: float | None
