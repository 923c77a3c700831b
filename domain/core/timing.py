"""Calendar arithmetic in a zone: ISO 8601 offsets, local times of day, quiet hours."""

import calendar
import re
from datetime import MAXYEAR, MINYEAR, date, datetime, time, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from msgspec import Struct

from domain.core.duration_hints import notation_meant
from domain.core.translatable import Said, Words

_DURATION = re.compile(
    r"(?P<sign>[+-])?P(?=.)(?:(?P<years>\d+)Y)?(?:(?P<months>\d+)M)?(?:(?P<weeks>\d+)W)?(?:(?P<days>\d+)D)?"
    r"(?:T(?=.)(?:(?P<hours>\d+)H)?(?:(?P<minutes>\d+)M)?(?:(?P<seconds>\d+)S)?)?"
)


_OF_THE_MACHINE = re.compile(r"(?:posix|right)/.*|localtime|posixrules|Factory")
"""Files beside the zones: what they say differs from machine to machine, or counts leap seconds."""

_DAY_OF_YEAR = re.compile(r"[0-9]{2}-[0-9]{2}")
_TWO_NUMBERS = re.compile(r"[0-9]{1,2}[-./][0-9]{1,2}\.?")
_LEAP = 2000
"""A year that has all days that any year has."""
UTC = ZoneInfo("UTC")
SHORTEST_MONTH = 28
DAY_SECONDS = 86_400


class InvalidTime(ValueError):
    """Raised for a text that says no time of its kind; `problem` says what is written instead."""

    def __init__(self, problem: Said) -> None:
        super().__init__(problem)
        self.problem = problem


class Offset(Struct, frozen=True):
    """A calendar offset: months first (clamped to the month's end), then days, then exact seconds."""

    months: int = 0
    days: int = 0
    seconds: int = 0

    def __bool__(self) -> bool:
        return bool(self.months or self.days or self.seconds)

    def __neg__(self) -> "Offset":
        return self.times(-1)

    @property
    def is_of_years(self) -> bool:
        """Return True for a whole number of years."""
        return bool(self.months) and self == Offset(months=self.months) and self.months % 12 == 0

    def times(self, number: int) -> "Offset":
        """Return the offset so many times, each part by itself.

        Three times a month is three months, wherever it starts.
        """
        return Offset(self.months * number, self.days * number, self.seconds * number)


def parse_offset(text: str) -> Offset:
    """Return the ISO 8601 duration as an offset; a sign before the P counts for the whole.

    Raises:
        InvalidTime: the text is none.
    """
    if (match := _DURATION.fullmatch(text)) is None:
        raise InvalidTime(
            Words("{text!r} is no ISO 8601 duration; write {meant}.", text=text, meant=notation_meant(text))
        )
    number = {name: int(value or 0) for name, value in match.groupdict().items() if name != "sign"}
    sign = -1 if match["sign"] == "-" else 1
    return Offset(
        sign * (12 * number["years"] + number["months"]),
        sign * (7 * number["weeks"] + number["days"]),
        sign * (3600 * number["hours"] + 60 * number["minutes"] + number["seconds"]),
    )


class DayOfYear(Struct, frozen=True):
    """A month and a day without a year; 29 February is the last day of February in every year."""

    month: int
    day: int

    def of(self, year: int) -> date:
        """Return that day of the year."""
        return date(year, self.month, min(self.day, calendar.monthrange(year, self.month)[1]))


def parse_day_of_year(text: str) -> DayOfYear:
    """Return a day without a year, "MM-DD" as in ISO 8601. Raises InvalidTime where the text is none."""
    if _DAY_OF_YEAR.fullmatch(text):
        month, day = map(int, text.split("-"))
        if _exists(month, day):
            return DayOfYear(month, day)
    raise InvalidTime(
        Words("{text!r} is no day of a year; write month and day, {meant}.", text=text, meant=_day_meant(text))
    )


def _exists(month: int, day: int) -> bool:
    return 1 <= month <= 12 and 1 <= day <= calendar.monthrange(_LEAP, month)[1]  # noqa: PLR2004  (months of a year)


def _day_meant(text: str) -> str:
    """Return the day that was probably meant: month and day are swapped only where one order makes a date."""
    numbers = [int(each) for each in re.findall(r"[0-9]{1,2}", text)] if _TWO_NUMBERS.fullmatch(text) else []
    days = [each for each in (numbers, numbers[::-1]) if len(each) == 2 and _exists(each[0], each[1])]  # noqa: PLR2004  (a day and a month)
    return "{:02}-{:02}".format(*days[0]) if days else Words('such as "08-15" for 15 August')


