from datetime import date, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from domain.core.timing import parse_day_of_year, parse_offset
from domain.rules.steps import Step
from tests.domain.given import given, rules
from tests.domain.world import AIDA, at, contact, correction, event, paper, registered


def _on_paper(due: dict[str, Any], **more: object) -> dict[str, Any]:
    return rules("paper.issued", due, **more)


@pytest.mark.parametrize(
    ("step", "expires_on", "due"),
    [
        ({}, "2025-02-20", "2025-02-20 09:00"),  # in the morning, unless said
        ({"at": "18:30"}, "2025-02-20", "2025-02-20 18:30"),
        ({"offset": "-P30D"}, "2025-02-20", "2025-01-21 09:00"),
        ({"offset": "P1W"}, "2025-02-20", "2025-02-27 09:00"),
        ({"offset": "P1M"}, "2025-01-31", "2025-02-28 09:00"),  # no 31 February
        ({"offset": "P1M"}, "2024-01-31", "2024-02-29 09:00"),
        ({"offset": "-P1M"}, "2025-03-31", "2025-02-28 09:00"),
        ({"offset": "P1Y"}, "2024-02-29", "2025-02-28 09:00"),
        ({"offset": "P4Y"}, "2024-02-29", "2028-02-29 09:00"),
        ({"offset": "P1M1D"}, "2025-01-31", "2025-03-01 09:00"),  # months first, then days
        ({"offset": "P18M"}, "2024-08-31", "2026-02-28 09:00"),
        ({"offset": "PT1H"}, "2025-02-20", "2025-02-20 10:00"),
        ({"offset": "-P1DT30M", "at": "00:15"}, "2025-02-20", "2025-02-18 23:45"),
        ({"offset": "-P2M"}, "2024-05-01", "2024-03-01 09:00"),  # that day Almaty changed its clocks
        ({"offset": "-P1D", "at": "23:00"}, "2024-03-01", "2024-02-29 23:00"),
    ],
)
def test_due_from_a_date(step: dict[str, str], expires_on: str, due: str) -> None:
    """A step is due on its date moved by calendar months and days, at a local time of day."""
    on = _on_paper({"on": {"from": "event.expires_on", **step}})
    given(paper(expires_on, time="2024-01-01")).when(on).then_intents(f"on {due}")


@pytest.mark.parametrize(
    ("step", "time", "due"),
    [
        ({}, "2025-01-10 14:05", "2025-01-10 14:05"),  # at once
        ({"at": "10:00"}, "2025-01-10 14:05", "2025-01-10 10:00"),
        ({"offset": "P1D", "at": "10:00"}, "2025-01-10 23:30", "2025-01-11 10:00"),
        ({"offset": "P3D"}, "2025-01-10 14:05", "2025-01-13 14:05"),
        ({"offset": "PT36H"}, "2025-01-10 14:05", "2025-01-12 02:05"),
        ({"offset": "PT12H", "at": "10:00"}, "2025-01-10 14:05", "2025-01-11 10:00"),
        ({"offset": "P1M"}, "2024-01-31 08:00", "2024-02-29 08:00"),
        ({"offset": "P1D"}, "2024-02-29 12:00", "2024-03-01 12:00"),  # 25 hours: clocks went back at midnight
        ({"offset": "PT24H"}, "2024-02-29 12:00", "2024-03-01 11:00"),
    ],
)
def test_due_from_the_time_of_the_event(step: dict[str, str], time: str, due: str) -> None:
    """A step from the event's own time keeps its clock, unless a local time of day is said."""
    given(paper(time=time)).when(_on_paper({"on": step})).then_intents(f"on {due}")
    given(paper(time=time)).when(_on_paper({"on": {"from": "event.time", **step}})).then_intents(f"on {due}")


@pytest.mark.parametrize(
    ("born_on", "offset", "due"),
    [
        ("1990-05-05", "P63Y", "2053-05-05 09:00"),
        ("1960-02-29", "P61Y6M", "2021-08-29 09:00"),
        ("2008-02-29", "P18Y", "2026-02-28 09:00"),
    ],
)
def test_due_from_a_date_of_the_person(born_on: str, offset: str, due: str) -> None:
    """A step may be reckoned from what is known of the person at the time of the event."""
    age = rules("person.registered", {"age": {"from": "citizen.born_on", "offset": offset}})
    given(registered(born_on)).when(age).then_intents(f"age {due}")


def test_due_is_in_the_zone_of_the_person() -> None:
    """Nine in the morning is nine where the person lives, and in the pack's zone if they did not say."""
    morning = _on_paper({"on": {"from": "event.expires_on"}})
    berlin = contact("2025-01-01", zone="Europe/Berlin")
    given(paper()).when(morning).then_intents("on 2025-02-20 09:00")
    given(berlin, paper()).when(morning).then_intents("on 2025-02-20 13:00")
    given(berlin, paper("2025-07-20")).when(morning).then_intents("on 2025-07-20 12:00")


