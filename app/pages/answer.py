"""The link of a button that answers a message: GET shows the answer, POST gives it, both without login.

Programs that open links before people do send a GET, and nothing changes. The body of the POST is not read: to be
posted to is all the link needs. It ends with its message: see `answerable_until`.
"""

from collections.abc import Callable
from datetime import UTC, datetime
from uuid import UUID

from fastapi import Request
from fastapi.responses import HTMLResponse

from app.http import routes
from app.identity.links import PAGE_LASTS, BadLink, Beginning, Links
from app.pages.layout import Frame, Pages
from app.pages.stop import bad_link_problem
from app.pages.visits import require_theirs
from domain.nudges.nudge import Nudge
from domain.persons.replies import Reply, code_meant, spelt
from streams.delivery.inbound.replies import MessageContext, NothingToAnswer, ReplyIntake, UnknownCode

WAY = "link"


class TooLate(LookupError):
    """Raised for an answer to a message that takes none any more."""

    def __init__(self) -> None:
        super().__init__("It is too late to answer this message; sign in to choose what you consent to.")


class Answer(routes.Routed, response_class=HTMLResponse):
    """The answer link as a page."""

    def __init__(
        self, answering: ReplyIntake, links: Links, beginning: Beginning, pages: Pages, clock: Callable[[], datetime]
    ) -> None:
        self._answering, self._links, self._pages, self._clock = answering, links, pages, clock
        self._beginning = beginning

    @routes.get("/answer/{token}", summary="Show the answer of a link")
    def get(self, request: Request, token: str) -> HTMLResponse:
        """Return a page with a button; changes nothing."""
        try:
            question, code = self._asked(*self._read(request, token))
        except (BadLink, NothingToAnswer, TooLate, UnknownCode) as error:
            raise bad_link_problem(error) from None
        frame = self._pages.frame(request, question.language)
        _ = frame.speech.say
        return self._pages.respond(
            "link.html",
            frame,
            title=_label(question, code, frame),
            lead=_("If you press the button, your answer to this message is recorded:"),
            items=(_title(question, frame),),
            button=_("Confirm"),
        )

    @routes.post("/answer/{token}", summary="Give that answer")
    def post(self, request: Request, token: str) -> HTMLResponse:
        """Give the answer as the person whom the message was sent to, now; repeating it stores nothing more."""
        try:
            nudge, recipient, code = self._read(request, token)
            question, _ = self._asked(nudge, recipient, code)
            self._answering.take(Reply(nudge, recipient, code, self._clock(), WAY))
        except (BadLink, NothingToAnswer, TooLate, UnknownCode) as error:
            raise bad_link_problem(error) from None
        frame = self._pages.frame(request, question.language)
        say = frame.speech.say
        return self._pages.respond(
            "link.html",
            frame,
            title=say("Your answer is recorded"),
            lead=say("This is the message that you answered:"),
            items=(_title(question, frame),),
        )

    def _read(self, request: Request, token: str) -> tuple[UUID, str, str]:
        nudge, recipient, code = self._links.read_answer(token, self._beginning)
        require_theirs(request, recipient)
        return nudge, recipient, code

    def _asked(self, nudge: UUID, recipient: str, code: str) -> tuple[MessageContext, str]:
        question = self._answering.question(nudge, recipient)
        if self._clock() >= answerable_until(question.nudge, recipient):
            raise TooLate
        if (found := code_meant(code, question.replies)) is None:
            raise UnknownCode(list(question.replies))
        return question, found


def answerable_until(nudge: Nudge, recipient: str) -> datetime:
    """Return the end of the time for an answer.

    The nudge's expiry, or some weeks after it went, whichever is earlier.

    It follows from the nudge and not from a time in the link, so that it holds for every link that was ever sent.
    """
    last = nudge.to(recipient).attempted_at
    ends = [] if nudge.intent.expires is None else [nudge.intent.expires]
    return min([*ends, *([last + PAGE_LASTS] if last is not None else [])], default=datetime.max.replace(tzinfo=UTC))


def _label(question: MessageContext, code: str, frame: Frame) -> str:
    """Return the label of the message's button for that code."""
    actions = [each for each in question.content.get("actions") or () if spelt(each.get("reply", "")) == spelt(code)]
    return frame.speech.titled(actions[0]["label"]) if actions else code


def _title(question: MessageContext, frame: Frame) -> str:
    return frame.speech.titled(question.content["title"])