def parse_span(text: str) -> int:
    """Return the ISO 8601 duration, of a day at most, in seconds.

    Raises:
        InvalidTime: the text is none, or it is longer or goes back.
    """
    span = parse_offset(text)
    seconds = span.days * DAY_SECONDS + span.seconds
    if span.months or not 0 <= seconds <= DAY_SECONDS:
        raise InvalidTime(Words("{text!r} is no span of up to a day; write one such as PT2H.", text=text))
    return seconds


def add_months(day: date, months: int) -> date:
    """Return the same day of a later month, or that month's last day: 31 January + 1 month is 28 or 29 February.

    Raises:
        OverflowError: beyond the years 1 to 9999.
    """
    year, month = divmod(day.year * 12 + day.month - 1 + months, 12)
    if not MINYEAR <= year <= MAXYEAR:
        raise OverflowError("the calendar ends here")
    last = day.day if day.day <= SHORTEST_MONTH else calendar.monthrange(year, month + 1)[1]
    return date(year, month + 1, min(day.day, last))


def shift_day(day: date, offset: Offset) -> date:
    """Return the day moved by the offset's months and days."""
    moved = add_months(day, offset.months) if offset.months else day
    return moved + timedelta(days=offset.days)


def shift(moment: datetime, offset: Offset, zone: ZoneInfo) -> datetime:
    """Return the moment moved in local time, so that a day is a calendar day also where clocks are changed."""
    local = moment.astimezone(zone)
    moved = datetime.combine(shift_day(local.date(), offset), local.time(), zone)
    return utc(moved) + timedelta(seconds=offset.seconds)


def shift_at_most(moment: datetime, offset: Offset, zone: ZoneInfo, end: datetime) -> datetime:
    """Return the moment moved likewise; `end` where that lies beyond the calendar."""
    try:
        return shift(moment, offset, zone)
    except OverflowError:
        return end


def at_local(day: date, clock: time, zone: ZoneInfo) -> datetime:
    """Return that day at that local time, in UTC.

    A time that the day skips is read with the offset before the change. Of a time that the day has twice it is the
    one that `clock.fold` says.
    """
    return utc(datetime.combine(day, clock, zone))


def utc(moment: datetime) -> datetime:
    """Return the same moment in UTC."""
    return moment.astimezone(UTC)


def end_of_day(day: date, zone: ZoneInfo) -> datetime:
    """Return the first moment of the next local day."""
    return at_local(day + timedelta(days=1), time(), zone)


@lru_cache(maxsize=512)
def parse_clock(text: str) -> time:
    """Return a local time of day, written as ISO 8601 has it. Raises ValueError: it is none."""
    return time.fromisoformat(text)


@lru_cache(maxsize=512)
def zone_of(name: str) -> ZoneInfo:
    """Return the IANA time zone of that name. Raises ZoneInfoNotFoundError, ValueError, OSError: there is none."""
    if _OF_THE_MACHINE.fullmatch(name):
        raise ZoneInfoNotFoundError(name)
    return ZoneInfo(name)


@lru_cache(maxsize=512)
def zone_or(name: str | None, default: str) -> ZoneInfo:
    """Return the zone of that name, or the default one where it is missing or does not exist."""
    try:
        return zone_of(name or default)
    except (KeyError, ValueError, OSError):
        return zone_of(default)


class QuietHours(Struct, frozen=True):
    """The hours of the day in which nobody is disturbed, in the person's own zone; they may span midnight."""

    start: time
    end: time

    def ends_after(self, moment: datetime, zone: ZoneInfo) -> datetime | None:
        """Return the end (UTC) of the quiet hours that contain the moment; None outside them."""
        local = moment.astimezone(zone)
        clock, today = local.time(), local.date()
        if self.start <= self.end:
            return self._end(today, zone, moment) if self.start <= clock < self.end else None
        if clock >= self.start:
            return self._end(today + timedelta(days=1), zone, moment)
        return self._end(today, zone, moment) if clock < self.end else None

    def _end(self, day: date, zone: ZoneInfo, moment: datetime) -> datetime | None:
        """Return the end on that day; in a night that has its hour twice, the one that is still ahead.

        In a night that does not have it, the first moment after the hour that is skipped.
        """
        first, second = (utc(datetime.combine(day, self.end, zone).replace(fold=fold)) for fold in (0, 1))
        ends = (_changed_between(second, first, zone),) if second < first else (first, second)
        return next((end for end in ends if end > moment), None)


def _changed_between(before: datetime, after: datetime, zone: ZoneInfo) -> datetime:
    """Return the second in which the clocks of the zone are changed, once between these two moments."""
    offset = after.astimezone(zone).utcoffset()
    while after - before > timedelta(seconds=1):
        middle = before + timedelta(seconds=(after - before) // timedelta(seconds=2))
        before, after = (before, middle) if middle.astimezone(zone).utcoffset() == offset else (middle, after)
    return after
