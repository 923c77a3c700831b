"""The link of a button that answers a message: GET shows the answer, POST gives it, both without login.

Programs that open links before people do send a GET, and nothing changes. The body of the POST is not read: to be
posted to is all the link needs.
"""

from collections.abc import Callable
from datetime import datetime
from uuid import UUID

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse

from app.http.stop import bad_link
from app.links import BadLink, Links
from app.pages.layout import Frame, Pages
from domain.replies import Reply, meant, spelt
from streams.answering import Answering, NothingToAnswer, Question, UnknownCode

WAY = "link"


class Answer:
    """The answer link as a page."""

    def __init__(self, answering: Answering, links: Links, pages: Pages, clock: Callable[[], datetime]) -> None:
        self._answering, self._links, self._pages, self._clock = answering, links, pages, clock

    def router(self) -> APIRouter:
        """The routes."""
        router = APIRouter(default_response_class=HTMLResponse)
        router.add_api_route("/answer/{token}", self.get, methods=["GET"], summary="Show what a link would answer")
        router.add_api_route("/answer/{token}", self.post, methods=["POST"], summary="Give that answer")
        return router

    def get(self, request: Request, token: str) -> HTMLResponse:
        """A page with a button; changes nothing."""
        try:
            question, code = self._asked(*self._links.read_answer(token))
        except (BadLink, NothingToAnswer, UnknownCode) as error:
            raise bad_link(error) from None
        frame = self._pages.frame(request, question.language)
        _ = frame.speech.say
        return self._pages.respond(
            "link.html", frame, title=_label(question, code, frame),
            lead=_("If you press the button, your answer to this message is recorded:"),
            items=(_title(question, frame),), note="", button=_("Confirm"), action="",
        )  # fmt: skip

    def post(self, request: Request, token: str) -> HTMLResponse:
        """Give the answer as the person whom the message was sent to, now; repeating it stores nothing more."""
        try:
            nudge, recipient, code = self._links.read_answer(token)
            question, _ = self._asked(nudge, recipient, code)
            self._answering.take(Reply(nudge, recipient, code, self._clock(), WAY))
        except (BadLink, NothingToAnswer, UnknownCode) as error:
            raise bad_link(error) from None
        frame = self._pages.frame(request, question.language)
        say = frame.speech.say
        return self._pages.respond(
            "link.html", frame, title=say("Your answer is recorded"),
            lead=say("This is the message that you answered:"),
            items=(_title(question, frame),), note="", button="", action="",
        )  # fmt: skip

    def _asked(self, nudge: UUID, recipient: str, code: str) -> tuple[Question, str]:
        question = self._answering.question(nudge, recipient)
        if (found := meant(code, question.replies)) is None:
            raise UnknownCode(list(question.replies))
        return question, found


def _label(question: Question, code: str, frame: Frame) -> str:
    """What the button of the message says."""
    actions = [each for each in question.rules.get("actions") or () if spelt(each.get("reply", "")) == spelt(code)]
    return frame.speech.titled(actions[0]["label"]) if actions else code


def _title(question: Question, frame: Frame) -> str:
    return frame.speech.titled(question.rules["title"])
