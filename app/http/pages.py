"""Pages for citizens: written on the server, without scripts, cookies or anything from elsewhere."""

from collections.abc import Mapping
from http import HTTPStatus
from pathlib import Path

from fastapi import FastAPI
from fastapi.responses import HTMLResponse
from fastapi.staticfiles import StaticFiles
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from msgspec import Struct
from msgspec.structs import asdict

_HERE = Path(__file__).parent
HEADERS: Mapping[str, str] = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": (
        "default-src 'none'; style-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
    ),
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "X-Robots-Tag": "noindex",
}
"""The address of such a page is a secret of the person who got it: nobody may keep, frame or pass it on."""


class Page(Struct, frozen=True):
    """What a page says. `items`: a list below the lead; `button`: what it offers to do ("": nothing)."""

    language: str
    title: str
    lead: str
    items: tuple[str, ...] = ()
    note: str = ""
    button: str = ""


class Pages:
    """Renders pages."""

    def __init__(self) -> None:
        environment = Environment(
            loader=FileSystemLoader(_HERE / "pages"), autoescape=True, undefined=StrictUndefined, trim_blocks=True,
            lstrip_blocks=True,
        )  # fmt: skip
        self._template = environment.get_template("page.html")

    def response(self, page: Page, status: HTTPStatus = HTTPStatus.OK) -> HTMLResponse:
        """The page as it goes out."""
        return HTMLResponse(self._template.render(asdict(page)), status, dict(HEADERS))


def install_static(app: FastAPI) -> None:
    """Serve the stylesheet that the pages ask for."""
    app.mount("/static", StaticFiles(directory=_HERE / "static"))
