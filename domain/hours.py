"""A person's own hours: their zone, and when they are not to be disturbed."""

from zoneinfo import ZoneInfo

from domain.person import Person
from domain.rulebook import Defaults
from domain.timing import QuietHours, parse_clock, zone_or


def local_zone(person: Person, defaults: Defaults) -> ZoneInfo:
    """The person's zone, or the pack's."""
    return zone_or(person.get("zone"), defaults.zone)


def quiet_hours(person: Person, defaults: Defaults) -> QuietHours:
    """The person's quiet hours, or the pack's."""
    start, end = person.get("quiet_from"), person.get("quiet_to")
    if start is None or end is None:
        return defaults.quiet_hours
    return QuietHours(parse_clock(start), parse_clock(end))
