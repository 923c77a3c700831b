"""The page that checks a message's authenticity by the code that the message's page shows; it is open to all."""

from typing import Annotated

from fastapi import APIRouter, Query, Request
from fastapi.responses import HTMLResponse, Response

from app.identity.authenticity_codes import Codes
from app.pages.layout import Pages
from app.pages.life import CHANNELS, shown

Code = Annotated[str, Query(max_length=40)]


class Checking:
    """The page where codes are checked."""

    def __init__(self, pages: Pages, codes: Codes) -> None:
        self._pages, self._codes = pages, codes

    def router(self) -> APIRouter:
        """Return the route."""
        router = APIRouter(default_response_class=HTMLResponse, include_in_schema=False)
        router.add_api_route("/check", self.check, methods=["GET"])
        return router

    def check(self, request: Request, code: Code = "") -> Response:
        """Say what was sent with the code, or that nothing was."""
        frame = self._pages.frame(request)
        speech, found, rows = frame.speech, self._codes.check(code) if code.strip() else None, []
        if found is not None:
            rows += [(speech.say("Office"), speech.titled(found.office))] if found.office else []
            rows += [
                (speech.say("Sent"), speech.moment(found.at)),
                (speech.say("By"), shown(CHANNELS, found.channel, speech)),
            ]
            rows += [(speech.say("About"), speech.titled(found.title))] if found.title else []
        return self._pages.respond("check.html", frame, code=code.strip(), genuine=found is not None, rows=rows)
