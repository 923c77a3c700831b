"""A message's day as a file for calendars: what it says, who gets it, and what it looks like on the wire."""

import re
from collections.abc import AsyncIterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

import pytest
from icalendar import Calendar
from starlette.testclient import TestClient

from app.pages.calendar_file import Entry, calendar_file
from app.pages.catalogues import LANGUAGES
from domain.nudges.calendar_days import CalendarDays, calendar_days
from templates.checks.loader import shipped
from tests.app.pages.visitor import anybody, visiting
from tests.world import World, birth, card, event, fine, iin, registered

MOTHER, CHILD, STRANGER = iin(1), iin(2), iin(7)
NOW = datetime(2025, 6, 29, 7, tzinfo=UTC)
TO_THE_FIFTH = CalendarDays(date(2025, 7, 5), date(2025, 7, 5), is_limit=True)
MATTER = UUID("3f2b8c1e-5d7a-4c41-8e02-6b1f0a9d4c55")
PAGE = "https://habarshy.gov.test/my/messages/3f2b8c1e-5d7a-4c41-8e02-6b1f0a9d4c55"


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[World]:
    """A mother was told of a card that ends in six days, of a fine, and of her child's vaccination in six days."""
    started = datetime.fromisoformat("2025-05-20T09:00+05:00")
    made = World(tmp_path, packs=[each for each in shipped() if each.name == "kz"], now=started)
    made.take(*registered(MOTHER, "1996-05-05"), *registered(STRANGER, "1996-05-05"), card(MOTHER, "2025-07-05"))
    by_mail = {"channels": ["email"]}
    made.take(event("citizen.preferences_changed", MOTHER, "2025-05-19T09:00:00+05:00", by_mail, id="by-mail"))
    visit = {"visit": "two_months", "planned_on": "2025-07-05"}
    made.take(birth(CHILD, MOTHER, "2025-05-30"), fine(MOTHER, "KZ-1", "2025-06-02T11:00:00+05:00"))
    made.take(event("kz.health.vaccination_planned", CHILD, "2025-06-02T11:00:00+05:00", visit, id="visit"))
    for day in ("2025-06-02", "2025-06-05", "2025-06-29"):
        await made.settle(f"{day}T12:00+05:00")
    made.platform.replay.follower.drain()
    yield made
    made.close()


def nudge_of(world: World, trigger: str, step: str) -> str:
    """The id of that message."""
    return str(world.nudge(step, trigger).intent.id)


def got(browser: TestClient, address: str) -> Any:
    """The only entry of the file at that address, once its headers are what they should be."""
    answer = browser.get(address)
    assert answer.status_code == 200, answer.text
    assert answer.headers["content-type"] == "text/calendar; charset=utf-8"
    assert answer.headers["cache-control"] == "no-store"
    [entry] = Calendar.from_ical(answer.content).walk("VEVENT")
    return entry


@pytest.mark.parametrize(
    ("language", "summary"),
    [
        ("en", "Last day: Identity card renewal"),
        ("ru", "Последний день: Замена удостоверения личности"),
        ("kk", "Соңғы күн: Жеке куәлікті ауыстыру"),
    ],
)
def test_a_last_day_goes_into_the_calendar(world: World, language: str, summary: str) -> None:
    """The last day is an entry of that day in the reader's language, with its page, and alarms from a week before."""
    nudge = nudge_of(world, "identity_card_expiry", "week")
    entry = got(visiting(world, MOTHER, language), f"/my/messages/{nudge}/calendar.ics")
    assert (entry.decoded("dtstart"), entry.get("dtend")) == (date(2025, 7, 5), None)
    assert (str(entry["summary"]), entry["summary"].params["LANGUAGE"]) == (summary, language)
    assert str(entry["url"]).endswith(f"/my/messages/{nudge}")
    assert "N1" in str(entry["description"])
    alarms = [alarm.decoded("trigger") for alarm in entry.walk("VALARM")]
    assert alarms == [timedelta(days=-7, hours=9), timedelta(days=-1, hours=9), timedelta(hours=9)]
    assert (str(entry["class"]), str(entry["transp"])) == ("PRIVATE", "TRANSPARENT")


