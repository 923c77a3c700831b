"""The common parts of pages that citizens read as themselves: in their own language, with times in their zone."""

from fastapi import Request

from app.compose import Platform
from app.pages import visits
from app.pages.layout import Frame, Pages, RoutedPages
from app.pages.visits import Fields
from domain.persons.hours import local_zone
from domain.persons.person import Person


class CitizenPages(RoutedPages):
    """Pages that citizens read as themselves."""

    def __init__(self, platform: Platform, pages: Pages) -> None:
        self._platform, self._pages = platform, pages

    def _visitor(self, request: Request, fields: Fields | None = None) -> tuple[str, Frame]:
        """Return the citizen who signed in, and the frame of their page. `fields`: of the form they sent.

        Raises:
            SignInNeeded: nobody did.
            Problem: 403: the form was not made for this visit.
        """
        name = visits.require_citizen(request, self._platform.clock())
        frame = self._frame(request, self._platform.delivery.inbound.preferences.person(name))
        if fields is not None:
            visits.require_form(request, fields)
        return name, frame

    def _frame(self, request: Request, person: Person) -> Frame:
        """Return the frame of a page for that person."""
        zone = local_zone(person, self._platform.rules.library.rules().defaults)
        return self._pages.frame(request, person.get("language") or "", zone)
