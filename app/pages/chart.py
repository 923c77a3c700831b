"""Bars as SVG, worked out on the server: no script draws them. The one way in which all charts are drawn (0017)."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import date, timedelta

from msgspec import Struct
from msgspec.structs import replace

from app.pages.catalogues import Speech
from domain.core.translatable import Counted, Number, Said, Words


class Size(Struct, frozen=True):
    """The measures of a chart; `left`: of the labels of its counts, `top` and `foot`: above and below its bars."""

    width: int
    height: int
    left: int
    top: int = 8
    foot: int = 20


LARGE, SMALL = Size(720, 170, 52), Size(340, 120, 44)
ROW, ROW_BAR = 40, 14
"""The height of a row of a chart of rows, and of the bar in it."""
LONGEST = 400
"""Days of a chart with a bar a day; a longer time has one a month."""
MONTH = Said("Month")
MONTH_WIDTH = 51
"""The width of a label such as сент., with its distance to the next one."""


class Bar(Struct, frozen=True):
    """A bar and its label."""

    label: str
    count: int
    x: float
    y: float
    width: float
    height: float
    most: bool


class Mark(Struct, frozen=True):
    """A label at a place of an axis; `ends`: there, instead of beginning there."""

    label: str
    at: float
    ends: bool = False


class Tick(Struct, frozen=True):
    """A count at a place of the upright axis."""

    count: int
    at: float


class Chart(Struct, frozen=True):
    """A chart. `said`: it, in one sentence; `unit`: what one bar is about; `counted`: what its height says."""

    title: str
    unit: str
    said: str
    bars: Sequence[Bar]
    ticks: Sequence[Tick]
    marks: Sequence[Mark]
    size: Size = LARGE
    rows: bool = False
    counted: str = ""


def chart_by_day(days: Mapping[str, int], first: date, last: date, speech: Speech) -> Chart:
    """Messages a day, from the first day up to the last; whoever shows the chart gives it a title."""
    every = [first + timedelta(days=at) for at in range((last - first).days + 1)]
    if len(every) > LONGEST + 1:
        counts = by_month(days, every, speech)
        marks = _thinned({at: label for at, (label, _) in enumerate(counts) if at % 6 == 0}, len(counts), 2)
        return _chart("", MONTH, counts, marks=marks)
    months = {at: speech.short_month(day) for at, day in enumerate(every) if day.day == 1 or not at}
    counts = [(speech.day(day), days.get(day.isoformat(), 0)) for day in every]
    return _chart("", Said("Day"), counts, marks=_thinned(months, len(every)))


def by_month(days: Mapping[str, int], every: Sequence[date], speech: Speech) -> list[tuple[str, int]]:
    """Return the months of these days, in their order, each with its count."""
    found: dict[tuple[int, int], int] = {}
    for day in every:
        month = (day.year, day.month)
        found[month] = found.get(month, 0) + days.get(day.isoformat(), 0)
    return [(speech.month(date(*month, 1)), count) for month, count in found.items()]


def chart_by_hour(title: str, hours: Mapping[int, int]) -> Chart:
    """Messages by the hour of the day."""
    return _chart(title, Said("Hour"), [(f"{hour:02}:00", hours.get(hour, 0)) for hour in range(24)], every=3)


def chart_by_name(title: str, unit: str, counts: Sequence[tuple[str, int]]) -> Chart:
    """Return a chart with a bar for each name; the last label, which may be longer than its bar, ends at the edge."""
    chart = _chart(title, unit, counts)
    return replace(chart, marks=[*chart.marks[:-1], Mark(counts[-1][0], LARGE.width, ends=True)])


def small_chart(title: str, unit: str, said: str, counts: Sequence[tuple[str, int]], every: int) -> Chart:
    """Return a small chart with a bar for each name, every so many of them labelled."""
    return replace(_chart(title, unit, counts, every=every, size=SMALL), said=said)


def row_chart(title: str, unit: str, said: str, counts: Sequence[tuple[str, int]]) -> Chart:
    """Return a chart whose bars lie, each below its label."""
    most = max((count for _, count in counts), default=0)
    size = Size(SMALL.width, ROW * len(counts), 0)
    bars = []
    for at, (label, count) in enumerate(counts):
        width = round(size.width * count / most, 1) if most else 0
        bars.append(Bar(label, count, 0, at * ROW + ROW - ROW_BAR - 4, width, ROW_BAR, most=False))
    return Chart(title, unit, said, bars, [], [], size, rows=True)


def _thinned(marks: Mapping[int, str], many: int, widths: int = 1) -> Mapping[int, str]:
    """Return the labels that run neither into the one before them nor over the edge.

    `widths`: those of a short month that a label needs.
    """
    found: dict[int, str] = {}
    apart = widths * MONTH_WIDTH / ((LARGE.width - LARGE.left) / many)
    for at, label in marks.items():
        if (not found or at - max(found) >= apart) and at + apart <= many:
            found[at] = label
    return found


def _chart(
    title: str,
    unit: str,
    counts: Sequence[tuple[str, int]],
    *,
    every: int = 1,
    marks: Mapping[int, str] | None = None,
    size: Size = LARGE,
) -> Chart:
    most = max(count for _, count in counts)
    top, wide = _round(most), (size.width - size.left) / len(counts)
    labels = marks or {at: label for at, (label, _) in enumerate(counts) if at % every == 0}
    peak = next(label for label, count in counts if count == most)
    return Chart(
        title,
        unit,
        Words(
            "{messages}; the highest bar, {most}: {peak}",
            messages=Counted("{count} message", "{count} messages", sum(count for _, count in counts)),
            most=Number(most),
            peak=peak,
        ),
        list(_bars(counts, top, wide, most, size)),
        [Tick(top * part // 2, _y(top * part / 2, top, size)) for part in range(3)],
        [Mark(label, round(size.left + at * wide, 1)) for at, label in labels.items()],
        size,
    )


def _bars(counts: Sequence[tuple[str, int]], top: int, wide: float, most: int, size: Size) -> Iterator[Bar]:
    gap = min(2.0, wide / 4)
    for at, (label, count) in enumerate(counts):
        x, y = round(size.left + at * wide, 2), _y(count, top, size)
        height = round(size.height - size.foot - y, 1)
        yield Bar(label, count, x, y, round(wide - gap, 2), height, most=0 < count == most)


def _y(count: float, top: int, size: Size) -> float:
    return round(size.top + (size.height - size.foot - size.top) * (1 - count / top), 1)


def _round(most: int) -> int:
    """The next even number with one or two digits and zeros behind them, so that half of it is a number too."""
    step = 2 * int(10 ** max(len(str(most)) - 2, 0))
    return max(-(-most // step) * step, 2)
