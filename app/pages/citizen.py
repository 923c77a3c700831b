"""A citizen's own pages: what they were told across all channels, what comes next, and their data to keep."""

from datetime import datetime
from typing import Any
from uuid import UUID

from fastapi import Request
from fastapi.responses import Response

from app.compose import Platform
from app.http import routes
from app.http.assistant_calls import PATH as ASSISTING
from app.http.openapi import Api
from app.identity.links import ASSISTANT_LASTS
from app.pages import visits
from app.pages.authenticity_check import AuthenticityCheck
from app.pages.citizen_pages import CitizenPages
from app.pages.devices import Devices
from app.pages.entitlements import Entitlements
from app.pages.inbox import Inbox, days_in_words, subject_lines
from app.pages.layout import Frame, Pages, as_download
from app.pages.messages import Messages
from app.pages.pack_names import names_of
from app.pages.places import home_of
from app.pages.preferences import PreferencesPage
from app.pages.self_erasure import SelfErasure
from app.pages.visits import Form
from app.pages.web_app import WebApp
from streams.privacy.tokens import end_tokens
from streams.queries.inbox import PlannedMessage

MADE, ENDED = "token-made", "tokens-ended"


def install_citizen(app: Api, platform: Platform, pages: Pages) -> None:
    """Add all pages of citizens to the application."""
    for page in (Citizen, Inbox, Entitlements, Messages, SelfErasure, PreferencesPage, Devices):
        app.serve(page(platform, pages))
    app.serve(WebApp(pages))
    app.serve(AuthenticityCheck(pages, platform))


class Citizen(CitizenPages):
    """A citizen's front page, planned messages, data and tokens."""

    @routes.get("/")
    def front(self, request: Request) -> Response:
        """Begin with one's messages, or where else one is at home."""
        return self._pages.go(home_of(request))

    @routes.get("/my/coming")
    def coming(self, request: Request) -> Response:
        """Show the planned messages: those about one matter together, the next of them first."""
        person, frame = self._visitor(request)
        inboxes, speech, now = self._platform.queries.inboxes, frame.speech, self._platform.clock()
        names = names_of(self._platform.rules.library.rules(), speech)
        planned = inboxes.planned_messages(person)
        cards = inboxes.cards(person, [each.nudge for each in planned], speech.zone)
        matters: dict[tuple[str, UUID], list[PlannedMessage]] = {}
        for each in planned:
            matters.setdefault(cards[each.nudge].thing, []).append(each)
        rows = [
            {
                "nudge": first.nudge,
                "told": [*((line, "") for line in subject_lines(card, names)), (speech.moment(first.due), "until")],
                "title": speech.titled(first.title),
                "office": speech.titled(first.office),
                "emblem": first.emblem,
                "day": days_in_words(days, speech) if (days := card.days_to_come(now, speech.zone)) else "",
                "then": [(each.nudge, speech.day_at(each.due)) for each in others],
            }
            for first, *others in matters.values()
            for card in [cards[first.nudge]]
        ]
        return self._pages.respond("coming.html", frame, messages=rows)

    @routes.get("/my/data")
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

    @routes.post("/my/data")
    def token(self, request: Request, fields: Form) -> Response:
        """Make a token with which the citizen's own assistant reads for them, for a month."""
        self._visitor(request, fields)
        visits.tell_once(request, MADE, self._platform.clock().isoformat())
        return self._pages.go("/my/data")

    @routes.post("/my/data/end-tokens")
    def end_tokens(self, request: Request, fields: Form) -> Response:
        """End every token that the citizen has made so far."""
        person, _ = self._visitor(request, fields)
        end_tokens(self._platform.rules.context, person)
        visits.tell_once(request, ENDED)
        return self._pages.go("/my/data")

    @routes.get("/my/data.json")
    def download(self, request: Request) -> Response:
        """Return everything that the platform keeps about the citizen and can read, as JSON."""
        person = visits.require_citizen(request, self._platform.clock())
        return as_download(self._platform.queries.inboxes.everything(person), "habarshy.json")
