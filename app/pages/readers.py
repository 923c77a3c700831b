"""Citizens who read pages as themselves: in their own language, with times in their own zone."""

from zoneinfo import ZoneInfo

from fastapi import Request

from app.compose import Platform
from app.pages import visits
from app.pages.layout import Frame, Pages
from domain.persons.hours import local_zone
from domain.persons.person import Person


def visitor(request: Request, platform: Platform, pages: Pages) -> tuple[str, Frame]:
    """Return the citizen who signed in, and the frame in their own language and zone.

    Raises:
        SignInNeeded: nobody did.
    """
    person = visits.require_citizen(request, platform.clock())
    known = platform.delivery.inbound.preferences.person(person)
    return person, pages.frame(request, known.get("language") or "", zone_for(known, platform))


def zone_for(person: Person, platform: Platform) -> ZoneInfo:
    """Return the zone in which that person is shown times."""
    return local_zone(person, platform.rules.library.rules().defaults)
