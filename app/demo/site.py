"""The demo's web site: the product's own pages on the invented data, and the pages that tell the family's year.

Signing in needs no issuer here: a link makes the visitor a parent, a civil servant or an operator. Nothing of this is
installed by any other command.
"""

import asyncio
import contextlib
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Final
from uuid import UUID

from fastapi import FastAPI, HTTPException, Request
from fastapi.middleware.trustedhost import TrustedHostMiddleware
from fastapi.responses import HTMLResponse, RedirectResponse, Response
from fastapi.staticfiles import StaticFiles
from msgspec.structs import replace

from app.compose import Platform
from app.demo.dialogue import dialogue
from app.demo.reading import DemoReader
from app.demo.ribbon import Ribbon
from app.demo.story import Storyteller
from app.http import routes
from app.http.access import Access
from app.http.openapi import Api
from app.identity.principals import add
from app.pages import visits
from app.pages.layout import HEADERS, Frame, Front, Pages, RoutedPages
from app.pages.life import word_for
from app.pages.visits import Official
from app.reports.life_words import CHANNELS
from app.server import application
from domain.facts.principals import Principal, Role
from streams.queries.inbox import NotTheirs
from streams.rules.drafts import DraftExists, DraftStore
from templates.words import emblems

HERE: Final = Path(__file__).with_name("pages")
DRAFT: Final = Path(__file__).with_name("draft") / "after_a_job"
STAFF: Final[Mapping[str, Principal]] = {
    "dana": Principal("dana", "labour", frozenset({Role.AUTHOR})),
    "serik": Principal("serik", "labour", frozenset({Role.APPROVER})),
    "omar": Principal("omar", "platform", frozenset({Role.OPERATOR})),
}
_FRAMING: Final = {"Content-Security-Policy": HEADERS["Content-Security-Policy"] + "; frame-src 'self'"}
_MAIL: Final = {
    # mail needs its own styles and emblem, no script, no form; its links open a page of their own
    "Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'; img-src data:; base-uri 'none'; "
    "form-action 'none'; frame-ancestors 'self'; sandbox allow-popups allow-popups-to-escape-sandbox",
    "Cache-Control": "no-store",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
}
_MESSAGE: Final = re.compile(r"/my/messages/([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})(?:/|$)")
_NO_STORE: Final = {"Cache-Control": "no-store"}


def register_staff(principals: Path) -> None:
    """Add the demo's officials to the file of principals; nobody gets their tokens."""
    for each in STAFF.values():
        add(principals, each)


def begin_draft(platform: Platform) -> None:
    """Give Dana a draft, so that the workbench has one to read, change and try on the year."""
    files = {path.name: path.read_text("utf-8") for path in sorted(DRAFT.iterdir())}
    with contextlib.suppress(DraftExists):  # of an earlier run whose data were kept
        DraftStore(platform.database, platform.clock).add(STAFF["dana"], "kz", DRAFT.name, files)


def demo_application(platform: Platform, reader: DemoReader) -> FastAPI:
    """Return the pages as an application; it answers on this machine only."""
    story = Storyteller(platform)
    ribbon = Ribbon(reader, story)

    def install(app: Api, pages: Pages) -> None:
        app.serve(_Demo(platform, reader, story, pages))
        app.mount("/demo/static", StaticFiles(directory=HERE / "static"))

    front = Front(HERE, {"demo": ribbon}, install)
    app = application(platform, front=front, works=True)
    app.add_middleware(TrustedHostMiddleware, allowed_hosts=["127.0.0.1", "localhost"])
    return app


