"""Cron expressions, as the settings write them: minute, hour, day of month, month and weekday."""

from datetime import UTC, datetime, tzinfo

from apscheduler.triggers.cron import CronTrigger

NEVER = "never"
HOW = "write minute, hour, day, month and weekday, as in 30 3 * * *, or never"
_FIELDS = 5


class BadCron(ValueError):
    """Raised for a schedule that is none."""

    def __init__(self, text: str, problem: str) -> None:
        super().__init__(f"{text!r} is no schedule ({problem}); {HOW}")


def trigger_of(text: str, zone: tzinfo = UTC) -> CronTrigger | None:
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
        trigger = CronTrigger.from_crontab(text, zone)
    except ValueError as error:
        raise BadCron(text, str(error).rstrip(".")) from None
    if next_after(trigger, datetime(2000, 1, 1, tzinfo=UTC)) is None:
        raise BadCron(text, "there is no such day")
    return trigger


def next_after(trigger: CronTrigger, at: datetime) -> datetime | None:
    """Return the first time after that one."""
    found: datetime | None = trigger.get_next_fire_time(at, at)
    return None if found is None else found.astimezone(UTC)
