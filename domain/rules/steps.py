"""Steps: when each message of an occurrence is due, once or again and again."""

from collections.abc import Mapping
from datetime import date, datetime, time, timedelta
from functools import lru_cache
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from msgspec import Struct

from domain.conditions.language import Condition
from domain.core.timing import DayOfYear, Offset, at_local, shift, shift_day, utc
from domain.core.workdays import Roll, Workdays

MORNING = time(9)

Values = Mapping[str, Any]


def named(step: str, number: int) -> str:
    """Return the name of a step's repetition; the first is the step itself."""
    return step if number == 1 else f"{step}.{number}"


def repetition_of(name: str) -> tuple[str, int]:
    """Return the step whose repetition has that name, and which it is, from 1: "ask.2" is ("ask", 2)."""
    step, _, number = name.partition(".")
    return step, int(number or 1)


class Repeat(Struct, frozen=True):
    """A step again and again: `every` so often, `at_most` so many times in all, perhaps until it is answered."""

    every: Offset
    at_most: int
    until_answered: bool


class Series(Struct, frozen=True):
    """Adjustments of a step's due: moved by working days, repeated, and rolled away from days without work.

    `day`: the day of the year on which it is repeated every year, or every few years.
    """

    working_days: int = 0
    roll: Roll | None = None
    repeat: Repeat | None = None
    day: DayOfYear | None = None

    @property
    def length(self) -> int:
        """Return the number of times that the step is due."""
        return self.repeat.at_most if self.repeat else 1

    def due(self, first: datetime, zone: ZoneInfo, workdays: Workdays, number: int) -> datetime | None:
        """Return the due (UTC) of the repetition `number` (from 1), given the step's due before these adjustments.

        None where that lies beyond the calendar. Working days come first, and each repetition is rolled by itself.
        """
        try:
            local = first.astimezone(zone)
            if self.working_days:
                local = _on_day(workdays.moved(local.date(), self.working_days), local, zone)
            if self.repeat is not None:
                local = shift(local, self.repeat.every.times(number - 1), zone).astimezone(zone)
            if self.day is not None:
                local = _on_day(self.day.of(local.year), local, zone)
            if self.roll is not None:
                local = _on_day(workdays.rolled(local.date(), self.roll), local, zone)
        except OverflowError:
            return None
        return utc(local)


def _on_day(day: date, moment: datetime, zone: ZoneInfo) -> datetime:
    """Return that day at the time of day of the moment."""
    return at_local(day, moment.time(), zone).astimezone(zone)


class Step(Struct, frozen=True):
    """A message of an occurrence: `source` (a time, or a date) moved by `offset`, at a local time; or a series.

    `day`: a fixed day of the year; the step falls on it in the year that `source` and `offset` give.

    `smooth`: the seconds over which its nudges are spread, each by its id; only the sending moves, nothing that the
    plan decides.
    """

    name: str
    source: str
    offset: Offset
    clock: time | None
    when: Condition | None
    series: Series | None = None
    smooth: int = 0
    day: DayOfYear | None = None

    def smoothed(self, due: datetime, nudge: UUID) -> datetime:
        """Return the time at which this one of all nudges due then is sent; always the same for the same nudge."""
        try:
            return due + timedelta(seconds=nudge.int % self.smooth) if self.smooth else due
        except OverflowError:  # at the end of the calendar
            return due

    @property
    def names(self) -> tuple[str, ...]:
        """Return its own name, and those of its repetitions."""
        return tuple(named(self.name, each + 1) for each in range(self.series.length if self.series else 1))

    def due(self, values: Values, zone: ZoneInfo) -> datetime | None:
        """Return the step's nominal due (UTC); None where its date is missing or it does not apply."""
        return self.dated(values, zone) if self.when is None or self.when.holds(values) else None

    def dated(self, values: Values, zone: ZoneInfo) -> datetime | None:
        """Return the nominal due (UTC) if the step applies; None where its date is missing."""
        start = values.get(self.source)
        try:
            if start is None:
                return None
            if self.day is not None:
                return self._in_its_year(self.day, start, zone)
            if isinstance(start, datetime):
                return self._from_moment(start, zone)
            return _due_by(start, self.offset, self.clock or MORNING, zone)
        except (OverflowError, ValueError):  # registries write 9999-12-31, or year 0, for "without end"
            return None

    def _in_its_year(self, day: DayOfYear, start: datetime | str, zone: ZoneInfo) -> datetime:
        local = start.astimezone(zone).date() if isinstance(start, datetime) else date.fromisoformat(start)
        return at_local(day.of(shift_day(local, self.offset).year), self.clock or MORNING, zone)

    def _from_moment(self, start: datetime, zone: ZoneInfo) -> datetime:
        moved = shift(start, self.offset, zone)
        return moved if self.clock is None else at_local(moved.astimezone(zone).date(), self.clock, zone)


@lru_cache(maxsize=8192)  # many people's documents end on the same few thousand days
def _due_by(day: str, offset: Offset, clock: time, zone: ZoneInfo) -> datetime:
    """Return the due (UTC) at the offset from an ISO date. Raises OverflowError, ValueError."""
    due = at_local(shift_day(date.fromisoformat(day), offset), clock, zone)
    return due + timedelta(seconds=offset.seconds) if offset.seconds else due
