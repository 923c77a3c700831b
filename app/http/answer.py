"""The link of a button that answers a message: GET shows the answer, POST gives it, both without login.

Programs that open links before people do send a GET, and nothing changes. The body of the POST is not read: to be
posted to is all the link needs.
"""

from collections.abc import Callable
from datetime import datetime
from http import HTTPStatus
from uuid import UUID

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse

from app.http.pages import Page, Pages
from app.http.problems import Problem
from app.http.words import WORDS, language_among, language_of_header
from app.links import BadLink, Links
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
            return self._broken(request, error)
        language = language_among(question.language)
        words = WORDS[language]
        page = Page(language, _label(question, code, language), words.answer_lead, (_title(question, language),), "",
                    words.answer_button)  # fmt: skip
        return self._pages.response(page)

    def post(self, request: Request, token: str) -> HTMLResponse:
        """Give the answer as the person whom the message was sent to, now; repeating it stores nothing more."""
        try:
            nudge, recipient, code = self._links.read_answer(token)
            question, _ = self._asked(nudge, recipient, code)
            self._answering.take(Reply(nudge, recipient, code, self._clock(), WAY))
        except (BadLink, NothingToAnswer, UnknownCode) as error:
            return self._broken(request, error)
        language = language_among(question.language)
        words = WORDS[language]
        return self._pages.response(
            Page(language, words.answered, words.answered_lead, (_title(question, language),))
        )

    def _asked(self, nudge: UUID, recipient: str, code: str) -> tuple[Question, str]:
        question = self._answering.question(nudge, recipient)
        if (found := meant(code, question.replies)) is None:
            raise UnknownCode(list(question.replies))
        return question, found

    def _broken(self, request: Request, error: Exception) -> HTMLResponse:
        """A page for whoever asks for one, a problem for every program."""
        if "text/html" not in request.headers.get("accept", ""):
            raise Problem(HTTPStatus.NOT_FOUND, str(error), kind="bad-link") from None
        words = WORDS[language := language_of_header(request.headers.get("accept-language", ""))]
        return self._pages.response(Page(language, words.broken, words.broken_lead), HTTPStatus.NOT_FOUND)


def _label(question: Question, code: str, language: str) -> str:
    """What the button of the message says."""
    actions = [each for each in question.rules.get("actions") or () if spelt(each.get("reply", "")) == spelt(code)]
    labels = actions[0]["label"] if actions else {}
    return str(labels.get(language) or next(iter(labels.values()), code))


def _title(question: Question, language: str) -> str:
    titles = question.rules["title"]
    return str(titles.get(language) or next(iter(titles.values())))
