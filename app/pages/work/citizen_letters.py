"""Citizens' messages to one's agency: the list, and one message, whose reading the log records."""

from collections.abc import Iterator
from contextlib import contextmanager
from http import HTTPStatus
from typing import Any, Final
from uuid import UUID

from fastapi import Request
from fastapi.responses import Response

from app.http import routes
from app.http.problems import Problem
from app.pages.catalogues import Speech
from app.pages.layout import Before, Frame, RoutedPages
from app.pages.life import word_for
from app.pages.visits import Form, field_of
from app.pages.work.office import Office
from domain.core.translatable import N_, text_of
from domain.facts.access_facts import MOST_SAID, says_why
from domain.facts.principals import Principal
from streams.queries.correspondence import CitizenLetter, Correspondence, UnknownLetter

KINDS: Final = {
    "citizen.disputed": N_("says that something is not right"),
    "citizen.message_received": N_("wrote an SMS"),
}


class CitizenLetterPages(RoutedPages):
    """The list of citizens' messages, and the page of one message."""

    def __init__(self, office: Office) -> None:
        self._office, self._letters = office, Correspondence(office.platform.rules.context)

    @routes.get("/work/letters")
    def list_letters(
        self, request: Request, before: Before = None, *, handled: bool = False, noted: bool = False
    ) -> Response:
        """List the messages that wait, or those dealt with, the latest first, without who wrote them and what."""
        who, frame = self._office.enter(request)
        found, on = self._letters.page(who, before, handled=handled)
        return self._office.show(
            "letters.html",
            frame,
            rows=[_row(each, frame.speech) for each in found],
            handled=handled,
            noted=noted,
            next=frame.address_with(before=str(on)) if on else "",
            first=f"{frame.path}?handled={str(handled).lower()}" if before else "",
        )

    @routes.get("/work/letters/{event}")
    def show_letter(self, request: Request, event: UUID) -> Response:
        """Show a citizen's message, and the agency's event that it is about."""
        return self._shown(*self._office.enter(request), event)

    def _shown(self, who: Principal, frame: Frame, event: UUID, wrong: str = "", note: str = "") -> Response:
        with _unknown_as_problem():
            found = self._letters.read(event, who)
        speech = frame.speech
        gone = found.retired and speech.moment(found.retired)
        return self._office.show(
            "letter.html",
            frame,
            **_row(found, speech),
            text=found.text,
            began=found.began,
            gone=gone,
            reader=who.name,
            note=note,
            errors={"note": wrong} if wrong else {},
            mine=found.owner == who.agency,
        )

    @routes.post("/work/letters/{event}/handled")
    def handle(self, request: Request, event: UUID, fields: Form) -> Response:
        """Record that a message was dealt with, and how."""
        who, frame = self._office.enter(request, fields)
        note, say = field_of(fields, "note"), frame.speech.say
        if not says_why(note):
            return self._shown(who, frame, event, say("Write how it was dealt with: it is kept in the log"), note)
        if len(note) > MOST_SAID:
            return self._shown(who, frame, event, say("Write no more than 500 characters"), note)
        with _unknown_as_problem():
            self._letters.handle(event, who, note)
        return self._office.go("/work/letters?noted=true")


@contextmanager
def _unknown_as_problem() -> Iterator[None]:
    """Turn an unknown letter into a problem (404)."""
    try:
        yield
    except UnknownLetter as unknown:
        raise Problem(HTTPStatus.NOT_FOUND, text_of(unknown), kind="unknown-name") from None


def _row(letter: CitizenLetter, speech: Speech) -> dict[str, Any]:
    return {
        "id": letter.event,
        "at": speech.moment(letter.at),
        "kind": word_for(KINDS, letter.type, speech),
        "trigger": letter.trigger,
        "title": speech.titled(letter.title) or letter.trigger,
        "handled": [(f"{speech.moment(each.at)}, {each.by}", each.note) for each in letter.handled],
    }