def test_a_later_file_replaces_an_earlier_one(world: World) -> None:
    """Each reminder about the card is the same entry with a larger number; another matter is another entry."""
    browser = visiting(world, MOTHER)
    month, week = (nudge_of(world, "identity_card_expiry", step) for step in ("month", "week"))
    first = got(browser, f"/my/messages/{month}/calendar.ics")
    world.at("2025-06-29T12:02+05:00")
    again = got(browser, f"/my/messages/{week}/calendar.ics")
    assert first["uid"] == again["uid"]
    assert first["sequence"] < again["sequence"]
    other = got(browser, f"/my/messages/{nudge_of(world, 'vaccination_due', 'week')}/calendar.ics")
    assert other["uid"] != again["uid"]


def test_a_discreet_message_says_nothing_in_the_calendar(world: World) -> None:
    """A calendar lies open: the day of a vaccination stands there, and neither what it is nor whose."""
    entry = got(visiting(world, MOTHER), f"/my/messages/{nudge_of(world, 'vaccination_due', 'week')}/calendar.ics")
    assert entry.decoded("dtstart") == date(2025, 7, 5)
    assert str(entry["summary"]) == "Our message"
    assert str(entry["description"]) == str(entry["url"])


def test_the_last_day_at_half_price_is_the_one_that_the_message_names(world: World) -> None:
    """The calendar of a fine ends on the day on which its last message says "by the end of today"."""
    intent, zone = world.nudge("last_day", "traffic_fine_discount").intent, ZoneInfo("Asia/Almaty")
    trigger = world.platform.rules.library.rules().rulebook.version(intent.version).trigger
    days = calendar_days(trigger, intent, {"event.issued_on": "2025-06-02"}, zone)
    assert days == CalendarDays(date(2025, 6, 8), date(2025, 6, 8), is_limit=True)
    assert intent.due.astimezone(zone).date() == days.last


def test_an_announced_day_stands_in_the_inbox(world: World) -> None:
    """A vaccination within a week is to do now, with its day and the days left."""
    page = visiting(world, MOTHER).get("/my").text.replace("\u202f", " ").replace("\xa0", " ")
    now, soon = page.partition("To do soon")[::2]
    assert ">Child&#39;s vaccination</a>" in now
    assert "Day: 5 July 2025 – 6 days left" in now
    assert "vaccination" not in soon


def test_what_is_coming_says_its_day_and_offers_it_once(world: World) -> None:
    """The reminders about one card stand together: which card, its last day once, and when each of them goes."""
    world.take(card(MOTHER, "2026-01-20", "N2", "2025-06-29T12:00:00+05:00"))
    world.plan()
    page = visiting(world, MOTHER).get("/my/coming").text.replace("\u202f", " ")
    [planned] = [each for each in page.split('<li class="card ') if "Identity card renewal</a>" in each]
    for said in ("Identity card, number N2", "21 December 2025, 09:00", "Until 20 January 2026", "calendar.ics"):
        assert planned.count(said) == 1, planned
    then = planned.partition("Then about this:")[2]
    assert re.findall(r'/why">(.*?)</a>', then) == ["13 January 2026", "19 January 2026"]


