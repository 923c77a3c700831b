"""The link in every message that may be stopped: GET shows what it stops, POST stops it, both without login.

Source: RFC 8058 (one click: a POST without cookies, answered without a redirect). Programs that open links before
people do send a GET, and nothing changes. The body of the POST is not read: to be posted to is all the link needs.
Whoever stopped something by mistake takes it back on the page that says so.
"""

from http import HTTPStatus
from typing import Any
from uuid import UUID

from fastapi import Request
from fastapi.responses import HTMLResponse

from app.http import routes
from app.http.problems import Problem
from app.identity.links import BadLink, Beginning, Links
from app.pages.layout import Frame, Pages
from app.pages.life import category
from app.pages.visits import require_theirs
from domain.core.translatable import text_of
from streams.delivery.inbound.opt_outs import Mandatory, NothingToStop, OptOuts, StoppableTopic
from streams.delivery.inbound.preferences import PreferenceStore

_ONE_CLICK = {"type": "object", "properties": {"List-Unsubscribe": {"const": "One-Click"}}}


class Stop(routes.Routed, response_class=HTMLResponse):
    """The stop link as a page."""

    def __init__(
        self, stopping: OptOuts, choosing: PreferenceStore, links: Links, beginning: Beginning, pages: Pages
    ) -> None:
        self._stopping, self._choosing, self._links, self._pages = stopping, choosing, links, pages
        self._beginning = beginning

    @routes.get("/stop/{token}", summary="Show the messages that a link stops")
    def get(self, request: Request, token: str) -> HTMLResponse:
        """Return a page with a button; changes nothing."""
        topic = self._topic(request, token)
        frame = self._pages.frame(request, topic.language)
        words = _mandatory if topic.mandatory else _done if topic.stopped else _ask
        return self._pages.respond("link.html", frame, **words(topic, frame, token, self._pages.root))

    @routes.post(
        "/stop/{token}",
        summary="Stop these messages (RFC 8058)",
        responses={403: {"description": "The law requires these messages.", "content": {"text/html": {}}}},
        openapi_extra={"requestBody": {"content": {"application/x-www-form-urlencoded": {"schema": _ONE_CLICK}}}},
    )
    def post(self, request: Request, token: str) -> HTMLResponse:
        """Stop messages of this category for the recipient from now on."""
        try:
            topic = self._stopping.stop(*self._read(request, token))
        except (BadLink, NothingToStop) as error:
            raise bad_link_problem(error) from None
        except Mandatory as error:
            frame = self._pages.frame(request, error.topic.language)
            words = _mandatory(error.topic, frame, token, self._pages.root)
            return self._pages.respond("link.html", frame, HTTPStatus.FORBIDDEN, **words)
        frame = self._pages.frame(request, topic.language)
        return self._pages.respond("link.html", frame, **_done(topic, frame, token, self._pages.root))

    @routes.post("/stop/{token}/undo", summary="Resume these messages")
    def undo(self, request: Request, token: str) -> HTMLResponse:
        """Resume the messages that were stopped."""
        topic = self._topic(request, token)
        self._choosing.end_opt_out(self._read(request, token)[1], topic.category)
        frame = self._pages.frame(request, topic.language)
        _ = frame.speech.say
        return self._pages.respond(
            "link.html",
            frame,
            title=_("The messages will come again"),
            lead=_("You will get messages on the topic “{topic}” again:").format(topic=_called(topic, frame)),
            items=_titles(topic, frame),
        )

    def _topic(self, request: Request, token: str) -> StoppableTopic:
        try:
            return self._stopping.topic(*self._read(request, token))
        except (BadLink, NothingToStop) as error:
            raise bad_link_problem(error) from None

    def _read(self, request: Request, token: str) -> tuple[UUID, str]:
        nudge, recipient = self._links.read(token, self._beginning)
        require_theirs(request, recipient)
        return nudge, recipient


def bad_link_problem(error: Exception) -> Problem:
    """Return the problem for a link that was not made here, or leads nowhere."""
    return Problem(HTTPStatus.NOT_FOUND, text_of(error), kind="bad-link")


def _ask(topic: StoppableTopic, frame: Frame, _token: str, _root: str) -> dict[str, Any]:
    _ = frame.speech.say
    return {
        "title": _("Stop messages"),
        "lead": _("If you press the button, you will get no more messages on the topic “{topic}”:").format(
            topic=_called(topic, frame)
        ),
        "items": _titles(topic, frame),
        "note": _("Messages that the law requires will still come."),
        "button": _("Stop"),
    }


def _done(topic: StoppableTopic, frame: Frame, token: str, root: str) -> dict[str, Any]:
    _ = frame.speech.say
    return {
        "title": _("The messages are stopped"),
        "lead": _("You will get no more messages on the topic “{topic}”:").format(topic=_called(topic, frame)),
        "items": _titles(topic, frame),
        "note": _("Messages that the law requires will still come."),
        "button": _("Undo"),
        "action": f"{root}/stop/{token}/undo",
    }


def _mandatory(topic: StoppableTopic, frame: Frame, _token: str, _root: str) -> dict[str, Any]:
    _ = frame.speech.say
    return {
        "title": _("This message cannot be stopped"),
        "lead": _("The law obliges the state to send it to you:"),
        "items": (frame.speech.titled(topic.legal_basis),),
    }


def _called(topic: StoppableTopic, frame: Frame) -> str:
    return category(topic.category, frame.speech)


def _titles(topic: StoppableTopic, frame: Frame) -> tuple[str, ...]:
    return tuple(frame.speech.titled(titles) for titles in topic.titles)
