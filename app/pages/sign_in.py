"""Signing in and out: by OpenID Connect (code flow with PKCE), officials also by their personal token.

The national id of a citizen becomes a pseudonym the moment it arrives; it is neither kept nor logged.
"""

import re
from collections.abc import Callable, Mapping
from datetime import datetime
from functools import cache
from http import HTTPStatus
from ssl import SSLContext
from typing import Any

import httpx2
from authlib.integrations.starlette_client import OAuth
from fastapi import Request
from fastapi.responses import RedirectResponse, Response
from msgspec.structs import replace
from starlette.datastructures import URL

from app.http import routes
from app.http.access import Access
from app.http.limits import mark_as_no_guess
from app.http.problems import Problem
from app.pages import visits
from app.pages.layout import HEADERS, Pages, RoutedPages
from app.pages.places import home_of
from app.pages.visits import Form, Official, OpenForm
from app.settings import Settings
from app.sign_in_settings import SignInSettings
from domain.core.ids import Names
from domain.core.translatable import Said
from domain.facts.principals import Principal, Role

_NATIONAL_ID = re.compile(r"[0-9]{6,20}")
LONGEST_NAME = 255


class UnknownPerson(Exception):
    """The issuer knows who signed in, and we don't: its claims name nobody whom these pages are for."""


class SignIn(RoutedPages):
    """The pages of signing in and out."""

    def __init__(
        self, settings: Settings, pages: Pages, access: Access, names: Names, clock: Callable[[], datetime]
    ) -> None:
        self._settings, self._pages, self._access, self._names, self._clock = settings, pages, access, names, clock
        self._issuers = OAuth()
        for name, each in settings.sign_in.items():
            self._issuers.register(
                name,
                client_id=each.client_id,
                client_secret=each.client_secret.get_secret_value() or None,
                server_metadata_url=f"{each.issuer.rstrip('/')}/.well-known/openid-configuration",
                client_kwargs={"scope": each.scope, "code_challenge_method": "S256", "verify": _trusted()},
            )

    @routes.get("/sign-in")
    def choose(self, request: Request, next: str = "") -> Response:
        """Show the ways to sign in."""
        return self._choose(request, visits.local_path(next))

    def _choose(self, request: Request, wished: str, wrong: str = "") -> Response:
        frame = self._pages.frame(request)
        status = HTTPStatus.UNAUTHORIZED if wrong else HTTPStatus.OK
        issuers = [(name, each.title or name, each.who) for name, each in self._settings.sign_in.items()]
        page = self._pages.respond("sign_in.html", frame, status, issuers=issuers, wished=wished, wrong=wrong)
        page.headers["Referrer-Policy"] = "same-origin"  # else an older browser would not say that the form is ours
        return page

    @routes.get("/sign-in/{name}")
    async def leave(self, request: Request, name: str, next: str = "") -> Response:
        """Redirect the visitor to the issuer."""
        client = self._client(name)
        request.session[visits.NEXT] = visits.local_path(next)
        here = URL(f"{self._settings.base_url.rstrip('/')}/sign-in/{name}/back")
        answer: RedirectResponse = await client.authorize_redirect(request, str(here))
        return _kept_private(answer)

    @routes.get("/sign-in/{name}/back")
    async def back(self, request: Request, name: str) -> Response:
        """Begin the visit of somebody who comes back from the issuer, by its claims."""
        client, settings = self._client(name), self._settings.sign_in[name]
        try:
            token = await client.authorize_access_token(request)
            self._begin(request, settings, token["userinfo"])
        except UnknownPerson as unknown:
            raise Problem(HTTPStatus.FORBIDDEN, str(unknown), kind="nobody-here") from None
        except Exception:  # noqa: BLE001  (whatever is wrong with what the issuer or the browser brought)
            detail = Said("signing in did not work; begin again")
            raise Problem(HTTPStatus.BAD_REQUEST, detail, kind="sign-in") from None
        return self._on(request)

    def _begin(self, request: Request, settings: SignInSettings, claims: Mapping[str, Any]) -> None:
        if settings.who == "citizens":
            national_id = str(claims.get(settings.national_id_claim, ""))
            if not _NATIONAL_ID.fullmatch(national_id):
                raise UnknownPerson
            visits.begin(request, self._clock(), citizen=self._names.pseudonym(national_id))
        else:
            visits.begin(request, self._clock(), official=self._official(settings, claims))

    def _official(self, settings: SignInSettings, claims: Mapping[str, Any]) -> Official:
        name = claims.get(settings.name_claim)
        if not isinstance(name, str) or not name.isprintable() or not 0 < len(name) <= LONGEST_NAME:
            raise UnknownPerson
        who = _claimed(name, settings, claims) if settings.agency_claim else self._access.principal_named(name)
        roles = who.roles.intersection(settings.roles) if who is not None else frozenset()
        if who is None or not roles or not settings.speaks_for(who.agency):
            raise UnknownPerson
        mark = "" if settings.agency_claim else self._access.mark_of(name)
        return Official(replace(who, roles=roles), mark)

    @routes.post("/sign-in/token")
    def by_token(self, request: Request, fields: OpenForm) -> Response:
        """An official signs in with the personal token that commands use too, by no other site's form."""
        if not visits.is_from_here(request, self._settings.base_url):
            raise Problem(HTTPStatus.FORBIDDEN, Said("the form is another site's; sign in on ours"), kind="csrf")
        wished = visits.local_path(visits.field_of(fields, visits.NEXT))
        found = self._access.owner_of(visits.field_of(fields, "token"))
        if found is None or not found.roles:
            return self._choose(request, wished, wrong="token")
        mark_as_no_guess(request)
        request.session[visits.NEXT] = wished
        visits.begin(request, self._clock(), official=Official(found, self._access.mark_of(found.name)))
        return self._on(request)

    @routes.post("/sign-out")
    def out(self, request: Request, fields: Form) -> Response:
        """Sign out."""
        visits.require_form(request, fields)
        visits.end(request)
        return self._redirect("/sign-in")

    def _on(self, request: Request) -> Response:
        wished = str(request.session.pop(visits.NEXT, ""))
        return self._redirect(wished or home_of(request))

    def _redirect(self, path: str) -> Response:
        return _kept_private(RedirectResponse(self._pages.root + path, HTTPStatus.SEE_OTHER))

    def _client(self, name: str) -> Any:  # noqa: ANN401  (the library says nothing of its types)
        if name not in self._settings.sign_in:
            raise Problem(HTTPStatus.NOT_FOUND, Said("nobody of that name says who signs in"), kind="unknown-issuer")
        return self._issuers.create_client(name)


@cache
def _trusted() -> SSLContext:
    """Return the authorities that issuers are checked by. To read them for each visit would hold up every request."""
    return httpx2.create_ssl_context()


def _claimed(name: str, settings: SignInSettings, claims: Mapping[str, Any]) -> Principal | None:
    """Return the principal whom the claims describe.

    The issuer is part of the name, so issuers cannot share names.
    """
    agency, listed = claims.get(settings.agency_claim), claims.get(settings.roles_claim)
    if not isinstance(agency, str) or not isinstance(listed, list):
        return None
    known = {role.value for role in Role}.intersection(map(str, listed))
    return Principal(f"{name}@{settings.place}", agency, frozenset(map(Role, known)))


def _kept_private(answer: Response) -> Response:
    answer.headers.update({name: value for name, value in HEADERS.items() if name != "Content-Security-Policy"})
    return answer
