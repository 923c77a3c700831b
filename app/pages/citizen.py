"""A citizen's own pages: what they were told across all channels, what comes next, and their data to keep."""

from datetime import datetime
from typing import Annotated, Any

from fastapi import APIRouter, FastAPI, Query, Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response

from app.compose import Platform
from app.http.assisting import PATH as ASSISTING
from app.http.cursors import read, written
from app.identity.links import ASSISTANT_LASTS
from app.pages import visits
from app.pages.checking import Checking
from app.pages.devices import Devices
from app.pages.entitled import Entitlements
from app.pages.installing import Installing
from app.pages.layout import Frame, Pages, as_download
from app.pages.leaving import Leaving
from app.pages.life import CHANNELS, STATES, shown
from app.pages.messages import Messages
from app.pages.places import home_of
from app.pages.preferring import Preferring
from app.pages.readers import visitor
from app.pages.ruling import CLASSES
from app.pages.visits import Form
from domain.nudges.class_rules import CLASS_RULES
from streams.privacy.tokens import end_tokens
from streams.queries.inbox import SentMessage

Cursor = Annotated[str, Query(max_length=64)]
MADE, ENDED = "token-made", "tokens-ended"
GOOD, BAD = ("delivered", "opened", "answered"), ("failed",)


def install_citizen(app: FastAPI, platform: Platform, pages: Pages) -> None:
    """Add all pages of citizens to the application."""
    app.include_router(Citizen(platform, pages).router())
    app.include_router(Entitlements(platform, pages).router())
    app.include_router(Messages(platform, pages).router())
    app.include_router(Leaving(platform, pages).router())
    app.include_router(Preferring(platform, pages).router())
    app.include_router(Devices(platform, pages).router())
    app.include_router(Installing(pages).router())
    app.include_router(Checking(pages, platform).router())


class Citizen:
    """The lists, and the data."""

    def __init__(self, platform: Platform, pages: Pages) -> None:
        self._platform, self._pages = platform, pages

    def router(self) -> APIRouter:
        """Return the routes."""
        router = APIRouter(default_response_class=HTMLResponse, include_in_schema=False)
        router.add_api_route("/", self.front, methods=["GET"])
        router.add_api_route("/my", self.inbox, methods=["GET"])
        router.add_api_route("/my/coming", self.coming, methods=["GET"])
        router.add_api_route("/my/data", self.data, methods=["GET"])
        router.add_api_route("/my/data", self.token, methods=["POST"])
        router.add_api_route("/my/data/end-tokens", self.end_tokens, methods=["POST"])
        router.add_api_route("/my/data.json", self.download, methods=["GET"])
        return router

    def front(self, request: Request) -> Response:
        """Begin with one's messages, or where else one is at home."""
        return RedirectResponse(f"{self._pages.root}{home_of(request)}", 303, {"Cache-Control": "no-store"})

    def inbox(self, request: Request, after: Cursor = "") -> Response:
        """Show the messages received, the latest first."""
        person, frame = self._visitor(request)
        told, place = self._platform.queries.inboxes.told(person, read(after), nested=True)
        rows = [self._row(each, frame) for each in told]
        return self._pages.respond(
            "inbox.html",
            frame,
            messages=rows,
            first=f"{self._pages.root}/my" if after else "",
            next=f"{self._pages.root}/my?after={written(place)}" if place else "",
        )

    def _row(self, told: SentMessage, frame: Frame) -> dict[str, Any]:
        speech = frame.speech
        return {
            "nudge": told.nudge,
            "at": speech.moment(told.at),
            "office": speech.titled(told.office),
            "title": speech.titled(told.title) or speech.say("Daily summary"),
            "channel": shown(CHANNELS, told.channel, speech),
            "state": shown(STATES, told.state, speech),
            "kind": "good" if told.state in GOOD else "bad" if told.state in BAD else "",
            "members": [(each, speech.titled(title)) for each, title in told.members],
            "klass": shown(CLASSES, told.klass, speech) if CLASS_RULES[told.klass].opt_out else "",
        }

    def coming(self, request: Request) -> Response:
        """Show the planned messages."""
        person, frame = self._visitor(request)
        speech = frame.speech
        rows = [
            {
                "nudge": each.nudge,
                "due": speech.moment(each.due),
                "title": speech.titled(each.title),
                "office": speech.titled(each.office),
            }
            for each in self._platform.queries.inboxes.coming(person)
        ]
        return self._pages.respond("coming.html", frame, messages=rows)

    def data(self, request: Request) -> Response:
        """Show the person's data and their download; a new token is shown this once."""
        person, frame = self._visitor(request)
        ended = visits.told_once(request, ENDED) is not None
        shown = self._made(person, visits.told_once(request, MADE), frame)
        return self._pages.respond("data.html", frame, ended=ended, **shown)

    def _made(self, person: str, at: str | None, frame: Frame) -> dict[str, Any]:
        """Return the token that was made at that moment.

        The same moment makes the same token, so no cookie keeps it.
        """
        if at is None:
            return {"token": "", "until": "", "address": ""}
        made = datetime.fromisoformat(at)
        return {
            "token": self._platform.identity.links.person(person, made),
            "until": frame.speech.moment(made + ASSISTANT_LASTS),
            "address": f"{self._platform.settings.base_url.rstrip('/')}{ASSISTING}",
        }

    def token(self, request: Request, fields: Form) -> Response:
        """Make a token with which the citizen's own assistant reads for them, for a month."""
        self._visitor(request)
        visits.require_form(request, fields)
        visits.tell_once(request, MADE, self._platform.clock().isoformat())
        return self._to_data()

    def end_tokens(self, request: Request, fields: Form) -> Response:
        """No token that the citizen made so far is of any use from now on."""
        person, _ = self._visitor(request)
        visits.require_form(request, fields)
        end_tokens(self._platform.rules.context, person)
        visits.tell_once(request, ENDED)
        return self._to_data()

    def _to_data(self) -> Response:
        return RedirectResponse(f"{self._pages.root}/my/data", 303, {"Cache-Control": "no-store"})

    def download(self, request: Request) -> Response:
        """Return everything that the platform keeps about the citizen and can read, as JSON."""
        person = visits.require_citizen(request, self._platform.clock())
        return as_download(self._platform.queries.inboxes.everything(person), "habarshy.json")

    def _visitor(self, request: Request) -> tuple[str, Frame]:
        return visitor(request, self._platform, self._pages)
