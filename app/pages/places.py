"""Where on the site whoever signed in is at home, and which navigation goes with a page of theirs."""

from typing import Final

from fastapi import Request

from app.pages.visits import principal_of
from domain.facts.principals import Principal, Role

WORKERS: Final = frozenset({Role.AUTHOR, Role.APPROVER})
"""Whose the workbench is."""


def places_of(who: Principal | None) -> list[str]:
    """Where an official may be; their pages begin at the first."""
    places = ["/work"] if who is not None and who.roles & WORKERS else []
    if who is not None and (who.operator or Role.AUDITOR in who.roles):
        places.append("/console" if who.operator else "/console/people")
    return places


def home_of(request: Request) -> str:
    """Where their pages begin; who did not sign in is led to that from a citizen's."""
    return next(iter(places_of(principal_of(request))), "/my")


def base_of(request: Request) -> str:
    """The layout of a page that stands at no place of its own, such as that of an error."""
    who, place = principal_of(request), request.url.path.split("/")[1]
    if who is None:
        return "base.html"
    in_console = who.operator or Role.AUDITOR in who.roles
    return "console/base.html" if in_console and (place == "console" or not who.roles & WORKERS) else "work/base.html"


def only_reads(who: Principal | None) -> bool:
    """Whether of the console only an auditor's pages are theirs."""
    return who is not None and not who.operator and Role.AUDITOR in who.roles
