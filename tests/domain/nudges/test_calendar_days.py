"""Which day of a message a calendar can hold: the last day, or the day that is announced."""

from datetime import UTC, date, datetime
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from msgspec.structs import replace

from domain.nudges.calendar_days import CalendarDays, calendar_days
from domain.rules.errors import BadTrigger
from domain.rules.triggers import CORRECTION
from tests.domain.case import nudge, trigger

ZONE = ZoneInfo("Asia/Almaty")
EXPIRES = datetime(2025, 2, 20, 19, tzinfo=UTC)
"""The end of 20 February in Almaty."""
ENDS = {"event.expires_on": "2025-02-20"}


def found(values: dict[str, Any], *, step: str = "month", **rules: Any) -> CalendarDays | None:
    """The days of that step of a card's reminder, under these rules."""
    return calendar_days(trigger(**rules), nudge(step, expires=EXPIRES).intent, values, ZONE)


def test_the_last_day_of_a_paper_is_a_limit() -> None:
    """The card's last day, in the reader's zone."""
    day = date(2025, 2, 20)
    assert found(ENDS, expires="event.expires_on") == CalendarDays(day, day, is_limit=True)


@pytest.mark.parametrize(
    ("values", "last"),
    [
        ({"event.issued_on": "2025-01-10"}, date(2025, 1, 16)),
        ({"event.issued_on": "9999-12-31"}, None),
        ({"event.issued_on": 7}, None),
        ({}, None),
    ],
    ids=["a date", "end of time", "no date", "none"],
)
def test_the_last_day_to_act_goes_before_the_expiry(values: dict[str, Any], last: date | None) -> None:
    """Where the trigger names the last day to act it counts, however long the message itself is of use."""
    act_by = {"from": "event.issued_on", "offset": "P6D"}
    days = found(values, act_by=act_by, expires="P1D")
    assert days == (None if last is None else CalendarDays(last, last, is_limit=True))


@pytest.mark.parametrize(
    ("source", "said"),
    [
        ("event.time", "no date of the event"),
        ("citizen.born_on", "no date of the event"),
        ("event.number", "no date"),
        ("event.issued", "is no field"),
    ],
)
def test_the_last_day_to_act_is_a_date_of_the_event(source: str, said: str) -> None:
    """What is no date of the event is refused where it stands."""
    with pytest.raises(BadTrigger, match=said) as refused:
        trigger(act_by={"from": source})
    assert refused.value.path == ("act_by", "from")


def test_what_is_announced_is_no_limit() -> None:
    """Where no last day is named, the day to which the step counts is the day."""
    day = date(2025, 2, 20)
    assert found(ENDS) == CalendarDays(day, day, is_limit=False)


@pytest.mark.parametrize(("begins", "first"), [("2025-02-18", date(2025, 2, 18)), ("1999-01-01", date(2025, 2, 20))])
def test_what_happens_to_a_place_goes_from_day_to_day(begins: str, first: date) -> None:
    """An outage lasts from its first day to its last; if it began before the message, only the last counts."""
    outage = replace(trigger(expires="event.expires_on"), to=frozenset())
    days = calendar_days(outage, nudge(expires=EXPIRES).intent, {"event.expires_on": begins}, ZONE)
    assert days == CalendarDays(first, date(2025, 2, 20), is_limit=False)


@pytest.mark.parametrize(
    "values",
    [{}, {"event.expires_on": "soon"}, {"event.expires_on": 7}, {"event.expires_on": "1999-01-01"}],
    ids=["none", "no date", "a number", "long past"],
)
def test_without_a_day_to_come_there_is_none(values: dict[str, Any]) -> None:
    """A missing date, what is no date, and a date before the message itself give no day."""
    assert found(values) is None


def test_a_correction_has_no_day() -> None:
    """What takes a message back is not put into a calendar."""
    taken_back = replace(nudge().intent, step=CORRECTION)
    assert calendar_days(trigger(expires="event.expires_on"), taken_back, ENDS, ZONE) is None