@pytest.mark.parametrize("language", LANGUAGES)
def test_what_names_no_day_says_so(world: World, language: str) -> None:
    """A message without a day, and one whose day is past, offer no file; whoever asks is told why."""
    browser = visiting(world, MOTHER, language)
    bare = nudge_of(world, "birth_allowance", "registered")
    assert "calendar.ics" not in browser.get(f"/my/messages/{bare}").text
    assert browser.get(f"/my/messages/{bare}/calendar.ics").status_code == 404
    ends = nudge_of(world, "identity_card_expiry", "week")
    assert f"{ends}/calendar.ics" in browser.get("/my").text
    assert f"{ends}/calendar.ics" in browser.get(f"/my/messages/{ends}").text
    world.at("2025-07-06T12:00+05:00")
    browser = visiting(world, MOTHER, language)
    assert f"{ends}/calendar.ics" not in browser.get("/my").text
    answer = browser.get(f"/my/messages/{ends}/calendar.ics")
    assert answer.status_code == 404
    assert {"en": "no day", "ru": "Нет дня", "kk": "күн жоқ"}[language] in answer.text


def test_the_link_in_an_email_gives_its_file(world: World) -> None:
    """The card's email links to the entry, which needs no sign-in and does not repeat the link; others have none.

    A stranger's own pages do not have it either.
    """
    nudge = world.nudge("week", "identity_card_expiry").intent.id
    [mail] = [each for each in world.sent if each.nudge == nudge]
    [link] = re.findall(r"^http://\S+/m/(\S+)/calendar\.ics$", mail.text, re.MULTILINE)
    assert f'/m/{link}/calendar.ics"' in str(mail.html)
    entry = got(anybody(world), f"/m/{link}/calendar.ics")
    assert entry["uid"] == got(visiting(world, MOTHER), f"/my/messages/{nudge}/calendar.ics")["uid"]
    assert link not in entry.to_ical().decode()
    assert visiting(world, STRANGER).get(f"/my/messages/{nudge}/calendar.ics").status_code == 404
    [bare] = [each for each in world.sent if each.nudge == world.nudge("registered").intent.id]
    assert "calendar.ics" not in f"{bare.text}{bare.html}"


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("Дана " * 60, "Дана Дана"),
        ("دانا عبدالله", "دانا عبدالله"),
        ("x\u202egnp.exe, y; z\\n\nEND:VEVENT", "x\\u202egnp.exe, y; z\\n\nEND:VEVENT"),
    ],
    ids=["300 letters", "right to left", "hostile"],
)
def test_any_name_stays_in_its_place(name: str, shown: str) -> None:
    """Lines are folded at 75 bytes between characters, marks are escaped, and what is read is what was meant."""
    entry = Entry(MATTER, "reader", TO_THE_FIFTH, f"Card, {name}", (f"For your child {name}",), PAGE, "kk")
    content = calendar_file(entry, NOW)
    assert content.startswith(b"BEGIN:VCALENDAR\r\n")
    assert content.endswith(b"END:VCALENDAR\r\n")
    lines = content.split(b"\r\n")[:-1]
    assert b"\n" not in b"".join(lines)
    assert max(map(len, lines)) <= 75
    assert [line.decode() for line in lines]
    assert lines.count(b"END:VEVENT") == 1
    assert b"DTSTART;VALUE=DATE:20250705" in lines
    assert b"DTSTAMP:20250629T070000Z" in lines
    assert b"CLASS:PRIVATE" in lines
    [event_] = Calendar.from_ical(content).walk("VEVENT")
    assert shown in str(event_["description"])


@pytest.mark.parametrize(
    ("first", "last", "ends"),
    [
        (date(2025, 7, 5), date(2025, 7, 5), None),
        (date(2025, 7, 5), date(2025, 7, 7), date(2025, 7, 8)),
        (date(2025, 7, 5), date.max, None),
        (date.max, date.max, None),
    ],
)
def test_days_end_where_they_end(first: date, last: date, ends: date | None) -> None:
    """One day has no end of its own, several end on the day after, and the end of time is no error."""
    entry = Entry(MATTER, "reader", CalendarDays(first, last, is_limit=False), "Outage", (), PAGE, "en")
    [found] = Calendar.from_ical(calendar_file(entry, NOW)).walk("VEVENT")
    assert found.decoded("dtstart") == first
    assert (found.decoded("dtend") if "dtend" in found else None) == ends