class _Demo(RoutedPages):
    """The pages of the demo itself, a method each."""

    def __init__(self, platform: Platform, reader: DemoReader, story: Storyteller, pages: Pages) -> None:
        self._platform, self._reader, self._story, self._pages = platform, reader, story, pages
        self._access = Access(platform.settings.principals)

    @routes.get("/")
    def front(self, request: Request) -> Response:
        """Tell the family's year."""
        frame = self._frame(request)
        told, counters = self._story.story(frame.speech), self._reader.counters()
        return self._pages.respond("story.html", frame, story=told, counters=counters)

    @routes.get("/demo/country")
    def country(self, request: Request) -> Response:
        """Show everybody's year: what is reported, what is sent, and what is not."""
        frame = self._frame(request)
        board, speech = self._reader.board(frame.speech), frame.speech
        page = self._pages.respond(
            "country.html", frame, board=board, channel=lambda name: word_for(CHANNELS, name, speech)
        )
        page.headers.update(_FRAMING)
        return page

    @routes.get("/demo/assistant")
    async def assistant(self, request: Request) -> Response:
        """Show what an assistant answers Aigerim, asked now."""
        frame = self._frame(request)
        settings, links = self._platform.settings, self._platform.identity.links
        token = links.person(self._story.people["aigerim"], self._platform.clock())
        exchanges = await dialogue(settings.base_url, token, frame.speech)
        return await asyncio.to_thread(self._pages.respond, "dialogue.html", frame, exchanges=exchanges)

    @routes.get("/sign-in")
    def sign_in(self, request: Request, next: str = "") -> Response:
        """Lead whoever must sign in for a page to the one who may see it."""
        wished = visits.local_path(next)
        if (nudge := _nudge_in(wished)) is not None and (person := self._reader.recipient(nudge, 0)) is not None:
            return self._as_citizen(request, person, wished)
        place = wished.lstrip("/").partition("/")[0]
        who = {"my": "aigerim", "work": "dana", "console": "omar"}.get(place)
        return _to(f"/demo/as/{who}?next={next}" if who else "/")

    @routes.get("/demo/why")
    def why(self, request: Request) -> Response:
        """Show why the family's latest message came."""
        found = self._story.latest()
        if found is None:
            return _to("/")
        return self._as_citizen(request, self._story.people[found[0]], f"/my/messages/{found[1]}/why")

    @routes.get("/demo/as/{who}")
    def enter(self, request: Request, who: str, next: str = "") -> Response:
        """Make the visitor one of the parents or officials."""
        wished = visits.local_path(next) or "/"
        if who in self._story.people:
            person = self._story.people[who]
            return self._as_citizen(request, person, wished if self._is_theirs(person, wished) else "/my")
        found = self._access.principal_named(who)
        if found is None:
            raise HTTPException(404)
        official = Official(found, self._access.mark_of(who))
        visits.begin(request, self._reader.year.end, official=official)
        return _to(wished)

    def _is_theirs(self, person: str, path: str) -> bool:
        """Return False for the page of a message that another person got: it is no page for this one."""
        nudge = _nudge_in(path)
        if nudge is None:
            return True
        try:
            self._platform.queries.inboxes.why(person, nudge)
        except NotTheirs:
            return False
        return True

    @routes.get("/demo/message/{nudge}/{number}")
    def message(self, request: Request, nudge: UUID, number: int = 0) -> Response:
        """Show why a message came, as its recipient sees it."""
        recipient = self._reader.recipient(nudge, number)
        if recipient is None:
            raise HTTPException(404)
        return self._as_citizen(request, recipient, f"/my/messages/{nudge}/why")

    @routes.get("/demo/mail/{nudge}/{number}")
    def mail(self, nudge: UUID, number: int) -> Response:
        """Return the HTML of an email, to be shown in a frame."""
        html = self._reader.html(nudge, number)
        if html is None:
            raise HTTPException(404)
        shown = emblems.in_page(html).replace("<head>", '<head><base target="_blank">', 1)
        return HTMLResponse(shown, headers=_MAIL)

    def _as_citizen(self, request: Request, person: str, path: str) -> Response:
        """Begin a visit in the language of the page before, whatever the citizen's own is.

        The clock runs a year a minute, so a visit that begins at the year's end is never over.
        """
        visits.remember_language(request, self._pages.frame(request).language)
        visits.begin(request, self._reader.year.end, citizen=person)
        return _to(path)

    def _frame(self, request: Request) -> Frame:
        """Return the frame of a page of the demo, which is nobody's own."""
        return replace(self._pages.frame(request), citizen="", official="")


def _nudge_in(path: str) -> UUID | None:
    """Return the message that a page of a citizen is about."""
    found = _MESSAGE.match(path)
    return UUID(found[1]) if found else None


def _to(path: str) -> Response:
    return RedirectResponse(path, 303, _NO_STORE)
