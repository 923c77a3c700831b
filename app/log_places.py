"""Times and positions of the log as somebody asks for them: in the zone of the rules in force."""

from datetime import datetime, tzinfo
from zoneinfo import ZoneInfo

from sqlalchemy import Connection

from app.moments import moment_in, moment_of
from app.terminal import Exit, stop
from streams.kafka.republish import position_at
from streams.rules.library import Library, NothingPublished

DIGITS = 19
"""A position of the log has fewer digits."""


def zone_here(library: Library) -> ZoneInfo:
    """Return the zone of the rules in force."""
    return library.rules().defaults.zone


def zone_shown(library: Library) -> ZoneInfo:
    """Return the zone in which commands show times: that of the rules in force, or UTC where nothing is published."""
    try:
        return zone_here(library)
    except NothingPublished:
        return ZoneInfo("UTC")


def span_of(since: str | None, until: str | None, library: Library) -> tuple[datetime | None, datetime | None]:
    """Return the times of `--from` (inclusive) and `--to` (exclusive), in the zone of the rules."""
    zone = zone_here(library)
    start = None if since is None else moment_of(since, "--from", zone)
    end = None if until is None else moment_of(until, "--to", zone)
    if start is not None and end is not None and start >= end:
        stop(Exit.USAGE, f"--to: {until} is not after --from {since}, so no time lies between them")
    return start, end


def place_of(connection: Connection, text: str, zone: tzinfo, *, of_the_first: bool = False) -> int:
    """Return a position or a time as a place in the log: behind which a range begins, or up to which it goes.

    Raises:
        ValueError: it is neither.
    """
    if text.isascii() and text.isdecimal() and len(text) < DIGITS:
        return max(0, int(text) - of_the_first)
    return position_at(connection, moment_in(text, zone))
