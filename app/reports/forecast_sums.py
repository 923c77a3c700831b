"""A forecast in sums: by day or hour, agency and channel, with what the SMS cost; and its busiest hour."""

from collections import defaultdict
from collections.abc import Iterator, Mapping
from datetime import datetime

from domain.nudges.forecast import ForecastLine
from domain.rules.built_in_triggers import DIGEST
from streams.queries.forecast import ForecastResult
from streams.rules.governed import Governed
from templates.checks.pack_check import sms_limit_of


def forecast_sums(found: ForecastResult, *, by_hour: bool = False) -> Iterator[ForecastLine]:
    """Yield a line for each day or hour of the country, agency (empty: the platform) and channel, at the packs'
    prices.
    """
    zone, governed = found.rules.defaults.zone, found.rules.governed
    owners = {each.trigger.name: each.trigger.owner for each in found.rules.rulebook.versions.values()}
    prices = prices_of(governed)
    messages: dict[tuple[datetime, str, str], float] = defaultdict(float)
    parts: dict[tuple[datetime, str, str], float] = defaultdict(float)
    costs: dict[tuple[datetime, str, str], float] = defaultdict(float)
    for cell, many in found.forecast.messages.items():
        local = cell.hour.astimezone(zone)
        start = local if by_hour else local.replace(hour=0)
        line = (start, owners.get(cell.trigger, ""), cell.channel)
        messages[line] += many
        parts[line] += found.forecast.parts[cell]
        costs[line] += found.forecast.parts[cell] * prices.get(cell.trigger, 0)
    for line in sorted(messages):
        yield ForecastLine(*line, messages[line], parts[line], costs[line] if prices else None)


def prices_of(governed: Governed) -> Mapping[str, float]:
    """Trigger -> what one part of an SMS costs by its pack, of the packs that say so."""
    of_pack = {name: sms_limit_of(pack.content).price for name, pack in governed.packs.items()}
    found = {each.fact.trigger: of_pack.get(each.fact.pack) for each in governed.publications}
    priced = {trigger: price for trigger, price in found.items() if price is not None}
    return {DIGEST: max(priced.values()), **priced} if priced else {}


def busiest(found: ForecastResult) -> tuple[datetime, float] | None:
    """Return the hour with the most messages (its beginning, in the country's time), and how many they are."""
    hours: dict[datetime, float] = defaultdict(float)
    for cell, many in found.forecast.messages.items():
        hours[cell.hour] += many
    peak = max(hours.items(), key=lambda each: (each[1], -each[0].timestamp()), default=None)
    return peak and (peak[0].astimezone(found.rules.defaults.zone), peak[1])
