"""The layout that all pages share: one frame, one stylesheet, the words of one language, strict headers."""

import csv
import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import cache
from hashlib import blake2b
from http import HTTPStatus
from io import StringIO
from pathlib import Path
from typing import Annotated, Any
from urllib.parse import quote, urlencode, urlsplit
from zoneinfo import ZoneInfo

from fastapi import FastAPI, Query, Request
from fastapi.responses import HTMLResponse, RedirectResponse
from fastapi.staticfiles import StaticFiles
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup
from msgspec import Struct

from app.http.openapi import Api
from app.http.routes import Routed
from app.pages.catalogues import LANGUAGES, Speech, language_among, language_of_header, translations
from app.pages.icons import Icons
from app.pages.places import places_of
from app.pages.visits import citizen_of, csrf_of, language_of, official_of, principal_of, remember_language
from app.visible import AsWritten, on_page
from domain.core.translatable import Said
from domain.facts.principals import Principal
from templates.authoring.text_diff import parts_of
from templates.words.filters import one_stop

_HERE = Path(__file__).parent
Before = Annotated[int | None, Query(ge=1, le=2**62)]
"""The position in the log before which a page of the latest goes on; None: the very latest."""
HEADERS: Mapping[str, str] = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": (
        "default-src 'none'; style-src 'self'; script-src 'self'; connect-src 'self'; img-src 'self'; "
        "manifest-src 'self'; worker-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
    ),
    "Cross-Origin-Opener-Policy": "same-origin",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "X-Robots-Tag": "noindex",
}
"""The headers of a page: it and often its address are one person's own, so nobody may store, frame or pass it on."""


class Frame(Struct, frozen=True):
    """The surroundings of a page's content: its language, the visitor, and their place on the site.

    `official`: their name; `who`: the official, as far as they are still known. `answers_form`: it is no page of an
    address, but the answer to what was sent.
    """

    speech: Speech
    path: str
    query: Mapping[str, str]
    citizen: str
    official: str
    who: Principal | None
    csrf: str
    answers_form: bool

    @property
    def language(self) -> str:
        """Return the page's language."""
        return self.speech.language

    @property
    def places(self) -> Sequence[str]:
        """Return the places that an official may enter."""
        return places_of(self.who)

    def address_with(self, **changed: str) -> str:
        """Return the address of this page, with something changed in its query."""
        return f"{self.path}?{urlencode({**self.query, **changed})}"


class RoutedPages(Routed, response_class=HTMLResponse, include_in_schema=False):
    """Pages: what their routes answer is HTML, and the description of the API does not have them."""


class Front(Struct, frozen=True):
    """Pages that go before the product's own, as those of the demo do.

    `templates`: their folder; a `_front.html` in it stands at the top of every page. `shown`: what templates may name
    besides. `install`: adds the routes; it is called before any other.
    """

    templates: Path
    shown: Mapping[str, Any]
    install: Callable[[Api, "Pages"], None]


