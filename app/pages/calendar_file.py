"""A message's day as a file for calendars (iCalendar, RFC 5545)."""

from datetime import date, datetime, timedelta
from typing import Final
from urllib.parse import urlsplit
from uuid import UUID, uuid5

from fastapi.responses import Response
from icalendar import Alarm, Calendar, Event
from msgspec import Struct

from app.pages.layout import HEADERS
from app.visible import visible
from domain.nudges.calendar_days import CalendarDays

_ALARMS: Final = (timedelta(days=-7, hours=9), timedelta(days=-1, hours=9), timedelta(hours=9))
"""From the midnight that begins the first day: at nine in the morning a week and a day before, and of that day."""


class Entry(Struct, frozen=True):
    """An entry of a calendar, in one language.

    `matter`: names what it is about, the same in all messages about it; `page`: the address of the message, which
    asks its reader to sign in.
    """

    matter: UUID
    reader: str
    days: CalendarDays
    summary: str
    lines: tuple[str, ...]
    page: str
    language: str


def calendar_file(entry: Entry, now: datetime) -> bytes:
    """Return the file.

    A later one about the same matter replaces this one: the same UID, a larger SEQUENCE (RFC 5545, section 3.8.7.4).
    The entry takes no time of the day (TRANSP) and is marked as private (CLASS), for calendars are shared.
    """
    event, language = Event(), {"LANGUAGE": entry.language}
    event.add("uid", f"{uuid5(entry.matter, entry.reader)}@{urlsplit(entry.page).hostname}")
    event.add("dtstamp", now)
    event.add("sequence", int(now.timestamp()) // 60)
    event.add("dtstart", entry.days.first)
    if entry.days.first < entry.days.last < date.max:
        event.add("dtend", entry.days.last + timedelta(days=1))  # the first day that is not part of it
    summary = visible(entry.summary)
    event.add("summary", summary, language)
    event.add("description", visible("\n".join((*entry.lines, entry.page))), language)
    event.add("url", entry.page)
    event.add("class", "PRIVATE")
    event.add("transp", "TRANSPARENT")
    for before in _ALARMS:
        event.add_component(_alarm(summary, before))
    calendar = Calendar()
    calendar.add("prodid", "-//Habarshy//Messages//EN")
    calendar.add("version", "2.0")
    calendar.add_component(event)
    return bytes(calendar.to_ical())


def _alarm(words: str, before: timedelta) -> Alarm:
    alarm = Alarm()
    alarm.add("action", "DISPLAY")
    alarm.add("description", words)
    alarm.add("trigger", before)
    return alarm


def as_calendar(content: bytes) -> Response:
    """Return the file; shown inline, because telephones then offer to add it rather than keep it."""
    headers = dict(HEADERS) | {"Content-Disposition": 'inline; filename="habarshy.ics"'}
    return Response(content, headers=headers, media_type="text/calendar; charset=utf-8")
