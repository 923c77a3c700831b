"""Times as people write them, on the command line and in forms: without a zone they are in the country's."""

from datetime import UTC, date, datetime, tzinfo

from app.terminal import Exit, stop
from domain.core.translatable import Words

NO_TIME = Words("no time; one is written 2026-03-01, or 2026-03-01T09:00+05:00")


def moment_in(text: str, zone: tzinfo) -> datetime:
    """Return the time in UTC; a date is its beginning; where it names no zone it is in that one.

    Raises:
        ValueError: it is NO_TIME, also where in UTC it lies before the year 1 or after 9999.
    """
    try:
        moment = datetime.fromisoformat(text)
        return moment.replace(tzinfo=moment.tzinfo or zone).astimezone(UTC)
    except OverflowError as error:
        raise ValueError(NO_TIME) from error


def local_time(moment: datetime, zone: tzinfo, *, timespec: str = "minutes") -> str:
    """Return the time in that zone with its offset, as the command line reads it: 2026-03-01 09:00+05:00."""
    return moment.astimezone(zone).isoformat(sep=" ", timespec=timespec)


def moment_of(text: str, option: str, zone: tzinfo) -> datetime:
    """Return a time given on the command line, in UTC; a date is its beginning; without a zone it is in that one."""
    try:
        return moment_in(text, zone)
    except ValueError:
        stop(Exit.USAGE, f"{option}: {text!r} is {NO_TIME}")


def day_of(text: str, option: str) -> date:
    """Return a day given on the command line."""
    try:
        return date.fromisoformat(text)
    except ValueError:
        stop(Exit.USAGE, f"{option}: {text!r} is no day; one is written 2025-03-10")
