"""The days that a message is about, as a calendar can hold them."""

from collections.abc import Mapping
from datetime import date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from msgspec import Struct

from domain.planning.plan import Intent
from domain.rules.steps import repetition_of
from domain.rules.triggers import CORRECTION, Trigger

_A_MOMENT = timedelta(microseconds=1)


class CalendarDays(Struct, frozen=True):
    """From the first to the last day, both included; `is_limit`: it is the last one that counts."""

    first: date
    last: date
    is_limit: bool


def last_day(trigger: Trigger, expires: datetime | None, values: Mapping[str, Any], zone: ZoneInfo) -> date | None:
    """Return the date that the trigger names as the last one; None where it names none."""
    if trigger.act_by is not None:
        return trigger.act_by.of(values)
    if trigger.expiry is None or trigger.expiry.source is None or expires is None:
        return None
    return (expires - _A_MOMENT).astimezone(zone).date()


def calendar_days(trigger: Trigger, intent: Intent, values: Mapping[str, Any], zone: ZoneInfo) -> CalendarDays | None:
    """Return the days that a message is about; None where it names no date that is to come.

    `values`: of its event, by dotted name. The last day is the date by which the trigger says to act, or on which its
    message ends. The first is the date of the event from which the step counts, if the message goes on or before that
    day: an outage lasts from the one to the other. What is a person's own, such as a paper, has only its last day.
    """
    if intent.step == CORRECTION:
        return None
    last = last_day(trigger, intent.expires, values, zone)
    if last is not None and trigger.to:
        return CalendarDays(last, last, is_limit=True)
    announced = _announced(trigger, intent, values, zone)
    if announced is None:
        return None if last is None else CalendarDays(last, last, is_limit=False)
    return CalendarDays(announced, max(announced, last or announced), is_limit=False)


def _announced(trigger: Trigger, intent: Intent, values: Mapping[str, Any], zone: ZoneInfo) -> date | None:
    name = repetition_of(intent.step)[0]
    step = next((each for each in trigger.steps if each.name == name), None)
    value = values.get(step.source) if step is not None and step.source.startswith("event.") else None
    try:
        day = date.fromisoformat(value) if isinstance(value, str) else None
    except ValueError:
        return None
    return day if day is not None and day >= intent.due.astimezone(zone).date() else None
