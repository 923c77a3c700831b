"""The places of the site: where a visitor's pages begin, and the navigation of a page."""

from typing import Final

from fastapi import Request

from app.pages.visits import principal_of
from domain.facts.principals import Principal, Role

WORKERS: Final = frozenset({Role.AUTHOR, Role.APPROVER})
"""The roles that use the workbench."""


def places_of(who: Principal | None) -> list[str]:
    """Return the places that an official may enter; their pages begin at the first."""
    places = ["/work"] if who is not None and who.roles & WORKERS else []
    if who is not None and (who.operator or Role.AUDITOR in who.roles):
        places.append("/console" if who.operator else "/console/people")
    return places


def home_of(request: Request) -> str:
    """Return the beginning of the visitor's pages: a citizen's, unless an official signed in."""
    return next(iter(places_of(principal_of(request))), "/my")


def base_of(request: Request) -> str:
    """Return the layout of a page that stands at no place of its own, such as that of an error."""
    who, place = principal_of(request), request.url.path.split("/")[1]
    if who is None:
        return "base.html"
    in_console = who.operator or Role.AUDITOR in who.roles
    return "console/base.html" if in_console and (place == "console" or not who.roles & WORKERS) else "work/base.html"


def only_reads(who: Principal | None) -> bool:
    """Return True for an auditor who is no operator: only the auditor's pages of the console are open to them."""
    return who is not None and not who.operator and Role.AUDITOR in who.roles
