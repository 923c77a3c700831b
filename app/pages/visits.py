"""Visits, kept in a signed cookie that scripts cannot read: citizens by pseudonym, officials by name.

Every page that needs a visitor asks here. An official of the list of principals is looked up there at each request:
who was taken out, changed or given a new token must sign in again. An official whom an issuer described cannot be
looked up: the claims hold for an hour, then the issuer is asked again.
"""

import hmac
import secrets
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from http import HTTPStatus
from typing import Annotated, Any, cast
from urllib.parse import parse_qs, urlsplit

import msgspec
from fastapi import Depends, FastAPI, Request
from itsdangerous import SignatureExpired, TimestampSigner
from msgspec import Struct
from starlette.middleware.sessions import SessionMiddleware
from starlette.types import ASGIApp

from app.http.access import Access
from app.http.bodies import media_type_of, read_body
from app.http.problems import Problem
from domain.core.translatable import Said
from domain.facts.principals import Principal

VISIT_LASTS = timedelta(hours=8)
"""The length of a visit from signing in, however busy it is."""
CLAIMED_LASTS = timedelta(hours=1)
"""The length of a visit of officials who are on no list of ours: roles that their issuer took away last as long."""
MOST_CLOCK_AHEAD = timedelta(hours=1)
"""The most by which the clock of another process may be ahead of ours for its cookies to be good."""
COOKIE_LASTS = timedelta(days=1)
"""The time for which a visitor's form is kept while they sign in again."""
FORM_BYTES, DRAFT_BYTES = 64 * 1024, 3 * 1024 * 1024
"""The most that a form has; and one with a draft in it, whose letters beyond Latin take up to six bytes a byte."""
_MOST_FIELDS = {FORM_BYTES: 200, DRAFT_BYTES: 2000}
Fields = Mapping[str, list[str]]
"""A form: each field's name, and what was sent in it, as often as it was."""
ErasedSince = Callable[[str, datetime], bool]
"""Returns True if a citizen was erased at that moment or later."""
_CITIZEN, _OFFICIAL, _SINCE, _CSRF, _LANGUAGE = "citizen", "staff", "since", "csrf", "language"
_ONCE, _LEFT = "once", "left"
NEXT = "next"
"""The path to which the visitor wanted to go before they had to sign in."""


class SignInNeeded(Exception):
    """The page is for who has signed in."""


class Official(Struct, frozen=True):
    """An official as a visit keeps them. `mark`: changes with their entry in the list; of no list: nothing."""

    principal: Principal
    mark: str = ""


class _Signer(TimestampSigner):
    """Signs cookies, and takes those of a process whose clock is ahead of ours by up to `MOST_CLOCK_AHEAD`."""

    def unsign(self, *given: Any, **options: Any) -> Any:  # noqa: ANN401  (it has overloads)
        """Return what was signed; raise SignatureExpired where that was too long ago, or too far ahead."""
        try:
            return super().unsign(*given, **options)
        except SignatureExpired as expired:
            now = self.timestamp_to_datetime(self.get_timestamp())
            if expired.date_signed is None or not now < expired.date_signed <= now + MOST_CLOCK_AHEAD:
                raise
            return expired.payload


class _Visits(SessionMiddleware):
    def __init__(self, app: ASGIApp, secret: str, *, safe: bool) -> None:
        super().__init__(
            app,
            secret,
            session_cookie="__Host-habarshy" if safe else "habarshy",
            max_age=int(COOKIE_LASTS.total_seconds()),
            same_site="lax",  # strict loses who comes back
            https_only=safe,
        )
        self.signer = _Signer(secret)


def install_visits(app: FastAPI, secret: str, base_url: str, listed: Access, was_erased_since: ErasedSince) -> None:
    """Make the app recognise its visitors; over https the cookie goes to this host only, and never in clear."""
    app.state.listed, app.state.was_erased_since = listed, was_erased_since
    app.add_middleware(_Visits, secret=secret, safe=urlsplit(base_url).scheme == "https")


def begin(request: Request, now: datetime, *, citizen: str = "", official: Official | None = None) -> None:
    """Begin a visit; of the one before, only the language and the path that the visitor wanted are kept.

    If it was the same visitor's, their forms' token is kept too: what they had written can still be sent.
    """
    who = "" if official is None else official.principal.name
    theirs = (citizen, who) == (citizen_of(request), official_of(request))
    names = (_LANGUAGE, NEXT, _CSRF) if theirs else (_LANGUAGE, NEXT)
    kept = {name: _visit(request)[name] for name in names if name in _visit(request)}
    left, mark = _ended_visit(request)
    if left and hmac.compare_digest(_mark_of(left, citizen, who), mark):
        kept[_CSRF] = left
    request.session.clear()
    request.session.update(kept)
    request.session[_SINCE] = int(now.timestamp())
    if citizen:
        request.session[_CITIZEN] = citizen
    if official is not None:
        request.session[_OFFICIAL] = msgspec.to_builtins(official)


