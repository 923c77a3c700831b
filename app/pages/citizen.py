"""A citizen's own pages: what they were told across all channels, what comes next, and their data to keep."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from fastapi import Request
from fastapi.responses import Response

from app.compose import Platform
from app.http import routes
from app.http.assisting import PATH as ASSISTING
from app.http.openapi import Api
from app.identity.links import ASSISTANT_LASTS
from app.pages import visits
from app.pages.catalogues import Speech
from app.pages.checking import Checking
from app.pages.devices import Devices
from app.pages.entitled import Entitlements
from app.pages.inbox import Inbox, day_told
from app.pages.installing import Installing
from app.pages.layout import Frame, Pages, as_download
from app.pages.leaving import Leaving
from app.pages.messages import Messages
from app.pages.places import home_of
from app.pages.preferring import Preferring
from app.pages.readers import CitizenPages
from app.pages.visits import Form
from streams.privacy.tokens import end_tokens

MADE, ENDED = "token-made", "tokens-ended"


def install_citizen(app: Api, platform: Platform, pages: Pages) -> None:
    """Add all pages of citizens to the application."""
    for page in (Citizen, Inbox, Entitlements, Messages, Leaving, Preferring, Devices):
        app.serve(page(platform, pages))
    app.serve(Installing(pages))
    app.serve(Checking(pages, platform))


class Citizen(CitizenPages):
    """The lists, and the data."""

    @routes.get("/")
    def front(self, request: Request) -> Response:
        """Begin with one's messages, or where else one is at home."""
        return self._pages.go(home_of(request))

    @routes.get("/my/coming")
    def coming(self, request: Request) -> Response:
        """Show the planned messages."""
        person, frame = self._visitor(request)
        speech, planned = frame.speech, self._platform.queries.inboxes.coming(person)
        days, first = self._days(person, [each.nudge for each in planned], speech)
        rows = [
            {
                "nudge": each.nudge,
                "due": speech.moment(each.due),
                "title": speech.titled(each.title),
                "office": speech.titled(each.office),
                "emblem": each.emblem,
                "day": days.get(each.nudge, ""),
                "first": each.nudge in first,
            }
            for each in planned
        ]
        return self._pages.respond("coming.html", frame, messages=rows)

    def _days(self, person: str, ids: Sequence[UUID], speech: Speech) -> tuple[dict[UUID, str], set[UUID]]:
        """Return the days that calendars can hold, in words, by message, and the first message about each matter."""
        cards, now = self._platform.queries.inboxes.cards(person, ids, speech.zone), self._platform.clock()
        told: dict[UUID, str] = {}
        first: dict[tuple[str, UUID], UUID] = {}
        for id_ in ids:
            if (card := cards.get(id_)) and (days := card.days_to_come(now, speech.zone)):
                told[id_] = day_told(days, speech)
                first.setdefault(card.thing, id_)
        return told, set(first.values())

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
        """No token that the citizen made so far is of any use from now on."""
        person, _ = self._visitor(request, fields)
        end_tokens(self._platform.rules.context, person)
        visits.tell_once(request, ENDED)
        return self._pages.go("/my/data")

    @routes.get("/my/data.json")
    def download(self, request: Request) -> Response:
        """Return everything that the platform keeps about the citizen and can read, as JSON."""
        person = visits.require_citizen(request, self._platform.clock())
        return as_download(self._platform.queries.inboxes.everything(person), "habarshy.json")
