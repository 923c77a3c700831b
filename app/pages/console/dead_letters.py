"""Dead letters by their cause: what they are without anybody's data, and what is done with a whole group at once."""

import re
from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

from fastapi import Request
from fastapi.responses import Response
from msgspec import Struct

from app.http import routes
from app.http.problems import Problem
from app.pages.catalogues import Speech
from app.pages.console.staff import ConsolePages, Staff, command_line, short_field
from app.pages.layout import Frame
from app.pages.life import word_for
from app.pages.visits import Form, query_of
from app.pages.whole_numbers import whole_number
from domain.core.translatable import N_, Said
from domain.facts.access_facts import MOST_SAID, says_why
from domain.facts.principals import Principal
from streams.privacy.discard import give_up
from streams.queues.dead_letters import CAUSE_LENGTH, DeadLetter, Group, LetterFilter, Retried

MOST = 1000
"""So many are handled at one press, the oldest first; more would keep the page waiting."""
SHOWN = 100
KINDS = {
    "kafka.record": N_("Records that say nothing"),
    "person": N_("Persons who cannot be planned"),
    "area": N_("Area events that cannot be planned"),
    "webhook": N_("Answers that an agency did not take"),
    "message": N_("Messages of strangers"),
}
_PSEUDONYM = re.compile(r"\b[0-9a-f]{32}\b")


class Chosen(Struct, frozen=True):
    """A group of letters, and what is to be done with it: retry or drop."""

    kind: str
    cause: str
    what: str = ""

    @property
    def choice(self) -> LetterFilter:
        """Return the selection for the queue of dead letters."""
        return LetterFilter(kind=self.kind, cause=self.cause)

    def command(self, what: str, *more: str) -> str:
        """Return the command that does the same."""
        return command_line("dead-letters", what, "--kind", self.kind, "--cause", self.cause, *more)


class DeadLetterPages(ConsolePages):
    """The groups, one group, and what would be done."""

    def __init__(self, staff: Staff) -> None:
        super().__init__(staff)
        self._letters = staff.platform.runtime.dead_letters

    @routes.get("/console/letters")
    def groups(self, request: Request) -> Response:
        """Show all groups, the largest first, and the result of the last button."""
        _, frame = self._staff.operator(request)
        asked = request.query_params
        done = {
            name: whole_number(asked[name]) for name in ("handled", "failed", "unknown", "dropped") if asked.get(name)
        }
        rows = [_row(each, frame.speech) for each in self._letters.groups()]
        told = {name: frame.speech.number(count) for name, count in done.items()}
        return self._staff.show("letters.html", frame, groups=rows, done=told)

    @routes.get("/console/letters/group")
    def group(self, request: Request) -> Response:
        """Return the oldest letters of a group."""
        _, frame = self._staff.operator(request)
        chosen = _chosen(query_of(request))
        [found] = self._found(chosen)
        letters = [_plain(each, frame.speech) for each in self._letters.letters(chosen.choice, SHOWN)]
        return self._staff.show(
            "letter_group.html",
            frame,
            group=_row(found, frame.speech),
            letters=letters,
            chosen=chosen,
            most=frame.speech.number(SHOWN),
            more=found.count > SHOWN,
        )

    @routes.get("/console/letters/plan")
    def plan(self, request: Request) -> Response:
        """Show the plan for the chosen letters; nothing is changed."""
        _, frame = self._staff.operator(request)
        return self._plan(frame, _chosen(query_of(request), doing=True), {})

    def _plan(self, frame: Frame, chosen: Chosen, wrong: Mapping[str, str], reason: str = "") -> Response:
        [found] = self._found(chosen)
        return self._staff.show(
            "letter_plan.html",
            frame,
            group=_row(found, frame.speech),
            chosen=chosen,
            now=min(found.count, MOST),
            errors=wrong,
            reason=reason,
        )

    @routes.post("/console/letters/do")
    def do(self, request: Request, fields: Form) -> Response:
        """Retry or drop the letters, if their number was typed as confirmation."""
        who, frame = self._staff.operator(request, fields)
        given = {name: short_field(fields, name, CAUSE_LENGTH) for name in ("kind", "cause", "what")}
        chosen = _chosen(given, doing=True)
        [found] = self._found(chosen)
        now, reason = min(found.count, MOST), short_field(fields, "reason", MOST_SAID)
        wrong = {}
        if chosen.what == "drop" and not says_why(reason):
            wrong["reason"] = frame.speech.say("Write why: it is kept in the log")
        if short_field(fields, "count") != str(now):
            wrong["count"] = frame.speech.say("Type the number {count}").format(count=now)
        if wrong:
            return self._plan(frame, chosen, wrong, reason)
        return self._done(chosen, now, who, reason)

    def _done(self, chosen: Chosen, count: int, who: Principal, reason: str) -> Response:
        choice = LetterFilter(ids=tuple(each.id for each in self._letters.letters(chosen.choice, count)))
        if chosen.what == "drop":
            return self._staff.go(
                f"/letters?dropped={give_up(self._staff.platform.rules.context, choice, who, reason)}"
            )
        done: Retried = self._letters.retry(choice)
        return self._staff.go(f"/letters?handled={done.handled}&failed={done.failed}&unknown={done.unknown}")

    def _found(self, chosen: Chosen) -> list[Group]:
        found = self._letters.groups(chosen.choice)
        if not found:
            raise Problem(
                HTTPStatus.NOT_FOUND, Said("no letter is of that kind and cause (any more)"), kind="unknown-name"
            )
        return found


def _chosen(given: dict[str, str], *, doing: bool = False) -> Chosen:
    what = given.get("what", "")
    if doing and what not in ("retry", "drop"):
        raise Problem(HTTPStatus.UNPROCESSABLE_ENTITY, Said("what: must be retry or drop"))
    return Chosen(given.get("kind", "")[:CAUSE_LENGTH], given.get("cause", "")[:CAUSE_LENGTH], what)


def _row(group: Group, speech: Speech) -> dict[str, Any]:
    return {
        "kind": group.kind,
        "cause": group.cause,
        "name": word_for(KINDS, group.kind, speech),
        "count": speech.number(group.count),
        "oldest": speech.moment(group.oldest),
        "newest": speech.moment(group.newest),
    }


def _plain(letter: DeadLetter, speech: Speech) -> dict[str, Any]:
    """Return a letter without the name that somebody has here."""
    told = _PSEUDONYM.sub(speech.say("a person"), letter.told)
    return {"id": str(letter.id), "at": speech.moment(letter.at), "attempts": letter.attempts, "told": told}