def end(request: Request) -> None:
    """End the visit.

    The token of its forms is kept with a mark of who had it: what they still write in another window is theirs to
    send, once they are back.
    """
    language, token = language_of(request), csrf_of(request)
    mark = _mark_of(token, citizen_of(request), official_of(request))
    request.session.clear()
    if token:
        request.session[_LEFT] = [token, mark]
    if language:
        request.session[_LANGUAGE] = language


def citizen_of(request: Request) -> str:
    """Return the pseudonym of the citizen who signed in, or nothing."""
    return str(_visit(request).get(_CITIZEN, ""))


def official_of(request: Request) -> str:
    """Return the name of the official who signed in, or nothing."""
    found = principal_of(request)
    return "" if found is None else found.name


def principal_of(request: Request) -> Principal | None:
    """Return the official who signed in, with what they may do now."""
    kept = _visit(request).get(_OFFICIAL)
    if kept is None:
        return None
    official = msgspec.convert(kept, Official)
    listed: Access = request.app.state.listed
    is_as_it_was = not official.mark or hmac.compare_digest(official.mark, listed.mark_of(official.principal.name))
    return official.principal if is_as_it_was else None


def require_citizen(request: Request, now: datetime) -> str:
    """Return the pseudonym of the citizen who signed in.

    Raises:
        SignInNeeded: nobody did, it was too long ago, or they were erased since: who comes back is somebody new.
    """
    citizen, was_erased_since = citizen_of(request), request.app.state.was_erased_since
    if not citizen or not _is_fresh(request, now) or was_erased_since(citizen, _since(request)):
        raise SignInNeeded
    return citizen


def require_official(request: Request, now: datetime) -> Principal:
    """Return the official who signed in.

    Raises:
        SignInNeeded: nobody did, or it was too long ago.
    """
    found = principal_of(request)
    if found is None or not _is_fresh(request, now, VISIT_LASTS if _is_listed(request) else CLAIMED_LASTS):
        raise SignInNeeded
    return found


def language_of(request: Request) -> str:
    """Return the language that the visitor chose, or nothing."""
    return str(_visit(request).get(_LANGUAGE, ""))


def remember_language(request: Request, language: str) -> None:
    """Remember the language that the visitor chose."""
    request.session[_LANGUAGE] = language


def tell_once(request: Request, what: str, value: str = "") -> None:
    """Keep a value that the next page shows by `told_once`; a reload of that page does not show it again."""
    request.session[_ONCE] = [what, value]


def told_once(request: Request, what: str) -> str | None:
    """Return a value that was kept to be shown once, and forget it; None where there was none."""
    kept = _visit(request).get(_ONCE)
    if not isinstance(kept, list) or kept[0] != what:
        return None
    del request.session[_ONCE]
    return str(kept[1])


def require_theirs(request: Request, recipient: str) -> None:
    """Check that no other citizen than the recipient of this link has signed in here.

    Raises:
        Problem: 403: somebody else has, to whom the link was passed on.
    """
    if citizen_of(request) not in ("", recipient):
        detail = Said("the link came in a message to somebody else than who has signed in here")
        raise Problem(HTTPStatus.FORBIDDEN, detail, kind="not-yours")


def csrf_of(request: Request) -> str:
    """Return the token that every form of a visit sends, so that no other site can; empty for who did not sign in."""
    visit = _visit(request)
    if not (visit.get(_CITIZEN) or official_of(request)):
        return ""
    return str(request.session.setdefault(_CSRF, secrets.token_urlsafe(16)))


def is_from_here(request: Request, base_url: str) -> bool:
    """Return True if a request comes from this site, as far as the browser says.

    Sec-Fetch-Site (W3C Fetch Metadata) decides. Older browsers only send Origin (RFC 6454, section 7). It is `null`
    for a form of any page that sends no referrer.
    """
    if (site := request.headers.get("sec-fetch-site")) is not None:
        return site in ("none", "same-origin")
    origin = request.headers.get("origin")
    return origin is None or urlsplit(origin).netloc in (request.headers.get("host"), urlsplit(base_url).netloc)


