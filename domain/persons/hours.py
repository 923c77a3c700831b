"""A person's own hours: their zone, and when they are not to be disturbed."""

from collections.abc import Mapping
from typing import Any
from zoneinfo import ZoneInfo

from domain.core.timing import QuietHours, parse_clock, zone_or
from domain.persons.person import Person
from domain.rules.event_types import ZONE
from domain.rules.rulebook import Defaults


def zone_of_attributes(attributes: Mapping[str, Any], defaults: Defaults) -> ZoneInfo:
    """Return the zone of a person with these attributes ("citizen.zone" -> its name), or else the pack's.

    Everything that reads a day of a person's life asks this: the plan, explanations, words, benefits.
    """
    return zone_or(attributes.get(ZONE), defaults.zone_name)


def local_zone(person: Person, defaults: Defaults) -> ZoneInfo:
    """Return the person's zone, or the pack's."""
    return zone_of_attributes(person.attributes, defaults)


def quiet_hours(person: Person, defaults: Defaults) -> QuietHours:
    """Return the person's quiet hours, or the pack's."""
    start, end = person.get("quiet_from"), person.get("quiet_to")
    if start is None or end is None:
        return defaults.quiet_hours
    return QuietHours(parse_clock(start), parse_clock(end))
