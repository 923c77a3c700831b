"""habarshy forecast: what is due in the next days, when it would go, by which channel, and what it costs."""

from collections import defaultdict
from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Annotated

import typer

from app.desk import Desk, desk
from app.options import AsJson, ClockTime, DatabaseUrl, KeyFile, refuse_unknown
from app.terminal import data, data_json, talk
from domain.built_in import DIGEST
from domain.forecast import Forecast, Sum
from domain.principals import require_reader
from domain.timing import zone_of
from streams.forecasting import Foreseen
from streams.governed import Governed
from templates.pack_check import sms_limit_of


class By(StrEnum):
    """How long a line's time is."""

    DAY = "day"
    HOUR = "hour"


Days = Annotated[int, typer.Option("--days", min=1, max=366, help="How many days to look ahead.")]
Length = Annotated[By, typer.Option("--by", help="A line for each day, or for each hour.")]
Agency = Annotated[str | None, typer.Option("--agency", help="Only what this agency sends.")]


def forecast(
    *, days: Days = 30, by: Length = By.DAY, agency: Agency = None, as_json: AsJson = False, clock: ClockTime = None,
    database: DatabaseUrl = None, key_file: KeyFile = None,
) -> None:  # fmt: skip
    """Say how many messages go when, by channel and agency, after quiet hours and caps, and what they cost."""
    with desk(database, key_file, clock) as at:
        only = _agency(at, agency)
        found = at.platform.forecasting.forecast(timedelta(days=days), only)
    lines = list(_sums(found, by))
    for line in lines:
        data_json(_plain(line)) if as_json else data(_told(line, by))
    _tell_total(found, lines, as_json=as_json)


def _agency(at: Desk, agency: str | None) -> str | None:
    """Whose: for who is no operator, their own.

    Raises:
        NotAllowed: it is another's than theirs.
    """
    only = agency if agency is not None or at.who.operator else at.who.agency
    if only is None:
        return None
    require_reader(at.who, only, f"what {only} sends")
    contents = at.platform.governing.governed().contents
    known = sorted({name for content in contents for name in content.get("agencies") or ()})
    if only not in known:
        refuse_unknown("--agency", "agency", only, known)
    return only


def _sums(found: Foreseen, by: By) -> Iterator[Sum]:
    zone, governed = zone_of(found.rules.defaults.zone), found.rules.governed
    owners, prices = _owners(found), _prices(governed)
    messages: dict[tuple[datetime, str, str], float] = defaultdict(float)
    parts: dict[tuple[datetime, str, str], float] = defaultdict(float)
    costs: dict[tuple[datetime, str, str], float] = defaultdict(float)
    for cell, many in found.forecast.messages.items():
        local = cell.hour.astimezone(zone)
        start = local if by is By.HOUR else local.replace(hour=0)
        line = (start, owners.get(cell.trigger, ""), cell.channel)
        messages[line] += many
        parts[line] += found.forecast.parts[cell]
        costs[line] += found.forecast.parts[cell] * prices.get(cell.trigger, 0)
    for line in sorted(messages):
        yield Sum(*line, messages[line], parts[line], costs[line] if prices else None)


def _owners(found: Foreseen) -> Mapping[str, str]:
    return {each.trigger.name: each.trigger.owner for each in found.rules.rulebook.versions.values()}


def _prices(governed: Governed) -> Mapping[str, float]:
    """Trigger -> what one part of an SMS costs by its pack, of the packs that say so."""
    of_pack = {name: sms_limit_of(pack.content).price for name, pack in governed.packs.items()}
    found = {each.fact.trigger: of_pack.get(each.fact.pack) for each in governed.publications}
    priced = {trigger: price for trigger, price in found.items() if price is not None}
    return {DIGEST: max(priced.values()), **priced} if priced else {}


def _plain(line: Sum) -> dict[str, object]:
    cost = None if line.cost is None else round(line.cost, 2)
    return {
        "from": line.start.isoformat(), "agency": line.agency, "channel": line.channel,
        "messages": round(line.messages, 1), "parts": round(line.parts, 1), "cost": cost,
    }  # fmt: skip


def _told(line: Sum, by: By) -> str:
    start = f"{line.start:%Y-%m-%d}" if by is By.DAY else f"{line.start:%Y-%m-%d %H:%M}"
    cost = "" if not line.cost else f"  {line.parts:,.0f} parts, {line.cost:,.0f}"
    return f"{start}  {line.messages:>10,.0f}  {line.channel:<6}  {line.agency or 'platform'}{cost}"


def _tell_total(found: Foreseen, lines: list[Sum], *, as_json: bool) -> None:
    whole, peak = found.forecast, _peak(found.forecast)
    messages, parts = (round(sum(getattr(line, what) for line in lines), 1) for what in ("messages", "parts"))
    zone = zone_of(found.rules.defaults.zone)
    priced = [line.cost for line in lines if line.cost is not None]
    total = {
        "due": whole.due, "messages": messages, "parts": parts, "cost": round(sum(priced), 2) if priced else None,
        "peak": peak and {"from": peak[0].astimezone(zone).isoformat(), "messages": round(peak[1], 1)},
        "deferred": _rounded(whole.deferred), "withheld": _rounded(whole.withheld),
        "held_back": found.held_back, "sample": round(found.share, 6),
    }  # fmt: skip
    if as_json:
        data_json({"total": total})
        return
    hour = "" if peak is None else f", at most {peak[1]:,.0f} an hour ({peak[0].astimezone(zone):%Y-%m-%d %H:%M})"
    more = " (a child's goes to each guardian)" if round(messages) > whole.due else ""
    talk(f"{whole.due:,} deliveries are due; {messages:,.0f} messages go{more}{hour}")
    if priced:
        talk(f"cost of SMS: {parts:,.0f} parts, {sum(priced):,.0f}")
    for name in ("deferred", "withheld"):
        reasons = ", ".join(f"{many:,.0f} {why}" for why, many in sorted(getattr(whole, name).items()))
        talk(f"{name}: {reasons or 'none'}")
    talk(f"held back by kill switches, and not counted: {found.held_back:,}")
    if found.share < 1:
        talk(f"estimated from {found.share:.2%} of the recipients; how many are due is exact")


def _rounded(reasons: Mapping[str, float]) -> dict[str, float]:
    return {why: round(many, 1) for why, many in sorted(reasons.items())}


def _peak(whole: Forecast) -> tuple[datetime, float] | None:
    """The hour with the most messages."""
    hours: dict[datetime, float] = defaultdict(float)
    for cell, many in whole.messages.items():
        hours[cell.hour] += many
    return max(hours.items(), key=lambda each: (each[1], -each[0].timestamp()), default=None)
