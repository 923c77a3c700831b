"""The demo's web pages: plain HTML from the server, complete without JavaScript, which only keeps it fresh."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from fastapi import FastAPI, Request, Response
from fastapi.middleware.trustedhost import TrustedHostMiddleware
from fastapi.responses import HTMLResponse, JSONResponse
from fastapi.staticfiles import StaticFiles
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from starlette.middleware.base import RequestResponseEndpoint

from app.demo.reading import Reader
from app.demo.why import Explainer
from app.reports import life_words
from projections import nudges
from streams.queries.explain import UnknownNudge

PAGES = Path(__file__).with_name("pages")
LANGUAGES: Mapping[str, str] = {"kk": "Қазақша", "ru": "Русский", "en": "English"}
PARTS = ("top", "events", "inbox", "phone", "mail")
"""The parts of the page that change while the year goes on; each has a template of its own."""

_STRICT = {
    "Content-Security-Policy": "default-src 'none'; style-src 'self'; script-src 'self'; connect-src 'self'; "
    "frame-src 'self'; img-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cache-Control": "no-store",
}
_MAIL = {
    # mail needs style attributes, and nothing else: no script, no picture, no form, no way out of its frame
    "Content-Security-Policy": "default-src 'none'; style-src-attr 'unsafe-inline'; base-uri 'none'; "
    "form-action 'none'; frame-ancestors 'self'; sandbox",
}


def site(reader: Reader, zone: ZoneInfo) -> FastAPI:
    """Return the pages as an application; it answers on this machine only."""
    pages = _Pages(reader, zone)
    app = FastAPI(openapi_url=None, docs_url=None, redoc_url=None)
    app.add_middleware(TrustedHostMiddleware, allowed_hosts=["127.0.0.1", "localhost"])
    app.middleware("http")(_guarded)
    app.mount("/static", StaticFiles(directory=PAGES / "static"))
    app.get("/")(pages.front)
    app.get("/live")(pages.live)
    app.get("/why/{nudge}")(pages.why)
    app.get("/mail/{nudge}/{number}")(pages.mail)
    app.exception_handler(404)(pages.missing)
    return app


async def _guarded(request: Request, answer: RequestResponseEndpoint) -> Response:
    response = await answer(request)
    for name, value in _STRICT.items():
        response.headers.setdefault(name, value)
    return response


class _Pages:
    """The pages, a method each."""

    def __init__(self, reader: Reader, zone: ZoneInfo) -> None:
        self._reader, self._explainer = reader, Explainer(reader, zone)
        self._templates = _environment(zone)

    def front(self, language: str = "") -> HTMLResponse:
        """Return the page."""
        return self._page("index.html", **self._seen(language))

    def live(self, language: str = "") -> JSONResponse:
        """Return the parts of the page as they are now, as HTML."""
        seen = self._seen(language)
        parts = {part: self._templates.get_template(f"_{part}.html").render(seen) for part in PARTS}
        return JSONResponse({"done": seen["board"].done, "parts": parts})

    def why(self, nudge: str) -> HTMLResponse:
        """Show the reason for a nudge, and its outcome."""
        try:
            page = self._explainer.page(UUID(nudge))
        except (ValueError, UnknownNudge):
            return self._missing()
        return self._page("why.html", page=page, languages=LANGUAGES)

    def mail(self, nudge: str, number: str) -> HTMLResponse:
        """Return the HTML of an email, to be shown in a frame."""
        html = self._html(nudge, number)
        return HTMLResponse(html, headers=_MAIL) if html else self._missing()

    async def missing(self, _request: Request, _error: Exception) -> HTMLResponse:
        """There is no such page."""
        return self._missing()

    def _html(self, nudge: str, number: str) -> str | None:
        reader = self._reader
        try:
            id_ = UUID(nudge)
        except ValueError:
            return None
        with reader.platform.database.reading() as connection:
            found = nudges.by_id(connection, [id_])
            messages = reader.told(connection, found[id_]) if id_ in found else []
        return next((one.words.html for one in messages if str(one.number) == number), None)

    def _seen(self, language: str) -> dict[str, Any]:
        known = language if language in LANGUAGES else None
        board = self._reader.board(known)
        return {"board": board, "language": known, "languages": LANGUAGES, "parts": PARTS}

    def _page(self, template: str, **seen: object) -> HTMLResponse:
        return HTMLResponse(self._templates.get_template(template).render(seen))

    def _missing(self) -> HTMLResponse:
        return HTMLResponse(self._templates.get_template("missing.html").render(), 404)


def _environment(zone: ZoneInfo) -> Environment:
    environment = Environment(
        loader=FileSystemLoader(PAGES),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["at"] = lambda moment: life_words.at(moment, zone)
    environment.filters["iso"] = lambda moment: moment.astimezone(zone).isoformat(timespec="minutes")
    environment.filters["day"] = lambda moment: f"{moment.astimezone(zone):%A}"
    environment.filters["reason"] = life_words.reason
    environment.filters["channel"] = lambda channel: life_words.CHANNELS.get(channel, channel)
    environment.filters["number"] = lambda count: f"{count:,}"
    return environment
