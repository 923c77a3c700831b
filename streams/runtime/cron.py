"""Cron expressions, as the settings write them: minute, hour, day of month, month and weekday."""

from datetime import UTC, datetime, tzinfo

from apscheduler.triggers.base import BaseTrigger
from apscheduler.triggers.cron import CronTrigger

NEVER = "never"
HOW = "write minute, hour, day, month and weekday, as in 30 3 * * *, or never"
_FIELDS = 5


class BadCron(ValueError):
    """Raised for a schedule that is none."""

    def __init__(self, text: str, problem: str) -> None:
        super().__init__(f"{text!r} is not a schedule ({problem}); {HOW}")


class ZoneTrigger(BaseTrigger):  # type: ignore[misc]  # the library has no types
    """Fires at the times of an expression, by the clocks of a zone.

    The library's own trigger gives times that are over, or leaves out a day, where these clocks are set back or
    forward. Here a time that comes twice fires once, and one that is left out fires an hour later.
    """

    def __init__(self, in_utc: CronTrigger, zone: tzinfo) -> None:
        self._in_utc, self._zone = in_utc, zone

    def get_next_fire_time(self, _previous: datetime | None, now: datetime) -> datetime | None:
        """Return the first time after `now`."""
        shown = now.astimezone(self._zone).replace(tzinfo=UTC)
        while (shown := self._in_utc.get_next_fire_time(shown, shown)) is not None:
            found: datetime = shown.replace(tzinfo=self._zone).astimezone(UTC)
            if found > now:
                return found
        return None


def trigger_of(text: str, zone: tzinfo = UTC) -> ZoneTrigger | None:
    """Return the trigger of the expression, in that zone; None for `never`.

    Weekdays are names: the library counts them from Monday, cron from Sunday.

    Raises:
        BadCron: it is no expression, or no day ever fits it.
    """
    if text == NEVER:
        return None
    fields = text.split()
    if len(fields) != _FIELDS:
        raise BadCron(text, f"it has {len(fields)} fields of {_FIELDS}")
    if any(letter.isdigit() for letter in fields[-1]):
        raise BadCron(text, "a weekday is a name: mon, tue, wed, thu, fri, sat, sun")
    try:
        trigger = ZoneTrigger(CronTrigger.from_crontab(text, UTC), zone)
    except ValueError as error:
        raise BadCron(text, str(error).rstrip(".")) from None
    if next_after(trigger, datetime(2000, 1, 1, tzinfo=UTC)) is None:
        raise BadCron(text, "there is no such day")
    return trigger


def next_after(trigger: ZoneTrigger | None, at: datetime) -> datetime | None:
    """Return the first time after that one; None for `never`."""
    return None if trigger is None else trigger.get_next_fire_time(None, at)