class Pages:
    """Renders pages. `root`: the path of the base URL; `zone`: in which times are shown to who told none."""

    def __init__(self, base_url: str, zone: Callable[[], ZoneInfo], front: Front | None = None) -> None:
        self.root, self._zone = urlsplit(base_url).path.rstrip("/"), zone
        self._shown: Mapping[str, Any] = front.shown if front else {}
        folders = (_HERE / "html", *([front.templates] if front else []))
        self._environments = {language: _environment(language, self.root, folders) for language in LANGUAGES}

    def frame(self, request: Request, language: str = "", zone: ZoneInfo | None = None) -> Frame:
        """Return the frame of a page; `language`: of whoever a link was sent to, unless they choose another."""
        chosen = request.query_params.get("language", "")
        if chosen in LANGUAGES:
            remember_language(request, chosen)
        wished = language_of(request) or language or language_of_header(request.headers.get("accept-language", ""))
        return Frame(
            Speech(language_among(wished), zone or self._zone()),
            self.root + _on_this_site(request.url.path),
            {name: value for name, value in request.query_params.items() if name != "language"},
            citizen_of(request),
            official_of(request),
            principal_of(request),
            csrf_of(request),
            request.method == "POST",
        )

    def respond(self, template: str, frame: Frame, status: HTTPStatus | None = None, **shown: Any) -> HTMLResponse:
        """Return the page as it goes out; with `errors` to show, it says that what was sent does not do."""
        status = status or (HTTPStatus.UNPROCESSABLE_ENTITY if shown.get("errors") else HTTPStatus.OK)
        environment = self._environments[frame.language]
        values = {
            **self._shown,
            **shown,
            "template": template,
            "frame": frame,
            "speech": frame.speech,
            "icons": Icons(),
        }
        html = one_stop(environment.get_template(template).render(values))
        return HTMLResponse(html, status, dict(HEADERS))

    def go(self, path: str) -> RedirectResponse:
        """Lead on to another page of the site, after something was done."""
        return RedirectResponse(f"{self.root}{path}", HTTPStatus.SEE_OTHER, {"Cache-Control": "no-store"})


def self_contained_page(template: str, speech: Speech, **shown: Any) -> str:
    """Return a page that needs no other file and nothing of the site: its styles stand in it."""
    style = Markup((_HERE / "static/style.css").read_text(encoding="utf-8"))  # noqa: S704  (our own file)
    environment = _environment(speech.language, "", (_HERE / "html", _HERE))
    values = {**shown, "speech": speech, "icons": Icons(), "style": style, "template": template}
    return one_stop(environment.get_template(template).render(values))


@cache
def _environment(language: str, root: str, folders: tuple[Path, ...]) -> Environment:
    """Return the templates of pages in that language; each is compiled once in a process."""
    speech = Speech(language, ZoneInfo("UTC"))  # what it tells has no time of day
    made = Environment(
        loader=FileSystemLoader(folders),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        extensions=["jinja2.ext.i18n"],
        finalize=lambda value: on_page(speech.tell(value) if isinstance(value, Said) else value),
    )
    made.filters |= {"as_written": AsWritten, "parts_of": lambda text: list(parts_of(speech.tell(text)))}
    made.install_gettext_translations(translations(language), newstyle=True)  # type: ignore[attr-defined]
    made.globals |= {"root": root, "languages": LANGUAGES, "stamp": _style_version()}
    return made


def _on_this_site(path: str) -> str:
    """Return the path as a link that stays on this site.

    Browsers take what follows two slashes, or a backslash, for another site.
    """
    return f"/{quote(path.lstrip('/'))}"


def _style_version() -> str:
    """Return a hash of the static files, so that no browser shows new pages with an old stylesheet."""
    files = sorted((_HERE / "static").iterdir())
    return blake2b(b"".join(path.read_bytes() for path in files), digest_size=6).hexdigest()


def install_static(app: FastAPI) -> None:
    """Serve the stylesheet that the pages ask for."""
    app.mount("/static", StaticFiles(directory=_HERE / "static"))


def wants_page(request: Request) -> bool:
    """Return True if the client asks for a page, as browsers do, rather than data."""
    return "text/html" in request.headers.get("accept", "")


def as_download(content: object, name: str) -> HTMLResponse:
    """Return a JSON file to keep."""
    headers = dict(HEADERS) | {"Content-Disposition": f'attachment; filename="{name}"'}
    text = json.dumps(content, ensure_ascii=False, indent=2, default=str)
    return HTMLResponse(text, headers=headers, media_type="application/json")


def as_csv(rows: Iterable[Sequence[Any]], name: str) -> HTMLResponse:
    """Return a CSV file to keep (RFC 4180), marked as UTF-8 for spreadsheets."""
    text = StringIO()
    csv.writer(text).writerows(rows)
    headers = dict(HEADERS) | {"Content-Disposition": f'attachment; filename="{name}"'}
    return HTMLResponse("\ufeff" + text.getvalue(), headers=headers, media_type="text/csv; charset=utf-8")
