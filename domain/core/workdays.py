"""Working days: on which days the state works, and dates that are counted and rolled by them."""

from collections.abc import Callable
from collections.abc import Set as AbstractSet
from datetime import date, timedelta
from typing import Literal

from msgspec import Struct

Roll = Literal["next", "previous"]
"""The direction in which a date that is no working day is moved."""

WEEKEND = (5, 6)
_DAY = timedelta(days=1)


class Workdays(Struct, frozen=True):
    """A calendar of working days.

    `free`: year -> all days of that year without work, weekends included (None: Saturdays and Sundays); `off` and
    `working`: days that a government made free, or made working days, against that.
    """

    off: frozenset[date] = frozenset()
    working: frozenset[date] = frozenset()
    free: Callable[[int], AbstractSet[date]] | None = None

    def is_working(self, day: date) -> bool:
        """Return True for a day on which the state works."""
        if day in self.working or day in self.off:
            return day in self.working
        return day.weekday() not in WEEKEND if self.free is None else day not in self.free(day.year)

    def moved(self, day: date, count: int) -> date:
        """Return the so-manyth working day after the day, or before it with a minus; the day itself never counts.

        Raises:
            OverflowError: beyond the years 1 to 9999.
        """
        step = _DAY if count > 0 else -_DAY
        for _ in range(abs(count)):
            day = self._nearest(day + step, step)
        return day

    def rolled(self, day: date, roll: Roll) -> date:
        """Return the day itself if it is a working day, else the next or the previous one. Raises OverflowError."""
        return self._nearest(day, _DAY if roll == "next" else -_DAY)

    def _nearest(self, day: date, step: timedelta) -> date:
        while not self.is_working(day):
            day += step
        return day


WEEKDAYS = Workdays()
"""Working days without a country: Monday to Friday."""
