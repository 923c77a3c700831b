"""Working days: what is counted and rolled by them."""

from datetime import date, timedelta

import pytest
from hypothesis import given as examples
from hypothesis import strategies as st
from msgspec.structs import replace

from domain.core.workdays import WEEKDAYS, Workdays
from domain.rules.errors import BadTrigger
from domain.rules.trigger_compiling import compile_trigger
from tests.domain.given import DEFAULTS, given, modest, rulebook, rules
from tests.domain.world import CATALOGUE, contact, paper

NEW_YEAR = frozenset({date(2025, 1, 1), date(2025, 1, 2), date(2025, 1, 7)})


def _free(year: int) -> frozenset[date]:
    days = [date(2025, 1, 1) + timedelta(days=each) for each in range(365)] if year == 2025 else []
    return NEW_YEAR | {day for day in days if day.weekday() in (5, 6)}


CALENDAR = Workdays(frozenset({date(2025, 1, 3)}), frozenset({date(2025, 1, 5)}), _free)
"""January 2025: 1, 2 and 7 are holidays, Friday the 3rd was made free and Sunday the 5th a working day."""


def test_what_a_working_day_is() -> None:
    """Weekends and holidays are free, and what a government moved counts against both."""
    week = [date(2025, 1, day) for day in range(1, 10)]
    assert [day.day for day in week if CALENDAR.is_working(day)] == [5, 6, 8, 9]
    assert [day.day for day in week if WEEKDAYS.is_working(day)] == [1, 2, 3, 6, 7, 8, 9]


@pytest.mark.parametrize(
    ("start", "count", "expected"),
    [
        (8, -1, 6),
        (8, -2, 5),
        (8, -3, date(2024, 12, 31)),
        (6, 1, 8),
        (5, 1, 6),
        (4, 1, 5),
        (7, 0, 7),
        (7, 2, 9),
    ],
)
def test_counted_days_are_working_days(start: int, count: int, expected: int | date) -> None:
    """The so-manyth working day after or before a day, which itself never counts, working day or not."""
    day = expected if isinstance(expected, date) else date(2025, 1, expected)
    years = replace(CALENDAR, free=lambda year: _free(year) if year == 2025 else frozenset())
    assert years.moved(date(2025, 1, start), count) == day


DAYS, COUNTS = st.dates(date(1, 3, 1), date(9999, 11, 1)), st.integers(1, 30)


@modest
@examples(DAYS, COUNTS)
def test_there_and_back(day: date, count: int) -> None:
    """From a working day, so many forwards and as many back come to it again, over exactly so many working days."""
    start = WEEKDAYS.rolled(day, "next")
    end = WEEKDAYS.moved(start, count)
    assert WEEKDAYS.moved(end, -count) == start
    between = [start + timedelta(days=each + 1) for each in range((end - start).days)]
    assert sum(map(WEEKDAYS.is_working, between)) == count


@modest
@examples(DAYS)
def test_rolling_goes_to_the_nearest(day: date) -> None:
    """A working day stays; from another one it is the nearest, with no working day between."""
    for roll in ("next", "previous"):
        rolled = WEEKDAYS.rolled(day, "next" if roll == "next" else "previous")
        low, high = sorted([day, rolled])
        passed = [low + timedelta(days=each) for each in range((high - low).days + 1)]
        assert [each for each in passed if WEEKDAYS.is_working(each)] == [rolled]


def test_beyond_the_calendar() -> None:
    """At the ends of the calendar there is nowhere to go."""
    with pytest.raises(OverflowError):
        WEEKDAYS.moved(date(9999, 12, 31), 1)
    with pytest.raises(OverflowError):
        WEEKDAYS.moved(date(1, 1, 1), -1)


BOOK = replace(DEFAULTS, workdays=CALENDAR)


@pytest.mark.parametrize(
    ("step", "due"),
    [
        ({"from": "event.expires_on", "working_days": -2}, "2025-01-05 09:00"),
        ({"from": "event.expires_on", "working_days": 1, "at": "18:00"}, "2025-01-09 18:00"),
        ({"from": "event.expires_on", "working_days": -1, "offset": "PT2H"}, "2025-01-06 11:00"),
        ({"from": "event.expires_on", "offset": "-P1D", "on_working_day": "next"}, "2025-01-08 09:00"),
        ({"from": "event.expires_on", "offset": "-P1D", "on_working_day": "previous"}, "2025-01-06 09:00"),
        ({"from": "event.expires_on", "on_working_day": "next"}, "2025-01-08 09:00"),
        ({"on_working_day": "next"}, "2025-01-05 10:30"),
        ({"working_days": 2}, "2025-01-06 10:30"),
        ({"working_days": 2, "at": "08:00"}, "2025-01-06 08:00"),
    ],
)
def test_a_step_due_by_working_days(step: dict[str, object], due: str) -> None:
    """A due day is counted and rolled by the pack's calendar, at the step's time of day or that of the event."""
    trigger = rules("paper.issued", {"now": step})
    event = paper("2025-01-08", time="2025-01-03 10:30")
    book = rulebook(trigger, defaults=BOOK)
    given(event).when_book(book).then_intents(f"now {due}")


def test_each_repetition_is_rolled_by_itself() -> None:
    """Repetitions are counted from the nominal due, and each goes from its own free day."""
    step = {"from": "event.expires_on", "on_working_day": "next", "repeat": {"every": "P1D", "at_most": 4}}
    book = rulebook(rules("paper.issued", {"pay": step}), defaults=BOOK)
    given(paper("2025-01-02")).when_book(book).then_intents(
        "pay 2025-01-05 09:00", "pay.2 2025-01-05 09:00", "pay.3 2025-01-05 09:00", "pay.4 2025-01-05 09:00"
    )


def test_the_day_is_that_of_the_persons_zone() -> None:
    """Whether it is a working day is asked of the day where the person lives."""
    book = rulebook(rules("paper.issued", {"now": {"on_working_day": "next"}}), defaults=DEFAULTS)
    saturday = paper(time="2025-01-11 02:00")  # in Berlin it is still Friday
    given(saturday).when_book(book).then_intents("now 2025-01-13 02:00")
    given(contact("2025-01-01", zone="Europe/Berlin"), saturday).when_book(book).then_intents("now 2025-01-11 02:00")


def test_what_happens_in_an_hour_that_comes_twice_is_due_then() -> None:
    """Of two events in one minute by the clock, an hour apart, each has its own due, in any order of planning."""
    rolled = rules("paper.issued", {"now": {"on_working_day": "next"}})
    first = paper(None, time="2024-02-29 23:17")
    second = replace(first, time=first.time + timedelta(hours=1))
    for event in (second, first, second):
        assert given(event).when(rolled).only.due == event.time


def test_the_end_of_the_calendar_is_no_due_day() -> None:
    """A date without a working day after it is due never, and stops nothing."""
    step = {"from": "event.expires_on", "working_days": 1}
    given(paper("9999-12-31")).when(rules("paper.issued", {"now": step})).then_nothing()


def test_days_of_both_kinds_exclude_each_other() -> None:
    """A step that counts working days and calendar days is refused; hours may be added."""
    step = {"from": "event.expires_on", "working_days": -3, "offset": "P1D"}
    with pytest.raises(BadTrigger, match="exclude each other"):
        compile_trigger("card", rules("paper.issued", {"now": step}), CATALOGUE)