def test_a_zone_said_later_does_not_count() -> None:
    """The zone is that at the time of the event, and one that was cleared is the pack's again."""
    morning = _on_paper({"on": {"from": "event.expires_on"}})
    given(paper(time="2025-01-10"), contact("2025-01-11", zone="Europe/Berlin")).when(morning).then_intents(
        "on 2025-02-20 09:00"
    )
    berlin, cleared = contact("2025-01-01", zone="Europe/Berlin"), contact("2025-01-05", "cleared", zone=None)
    given(berlin, cleared, paper()).when(morning).then_intents("on 2025-02-20 09:00")


def test_times_are_in_utc() -> None:
    """Whatever the zone of the person, an intent's times are in UTC."""
    intent = given(paper()).when(_on_paper({"on": {"from": "event.expires_on"}})).only
    assert intent.expires is not None
    assert {f"{intent.due:%Z}", f"{intent.expires:%Z}"} == {"UTC"}


@pytest.mark.parametrize(
    ("when", "time", "holds"),
    [
        ("citizen.age >= 18", "2025-05-04", False),
        ("citizen.age >= 18", "2025-05-05", True),
        ("citizen.age < 18", "2025-05-04 23:59", True),
        ('citizen.sex == "female"', "2025-01-01", True),
        ('citizen.area == "75"', "2025-06-01", True),
        ('citizen.area == "75"', "2025-06-02", False),
    ],
)
def test_when_is_folded_at_the_time_of_the_event(when: str, time: str, *, holds: bool) -> None:
    """A condition sees the person as they were when the event happened, whatever is known today."""
    facts = [
        registered("2007-05-05"),
        paper(None, time=time),
        event("person.moved", "2025-01-01", "m1", {"citizen": AIDA}, area="75"),
        event("person.moved", "2025-06-01 12:00", "m2", {"citizen": AIDA}, area="19"),
    ]
    assert bool(given(*facts).when(_on_paper({"on": None}, when=when)).intents) is holds


@pytest.mark.parametrize("when", ["citizen.age >= 18", 'citizen.sex == "male"', 'event.kind == "passport"'])
def test_a_missing_value_is_not_applicable(when: str) -> None:
    """A condition about what nobody reported does not hold, and neither does its opposite."""
    given(paper()).when(_on_paper({"on": None}, when=when)).then_nothing()
    given(paper()).when(_on_paper({"on": None}, when=f"!({when})")).then_nothing()
    given(paper()).when(_on_paper({"on": {"when": f"!({when})"}})).then_nothing()


def test_a_missing_date_is_not_applicable() -> None:
    """A step whose date nobody reported is left out, and the others stay."""
    due = {"before": {"from": "event.expires_on"}, "now": None, "birthday": {"from": "citizen.born_on"}}
    given(paper(None)).when(_on_paper(due)).then_intents("now 2025-01-10 00:00")
    given(registered(None), paper(None)).when(_on_paper(due)).then_intents("now 2025-01-10 00:00")


def test_an_explicit_null_is_missing() -> None:
    """A field reported as null is a field that is missing."""
    nothing = event("paper.issued", "2025-01-10", "paper", {"holder": AIDA}, expires_on=None, number="N1")
    given(nothing).when(_on_paper({"on": {"from": "event.expires_on"}})).then_nothing()


def test_steps_choose_by_their_own_condition() -> None:
    """A step's condition leaves that step out, not the others."""
    due = {
        "man": {"from": "citizen.born_on", "offset": "P63Y", "when": 'citizen.sex == "male"'},
        "woman": {"from": "citizen.born_on", "offset": "P61Y", "when": 'citizen.sex == "female"'},
    }
    age = rules("person.registered", due)
    given(registered(sex="female")).when(age).then_intents("woman 2051-05-05 09:00")
    given(registered(sex="male")).when(age).then_intents("man 2053-05-05 09:00")


def test_a_corrected_date_moves_what_was_planned() -> None:
    """The plan follows the date that counts, also across the change of the event's own time."""
    original = paper("2025-02-20")
    moved = correction(original, paper("2025-06-20", time="2025-01-12"))
    on = _on_paper({"month": {"from": "event.expires_on", "offset": "-P1M"}, "now": None})
    given(original, moved).when(on).then_intents("now 2025-01-12 00:00", "month 2025-05-20 09:00")
    assert at("2025-01-12") == moved.time


def test_an_intent_carries_what_its_trigger_says() -> None:
    """Class, channels, version and person are in the intent: what is planned needs no second look-up."""
    intent = given(paper()).when(_on_paper({"on": None}, klass="legal", channels=["sms", "email"])).only
    assert (intent.klass, intent.channels) == ("legal", ("sms", "email"))
    assert (intent.person, intent.trigger, intent.version) == (AIDA, "card", "card@1")
    assert intent.cause == paper().stream


