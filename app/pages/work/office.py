"""Access to the workbench, and the common parts of its pages."""

from http import HTTPStatus
from typing import Annotated, Any

from fastapi import Path as InPath
from fastapi import Request
from fastapi.responses import Response

from app.compose import Platform
from app.http.rule_refusals import refusals_as_problems
from app.pages import visits
from app.pages.active_stops import visible_stops
from app.pages.layout import Frame, Pages
from app.pages.places import WORKERS
from app.pages.visits import Fields
from domain.core.translatable import Words
from domain.facts.principals import NotAllowed, Principal
from domain.facts.submissions import Submission
from streams.rules.approval import Reference

Hash = Annotated[str, InPath(pattern="^[0-9a-f]{8,64}$")]
WholeHash = Annotated[str, InPath(pattern="^[0-9a-f]{64}$")]
Name = Annotated[str, InPath(pattern="^[a-z][a-z0-9_]{0,99}$")]


class Office:
    """The workbench's front desk: default deny."""

    def __init__(self, platform: Platform, pages: Pages) -> None:
        self.platform, self.pages = platform, pages

    def enter(self, request: Request, fields: Fields | None = None) -> tuple[Principal, Frame]:
        """Return the author or approver who signed in, and the frame of their page. `fields`: of the form they sent.

        Raises:
            NotAllowed: they are neither.
            SignInNeeded: nobody signed in.
            Problem: 403: the form was not made for this visit.
        """
        who = visits.require_official(request, self.platform.clock())
        if who.roles.isdisjoint(WORKERS):
            raise NotAllowed(Words("the workbench is for authors and approvers; {name} is neither", name=who.name))
        if fields is not None:
            visits.require_form(request, fields)
        return who, self.pages.frame(request)

    def show(self, template: str, frame: Frame, status: HTTPStatus | None = None, **shown: Any) -> Response:
        """Return a page of the workbench, under a bar that says what is stopped."""
        stops = {"stops": visible_stops(self.platform, frame)} | shown
        return self.pages.respond(f"work/{template}", frame, status, **stops)

    def submission(self, wanted: Reference, who: Principal) -> Submission:
        """Return the submission of that name and hash.

        Raises:
            NotAllowed: it is another agency's.
            Problem: 404 where there is none.
        """
        with refusals_as_problems():
            return self.platform.rules.approval.find(wanted, who)

    def go(self, path: str) -> Response:
        """Lead on to another page, after something was done."""
        return self.pages.go(path)
