"""What citizens wrote to one's agency: the list, and one of them, which the log keeps that it was read."""

from http import HTTPStatus
from typing import Any, Final
from uuid import UUID

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse, Response

from app.http.problems import Problem
from app.pages.catalogues import Speech
from app.pages.layout import Before
from app.pages.life import shown
from app.pages.work.office import Office
from domain.said import N_
from streams.correspondence import Correspondence, UnknownLetter, Written

KINDS: Final = {
    "citizen.disputed": N_("says that something is not right"), "citizen.message_received": N_("wrote an SMS"),
}  # fmt: skip


class LetterPages:
    """The pages of both."""

    def __init__(self, office: Office) -> None:
        self._office, self._letters = office, Correspondence(office.platform.books)

    def router(self) -> APIRouter:
        """The routes."""
        router = APIRouter(default_response_class=HTMLResponse, include_in_schema=False)
        router.add_api_route("/work/letters", self.all, methods=["GET"])
        router.add_api_route("/work/letters/{event}", self.one, methods=["GET"])
        return router

    def all(self, request: Request, before: Before = None) -> Response:
        """The latest first; of whom they are, and what they say, is for who opens one."""
        who, frame = self._office.enter(request)
        found, on = self._letters.page(who, before)
        return self._office.show(
            "letters.html", frame, rows=[_row(each, frame.speech) for each in found],
            next=frame.here(before=str(on)) if on else "", first=frame.path if before else "",
        )  # fmt: skip

    def one(self, request: Request, event: UUID) -> Response:
        """What they wrote, and about which event of the agency's own."""
        who, frame = self._office.enter(request)
        try:
            found = self._letters.read(event, who)
        except UnknownLetter as unknown:
            raise Problem(HTTPStatus.NOT_FOUND, str(unknown), kind="unknown-name") from None
        speech = frame.speech
        gone = found.retired and speech.moment(found.retired)
        return self._office.show(
            "letter.html", frame, **_row(found, speech), text=found.text, began=found.began, gone=gone,
            reader=who.name,
        )  # fmt: skip


def _row(one: Written, speech: Speech) -> dict[str, Any]:
    return {
        "id": one.event, "at": speech.moment(one.at), "kind": shown(KINDS, one.type, speech), "trigger": one.trigger,
        "title": speech.titled(one.title) or one.trigger,
    }  # fmt: skip
