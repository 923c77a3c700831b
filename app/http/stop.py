"""The link in every message that may be stopped: GET shows what it stops, POST stops it, both without login.

Source: RFC 8058 (one click: a POST without cookies, answered without a redirect). Programs that open links before
people do send a GET, and nothing changes. The body of the POST is not read: to be posted to is all the link needs.
"""

from http import HTTPStatus

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse

from app.http.pages import Page, Pages
from app.http.problems import Problem
from app.http.words import WORDS, language_among, language_of_header
from app.links import BadLink, Links
from domain.event_types import Titles
from streams.stopping import Mandatory, NothingToStop, Stopping, Topic


class Stop:
    """The stop link as a page."""

    def __init__(self, stopping: Stopping, links: Links, pages: Pages) -> None:
        self._stopping, self._links, self._pages = stopping, links, pages

    def router(self) -> APIRouter:
        """The routes."""
        router = APIRouter(default_response_class=HTMLResponse)
        router.add_api_route("/stop/{token}", self.get, methods=["GET"], summary="Show what a link would stop")
        router.add_api_route(
            "/stop/{token}", self.post, methods=["POST"], summary="Stop it (RFC 8058)",
            responses={403: {"description": "The law requires these messages.", "content": {"text/html": {}}}},
            openapi_extra={"requestBody": {"content": {"application/x-www-form-urlencoded": {"schema": _ONE_CLICK}}}},
        )  # fmt: skip
        return router

    def get(self, request: Request, token: str) -> HTMLResponse:
        """A page with a button; changes nothing."""
        try:
            topic = self._stopping.topic(*self._links.read(token))
        except (BadLink, NothingToStop) as error:
            return self._broken(request, error)
        page = _mandatory(topic) if topic.mandatory else _done(topic) if topic.stopped else _ask(topic)
        return self._pages.response(page)

    def post(self, request: Request, token: str) -> HTMLResponse:
        """Stop the category of the message for whom it was sent to, with effect from now."""
        try:
            topic = self._stopping.stop(*self._links.read(token))
        except (BadLink, NothingToStop) as error:
            return self._broken(request, error)
        except Mandatory as error:
            return self._pages.response(_mandatory(error.topic), HTTPStatus.FORBIDDEN)
        return self._pages.response(_done(topic))

    def _broken(self, request: Request, error: Exception) -> HTMLResponse:
        """A page for whoever asks for one, a problem for every program."""
        if "text/html" not in request.headers.get("accept", ""):
            raise Problem(HTTPStatus.NOT_FOUND, str(error), kind="bad-link") from None
        language = language_of_header(request.headers.get("accept-language", ""))
        words = WORDS[language]
        return self._pages.response(Page(language, words.broken, words.broken_lead), HTTPStatus.NOT_FOUND)


_ONE_CLICK = {"type": "object", "properties": {"List-Unsubscribe": {"const": "One-Click"}}}


def _ask(topic: Topic) -> Page:
    language = language_among(topic.language)
    words = WORDS[language]
    return Page(language, words.ask, words.ask_lead, _titles(topic, language), words.law, words.button)


def _done(topic: Topic) -> Page:
    language = language_among(topic.language)
    words = WORDS[language]
    return Page(language, words.done, words.done_lead, _titles(topic, language), words.law)


def _mandatory(topic: Topic) -> Page:
    language = language_among(topic.language)
    words = WORDS[language]
    return Page(language, words.mandatory, words.mandatory_lead, (topic.legal_basis,))


def _titles(topic: Topic, language: str) -> tuple[str, ...]:
    return tuple(_in(language, titles) for titles in topic.titles)


def _in(language: str, titles: Titles) -> str:
    return titles.get(language) or next(iter(titles.values()))
