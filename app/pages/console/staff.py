"""Access to the console, and the common parts of its pages. All but operators get 403 on every page."""

import shlex
from datetime import datetime
from http import HTTPStatus
from typing import Any

from fastapi import Request
from fastapi.responses import HTMLResponse, Response

from app.compose import Platform
from app.http.problems import Problem
from app.pages import visits
from app.pages.active_stops import stops_in_words
from app.pages.layout import Frame, Pages, RoutedPages
from app.pages.places import only_reads
from app.pages.visits import Fields, field_of
from domain.core.translatable import Words
from domain.facts.principals import NotAllowed, Principal, require_reading


class Staff:
    """The platform, its pages, and whoever looks at them."""

    def __init__(self, platform: Platform, pages: Pages) -> None:
        self.platform, self.pages = platform, pages

    @property
    def now(self) -> datetime:
        """Return the time of the platform's clock."""
        return self.platform.clock()

    def operator(self, request: Request, fields: Fields | None = None) -> tuple[Principal, Frame]:
        """Return the operator who signed in, and the frame. `fields`: of a form that they sent.

        Raises:
            NotAllowed: they are none.
            SignInNeeded: nobody did.
            Problem: 403: the form was not made for this visit.
        """
        who = visits.require_official(request, self.now)
        if not who.operator:
            raise NotAllowed(Words("the console is for operators; {name} is not an operator", name=who.name))
        return self._entered(request, who, fields)

    def reader(self, request: Request, fields: Fields | None = None) -> tuple[Principal, Frame]:
        """Return the operator or auditor who signed in, and the frame. Raises as `operator` does."""
        who = visits.require_official(request, self.now)
        require_reading(who)
        return self._entered(request, who, fields)

    def _entered(self, request: Request, who: Principal, fields: Fields | None) -> tuple[Principal, Frame]:
        if fields is not None:
            visits.require_form(request, fields)
        return who, self.pages.frame(request)

    def show(self, template: str, frame: Frame, status: HTTPStatus | None = None, **shown: Any) -> HTMLResponse:
        """Return a page of the console."""
        stops = stops_in_words(self.platform, frame.speech)
        auditor = only_reads(frame.who)
        return self.pages.respond(f"console/{template}", frame, status, auditor=auditor, stops=stops, **shown)

    def go(self, path: str) -> Response:
        """Look at another page of the console now."""
        return self.pages.go(f"/console{path}")


class ConsolePages(RoutedPages):
    """Pages of the console."""

    def __init__(self, staff: Staff) -> None:
        self._staff = staff


def short_field(fields: Fields, name: str, most: int = 200) -> str:
    """Return a field of a form.

    Raises:
        Problem: it is longer than any that the page would send.
    """
    text = field_of(fields, name)
    if len(text) > most:
        raise Problem(
            HTTPStatus.UNPROCESSABLE_ENTITY, Words("{name} has more than {most} characters", name=name, most=most)
        )
    return text


def command_line(*words: object) -> str:
    """Return the command that does the same, as a shell takes it."""
    return shlex.join(["habarshy", *map(str, words)])