def test_intents_are_sorted_by_id() -> None:
    """The order of intents is that of their ids, so that a list of them is always the same list."""
    due = {f"step_{number}": {"offset": f"P{number}D"} for number in range(12)}
    intents = given(paper()).when(_on_paper(due)).plan.intents
    assert [intent.id.bytes for intent in intents] == sorted(intent.id.bytes for intent in intents)
    assert len(intents) == 12


@pytest.mark.parametrize(
    ("step", "expires_on", "due"),
    [
        ({"on": "08-15"}, "2025-02-20", "2025-08-15 09:00"),
        ({"on": "08-15"}, "2025-12-31", "2025-08-15 09:00"),
        ({"on": "08-15", "offset": "P6Y", "at": "10:30"}, "2025-01-01", "2031-08-15 10:30"),
        ({"on": "01-01", "offset": "P1D"}, "2025-12-31", "2026-01-01 09:00"),
        ({"on": "12-31", "offset": "-P1M"}, "2025-01-31", "2024-12-31 09:00"),
        ({"on": "02-29"}, "2024-06-01", "2024-02-29 09:00"),
        ({"on": "02-29"}, "2025-06-01", "2025-02-28 09:00"),
        ({"on": "02-29"}, "2100-06-01", "2100-02-28 09:00"),
        ({"on": "02-28", "offset": "P1Y"}, "2024-02-29", "2025-02-28 09:00"),
        ({"on": "08-15", "working_days": -1, "offset": "P1Y"}, "2024-05-01", "2025-08-14 09:00"),
        ({"on": "08-16", "on_working_day": "next"}, "2025-05-01", "2025-08-18 09:00"),
    ],
)
def test_due_on_a_day_of_a_year(step: dict[str, Any], expires_on: str, due: str) -> None:
    """A step may be due on a day of the calendar; its date and its offset then say only in which year."""
    given(paper(expires_on, time="2024-01-01")).when(
        _on_paper({"on": {"from": "event.expires_on", **step}})
    ).then_intents(f"on {due}")


def test_a_day_of_the_year_of_the_event_is_one_of_the_persons_zone() -> None:
    """On New Year's Eve it is the next year in Almaty already, and not yet in Berlin."""
    day = _on_paper({"on": {"on": "12-01"}})
    given(paper(time="2025-01-01 02:00")).when(day).then_intents("on 2025-12-01 09:00")
    berlin = contact("2024-01-01", zone="Europe/Berlin")
    given(paper(time="2025-01-01 02:00"), berlin).when(day).then_intents("on 2024-12-01 13:00")


def test_a_day_of_the_year_comes_again_every_year() -> None:
    """The last day of February repeats on the last day of every February, also of a leap year after others."""
    yearly = {"on": {"from": "event.expires_on", "on": "02-29", "repeat": {"every": "P1Y", "at_most": 3}}}
    given(paper("2026-02-20", time="2024-01-01")).when(_on_paper(yearly)).then_intents(
        "on 2026-02-28 09:00", "on.2 2027-02-28 09:00", "on.3 2028-02-29 09:00"
    )


@pytest.mark.parametrize("expires_on", ["9999-12-31", "0000-01-01"])
def test_a_day_beyond_the_calendar_is_not_due(expires_on: str) -> None:
    """Where the registry knows no date, there is no such year."""
    given(paper(expires_on, time="2024-01-01")).when(
        _on_paper({"on": {"from": "event.expires_on", "on": "08-15", "offset": "P1Y"}})
    ).then_nothing()


STEPS_BY_MONTH = {
    "P6Y3M": (1, 2),
    "P6Y1M": (3, 4),
    "P5Y11M": (5, 6),
    "P5Y9M": (7, 8),
    "P6Y7M": (9, 10),
    "P6Y5M": (11, 12),
}
"""How the school trigger of the country's pack said it before: by the month of birth."""


def test_a_child_of_any_birthday_hears_of_school_in_the_same_year_as_before() -> None:
    """Six steps by month of birth and one day of a year give the same year for every day of birth."""
    day = parse_day_of_year("04-01")
    zone = ZoneInfo("Asia/Almaty")
    for number in range(4 * 366):
        born = date(2019, 1, 1) + timedelta(days=number)
        [offset] = [offset for offset, months in STEPS_BY_MONTH.items() if born.month in months]
        steps = (
            Step("was", "d", parse_offset(offset), None, None),
            Step("is", "d", parse_offset("P6Y4M"), None, None, day=day),
        )
        was, due = (step.due({"d": born.isoformat()}, zone) for step in steps)
        assert was is not None
        assert due is not None
        assert (due.year, due.month, due.day) == (was.year, 4, 1)
        assert due <= was