def require_form(request: Request, fields: Fields) -> None:
    """Check that these are the fields of a form that was made for this visit.

    Raises:
        Problem: 403: they are not.
    """
    if not _has_token(fields, csrf_of(request)):
        raise Problem(
            HTTPStatus.FORBIDDEN, Said("the form was not made for this visit; open its page again"), kind="csrf"
        )


def field_of(fields: Fields, name: str) -> str:
    """Return a field of a form without NUL and the space around it; empty where it is missing."""
    return _cleaned((fields.get(name) or [""])[0]).replace("\r\n", "\n")


def query_of(request: Request) -> dict[str, str]:
    """Return the fields of the address, without NUL and the space around them."""
    return {name: _cleaned(value) for name, value in request.query_params.items()}


def _cleaned(text: str) -> str:
    """Return the text without NUL, which PostgreSQL has no letter for, and without the space around it."""
    return text.replace("\x00", "").strip()


async def form_of_ended_visit(request: Request) -> Fields:
    """Return the fields of a form of a visit that is over by now, or was ended in another window; else nothing."""
    known = csrf_of(request) or _ended_visit(request)[0]
    if request.method != "POST" or not known:
        return {}
    fields = await _fields_of(request, DRAFT_BYTES)
    return fields if _has_token(fields, known) else {}


def _has_token(fields: Fields, known: str) -> bool:
    return bool(known) and hmac.compare_digest(field_of(fields, _CSRF).encode(), known.encode())


def _ended_visit(request: Request) -> tuple[str, str]:
    """Return the token of the forms of the visit that was ended in this browser, and its mark; else nothing."""
    kept = _visit(request).get(_LEFT)
    return (str(kept[0]), str(kept[1])) if isinstance(kept, list) else ("", "")


def _mark_of(token: str, citizen: str, official: str) -> str:
    """Return what tells a visitor from others without naming them: the browser keeps it after they signed out."""
    return hmac.new(token.encode(), f"{citizen}\n{official}".encode(), sha256).hexdigest()


async def _fields_of(request: Request, most: int) -> Fields:
    """Return the fields of a form, whoever sent it; read once.

    Raises:
        Problem: 413 where it is too large, 415 where it is no form, 400 where it cannot be read.
    """
    if (known := getattr(request.state, "fields", None)) is not None:
        return cast("Fields", known)
    if media_type_of(request).essence not in ("application/x-www-form-urlencoded", ""):
        raise Problem(HTTPStatus.UNSUPPORTED_MEDIA_TYPE, Said("the body must be application/x-www-form-urlencoded"))
    body = await read_body(request, most)
    try:
        fields = parse_qs(body.decode(), keep_blank_values=True, errors="strict", max_num_fields=_MOST_FIELDS[most])
    except ValueError:
        raise Problem(HTTPStatus.BAD_REQUEST, Said("the form cannot be read; it must be UTF-8")) from None
    request.state.fields = fields
    return fields


def _require_visit(request: Request) -> None:
    """Raises SignInNeeded where nobody signed in: then no byte of the form is read."""
    if not csrf_of(request):
        raise SignInNeeded


async def _form(request: Request) -> Fields:
    _require_visit(request)
    return await _fields_of(request, FORM_BYTES)


async def _draft_form(request: Request) -> Fields:
    _require_visit(request)
    return await _fields_of(request, DRAFT_BYTES)


async def _open_form(request: Request) -> Fields:
    return await _fields_of(request, FORM_BYTES)


Form = Annotated[Fields, Depends(_form)]
DraftForm = Annotated[Fields, Depends(_draft_form)]
OpenForm = Annotated[Fields, Depends(_open_form)]
"""The fields of a form: of a visitor; of a visitor, with a draft in it; of anybody, where the route checks a link or
lets people sign in. Only this is read on the event loop: the route itself works in a thread, where it may wait for a
database."""


def local_path(wished: str) -> str:
    """Return the path to go to after signing in, if it is one of this site; else nothing."""
    good = wished.startswith("/") and not wished.startswith(("//", "/\\")) and wished.isprintable()
    return wished if good else ""


def _visit(request: Request) -> dict[str, object]:
    """Return the content of the cookie; empty where the app has no visitors."""
    return request.scope.get("session") or {}


def _is_listed(request: Request) -> bool:
    return bool(msgspec.convert(_visit(request)[_OFFICIAL], Official).mark)


def _is_fresh(request: Request, now: datetime, lasts: timedelta = VISIT_LASTS) -> bool:
    return now - _since(request) < lasts


def _since(request: Request) -> datetime:
    """Return when the visit began; long ago where the cookie does not say it."""
    since = _visit(request).get(_SINCE)
    return datetime.fromtimestamp(since if isinstance(since, int) else 0, UTC)
