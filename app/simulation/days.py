"""The simulation's time: days as ordinals, which sort, subtract and add as plain integers."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from random import Random

Day = int
"""A proleptic Gregorian ordinal, as `date.toordinal` gives it."""

DAYS_A_YEAR = 365.2425


@dataclass(frozen=True, slots=True)
class Span:
    """The days that are simulated: from `start`, up to and without `end`."""

    start: Day
    end: Day


def iso(day: Day) -> str:
    """Return the day as YYYY-MM-DD."""
    return date.fromordinal(day).isoformat()


def years_after(day: Day, years: int) -> Day:
    """The same day of the year, so many years later; 29 February becomes 1 March where there is none."""
    on = date.fromordinal(day)
    if (on.month, on.day) == (2, 29):
        return date(on.year + years, 2, 28).toordinal() + 1
    return on.replace(year=on.year + years).toordinal()


def years_between(earlier: Day, later: Day) -> float:
    """Return the number of years between two days."""
    return (later - earlier) / DAYS_A_YEAR


def arrivals(rng: Random, rate: float, start: Day, end: Day) -> Iterator[Day]:
    """Yield the days of a Poisson process with `rate` arrivals a year, from `start` up to and without `end`."""
    at: float = start
    while (at := at + rng.expovariate(rate / DAYS_A_YEAR)) < end:
        yield int(at)
