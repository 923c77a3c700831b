"""The domain's catalogue and defaults, made from the packs' plain data as the log keeps it."""

from collections.abc import Mapping, Sequence
from datetime import date, datetime, time
from typing import Any
from zoneinfo import ZoneInfo

from domain.core.timing import QuietHours, at_local, parse_clock, utc, zone_of
from domain.core.translatable import Said
from domain.core.workdays import WEEKDAYS, Workdays
from domain.rules.benefit_compiling import with_benefits
from domain.rules.event_types import Catalogue, event_type_of
from domain.rules.parameters import parameter_of
from domain.rules.rulebook import Defaults
from templates.reading.pack_content import emergencies_of, offices_of
from templates.reading.public_holidays import PublicHolidays

Content = Mapping[str, Any]
"""A pack as `Pack.content` has it."""


class NoDefaults(LookupError):
    """Raised when no pack has `defaults`."""

    def __init__(self) -> None:
        super().__init__(
            Said("None of the packs has `defaults`; publish one that says language, zone, quiet hours and cap.")
        )


def catalogue_of(contents: Sequence[Content]) -> Catalogue:
    """Return the declarations of all packs together; area levels are those of the first pack that has any.

    Raises:
        BadBenefit: a benefit does not work with these event types and parameters.
    """
    types = [event_type_of(event) for content in contents for event in content["events"]]
    attributes = {
        name: attribute["type"]
        for content in contents
        for name, attribute in (content.get("attributes") or {}).items()
    }
    levels = next((content["area_levels"] for content in contents if content.get("area_levels")), ())
    parameters = {name: parameter_of(each) for name, each in _merged(contents, "parameters").items()}
    catalogue = Catalogue(
        types={type_.name: type_ for type_ in types},
        attributes=attributes,
        area_levels=tuple(levels),
        parameters=parameters,
        emergencies={agency: each for content in contents for agency, each in emergencies_of(content).items()},
        offices={agency: each for content in contents for agency, each in offices_of(content).items()},
    )
    return with_benefits(catalogue, _merged(contents, "benefits"))


def _merged(contents: Sequence[Content], group: str) -> dict[str, Any]:
    return {name: each for content in contents for name, each in (content.get(group) or {}).items()}


def defaults_of(contents: Sequence[Content]) -> Defaults:
    """Return the values for persons who chose nothing: those of the first pack with `defaults`. Raises NoDefaults."""
    found = next((content["defaults"] for content in contents if content.get("defaults")), None)
    if found is None:
        raise NoDefaults
    quiet, cap = found["quiet_hours"], found["cap"]
    return Defaults(
        language=found["language"],
        languages=tuple(found["languages"]),
        zone_name=found["zone"],
        quiet_hours=QuietHours(parse_clock(quiet["from"]), parse_clock(quiet["to"])),
        cap_messages=cap["messages"],
        cap_days=cap["days"],
        age_of_majority=found["age_of_majority"],
        workdays=workdays_of(contents),
    )


def workdays_of(contents: Sequence[Content]) -> Workdays:
    """Return the calendar of the first pack that has `holidays`; Monday to Friday where none has."""
    found = next((content["holidays"] for content in contents if content.get("holidays")), None)
    if found is None:
        return WEEKDAYS
    off, working = (frozenset(map(date.fromisoformat, found.get(key) or ())) for key in ("off", "working"))
    return Workdays(off, working, PublicHolidays(found["country"]))


def live_from_of(content: Content) -> datetime | None:
    """Return the time (UTC) from which a pack's shipped versions apply and send.

    The start of that day in its zone.
    """
    if (day := content.get("live_from")) is None:
        return None
    return at_local(date.fromisoformat(day), time(), pack_zone(content))


def pack_zone(content: Content) -> ZoneInfo:
    """Return the zone of a pack's own defaults; UTC where it has none."""
    return zone_of((content.get("defaults") or {}).get("zone", "UTC"))


def stated_time(rules: Content, key: str, otherwise: datetime, zone: ZoneInfo) -> datetime:
    """Return the stated time. A date means its start in the pack's zone, as does a time without a zone of its own."""
    if (text := rules.get(key)) is None:
        return otherwise
    moment = datetime.fromisoformat(text)
    return utc(moment.replace(tzinfo=moment.tzinfo or zone))


def national_id_of(content: Content) -> str | None:
    """Return the scheme of national ids that a pack names (see domain.core.national_id.SCHEMES)."""
    return content.get("national_id")
