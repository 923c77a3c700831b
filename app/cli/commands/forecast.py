"""habarshy forecast: what is due in the next days, when it would go, by which channel, and what it costs."""

from collections.abc import Mapping
from datetime import timedelta
from enum import StrEnum
from typing import Annotated

import typer

from app.cli.job_options import parse_options
from app.cli.options import AsJson
from app.cli.platform_options import TimedOptions
from app.cli.principal_session import PrincipalSession, principal_session
from app.reports.forecast_sums import busiest, forecast_sums
from app.reports.stopped import stopped_lines, stops_known_to
from app.terminal import counted, print_json, print_json_or_lines, talk, warn
from domain.facts.principals import require_reader
from domain.nudges.forecast import ForecastLine
from streams.queries.forecast import ForecastResult
from streams.rules.aggregates import ActiveStop
from templates.words.filters import TENGE


class By(StrEnum):
    """The length of time that a line covers."""

    DAY = "day"
    HOUR = "hour"


Days = Annotated[int, typer.Option("--days", min=1, max=366, help="The number of days to look ahead.")]
Length = Annotated[By, typer.Option("--by", help="Print a line for each day or hour.")]
Agency = Annotated[str | None, typer.Option("--agency", help="Only what this agency sends.")]


def forecast(
    *, days: Days = 30, by: Length = By.DAY, agency: Agency = None, as_json: AsJson = False, on: TimedOptions
) -> None:
    """Forecast messages and their cost by time, channel and agency, with quiet hours and caps."""
    with principal_session(on, local=True) as at:
        only = _agency(at, agency)
        found = at.platform.queries.forecast.forecast(timedelta(days=days), only)
        stopped = stops_known_to(at.who, found.stopped, found.rules.governed)
    lines, zone = list(forecast_sums(found, by_hour=by is By.HOUR)), found.rules.defaults.zone
    for each in () if as_json else stopped_lines(stopped, zone):
        warn(each)
    for line in lines:
        print_json_or_lines(_plain(line), _told(line, by), as_json=as_json)
    _tell_total(found, lines, stopped, as_json=as_json)


def _agency(at: PrincipalSession, agency: str | None) -> str | None:
    """Return the agency to show: for everybody but operators, their own.

    Raises:
        NotAllowed: it is another agency than theirs.
    """
    only = agency if agency is not None or at.who.operator else at.who.agency
    if only is None:
        return None
    require_reader(at.who, only, f"what {only} sends")
    return parse_options(at, {"agency": only}, lambda orders, given: orders.agency(given))


def _plain(line: ForecastLine) -> dict[str, object]:
    cost = None if line.cost is None else round(line.cost, 2)
    return {
        "from": line.start.isoformat(),
        "agency": line.agency,
        "channel": line.channel,
        "messages": round(line.messages, 1),
        "parts": round(line.parts, 1),
        "cost": cost,
    }


def _told(line: ForecastLine, by: By) -> str:
    start = f"{line.start:%Y-%m-%d}" if by is By.DAY else f"{line.start.isoformat(sep=' ', timespec='minutes')}"
    cost = "" if not line.cost else f"  {line.parts:,.0f} SMS, {line.cost:,.0f}{TENGE}"
    return f"{start}  {line.messages:>10,.0f} messages  {line.channel:<6}  {line.agency or 'platform'}{cost}"


def _tell_total(
    found: ForecastResult, lines: list[ForecastLine], stopped: list[ActiveStop], *, as_json: bool
) -> None:
    whole, peak = found.forecast, busiest(found)
    messages, parts = (round(sum(getattr(line, what) for line in lines), 1) for what in ("messages", "parts"))
    priced = [line.cost for line in lines if line.cost is not None]
    total = {
        "due": whole.due,
        "messages": messages,
        "parts": parts,
        "cost": round(sum(priced), 2) if priced else None,
        "peak": peak and {"from": peak[0].isoformat(), "messages": round(peak[1], 1)},
        "deferred": _rounded(whole.deferred),
        "withheld": _rounded(whole.withheld),
        "held_back": found.held_back,
        "held_back_now": found.held_back_now,
        "unplanned": found.unplanned,
        "stopped": stopped,
        "sample": round(found.share, 6),
    }
    if as_json:
        print_json({"total": total})
        return
    hour = (
        "" if peak is None else f", at most {peak[1]:,.0f} an hour ({peak[0].isoformat(sep=' ', timespec='minutes')})"
    )
    more = " (a child's goes to each guardian)" if round(messages) > whole.due else ""
    due, go = (
        counted(whole.due, "delivery is", "deliveries are"),
        counted(round(messages), "message goes", "messages go"),
    )
    talk(f"{due} due; {go}{more}{hour}")
    if found.unplanned:
        facts = counted(found.unplanned, "fact about a person", "facts about persons")
        talk(f"not counted: what {facts} will bring, which no plan has taken in yet (`habarshy run` plans)")
    if priced:
        talk(f"cost of SMS: {parts:,.0f} SMS, {sum(priced):,.0f}{TENGE}")
    for name in ("deferred", "withheld"):
        reasons = ", ".join(f"{count:,.0f} {why}" for why, count in sorted(getattr(whole, name).items()))
        talk(f"{name}: {reasons or 'none'}")
    later = found.held_back - found.held_back_now
    of_these = f" ({found.held_back_now:,} now, as `status` says; {later:,} that come due)" if found.held_back else ""
    talk(f"held back by what is stopped, and not counted above: {found.held_back:,}{of_these}")
    if found.share < 1:
        talk(f"estimated from {found.share:.2%} of the recipients; how many are due is exact")


def _rounded(reasons: Mapping[str, float]) -> dict[str, float]:
    return {why: round(count, 1) for why, count in sorted(reasons.items())}
