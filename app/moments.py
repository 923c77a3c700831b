"""Times as people write them, on the command line and in forms: without a zone they are in the country's."""

from datetime import UTC, datetime, tzinfo

from sqlalchemy import Connection

from app.compose import Platform
from domain.timing import zone_of
from streams.republish import position_at

DIGITS = 19
"""A position has fewer."""
NO_TIME = "no time; one is written 2026-03-01, or 2026-03-01T09:00+05:00"


def zone_here(platform: Platform) -> tzinfo:
    """The zone of the rules in force."""
    return zone_of(platform.library.rules().defaults.zone)


def moment_in(text: str, zone: tzinfo) -> datetime:
    """The time in UTC; a date is its beginning; where it names no zone it is in that one.

    Raises:
        ValueError: it is NO_TIME, also where in UTC it lies before the year 1 or after 9999.
    """
    try:
        moment = datetime.fromisoformat(text)
        return moment.replace(tzinfo=moment.tzinfo or zone).astimezone(UTC)
    except OverflowError as error:
        raise ValueError(NO_TIME) from error


def place_of(connection: Connection, text: str, zone: tzinfo, *, of_the_first: bool = False) -> int:
    """A position or a time as a place in the log: behind which a range begins, or up to which it goes.

    Raises:
        ValueError: it is neither.
    """
    if text.isascii() and text.isdecimal() and len(text) < DIGITS:
        return max(0, int(text) - of_the_first)
    return position_at(connection, moment_in(text, zone))
