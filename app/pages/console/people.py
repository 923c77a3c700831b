"""A person's trail: the log records the purpose first. No address of these pages holds anything about anybody.

The national id, or a message's code, comes in the body of a form only; what is read is then addressed by the name of
the viewing.
"""

import re
from collections.abc import Mapping, Sequence
from http import HTTPStatus
from typing import Any, cast
from uuid import UUID

from fastapi import Request
from fastapi.responses import Response

from app.http import routes
from app.http.problems import Problem
from app.identity.authenticity_codes import codes_in
from app.pages.catalogues import Speech
from app.pages.console.staff import ConsolePages, Staff, command_line, short_field
from app.pages.layout import Frame
from app.pages.life import STATES, details_of, word_for
from app.pages.naming import step_name
from app.pages.pack_names import names_of
from app.pages.visits import Form
from app.pages.whole_numbers import OF_A_POSITION, whole_number
from app.reports.life_words import CHANNELS, REASON_WORDS
from domain.core.events import LifeEvent
from domain.core.translatable import Said, text_of
from domain.facts.access_facts import MOST_SAID, LetterHandled, PersonErased, PersonViewed, TokensEnded, says_why
from domain.facts.facts import NudgeCancelled
from domain.facts.principals import Principal
from domain.nudges.fact_names import NO_FURTHER_ATTEMPT
from domain.nudges.nudge import Nudge
from domain.rules.built_in_triggers import DIGEST
from projections import nudges
from streams.log.mapper import Entry
from streams.privacy.access_log import PAGE, NotTheirView, Views, note_viewing
from streams.queries.explain import Explanation, UnknownNudge, explain
from streams.rules.in_force import Rules

_PSEUDONYM, _NATIONAL_ID = re.compile(r"[0-9a-f]{32}"), re.compile(r"[0-9]{6,20}")


class PersonPages(ConsolePages):
    """Pages that ask for a person and a purpose, and then show the trail."""

    def __init__(self, staff: Staff) -> None:
        super().__init__(staff)
        self._views = Views(staff.platform.rules.context, staff.platform.replay.follower)

    @routes.get("/console/people")
    def ask(self, request: Request) -> Response:
        """Ask for the person and the purpose."""
        _, frame = self._staff.reader(request)
        return self._ask(frame, "", {})

    def _ask(self, frame: Frame, purpose: str, wrong: Mapping[str, str], person: str = "") -> Response:
        run = command_line("trail", "-", "--purpose", purpose or "…")
        return self._staff.show("people.html", frame, purpose=purpose, person=person, errors=wrong, command=run)

    @routes.post("/console/people")
    def look(self, request: Request, fields: Form) -> Response:
        """Record in the log who is looked at and why, then show the trail."""
        who, frame = self._staff.reader(request, fields)
        given, purpose = short_field(fields, "person"), short_field(fields, "purpose", MOST_SAID)
        say = frame.speech.say
        person, wrong = self._pseudonym(given), {}
        if person is None:
            wrong["person"] = say(
                "Write a national id (digits), a pseudonym (32 digits and letters), or the code of a message"
            )
            if codes_in(given):
                wrong["person"] = say("No message of ours has this code")
        if not says_why(purpose):
            wrong["purpose"] = say("Write why you read this person's data; the log keeps it")
        viewing = self._views.begin(who, person, purpose) if person is not None and not wrong else None
        if viewing is None:
            wrong = wrong or {"person": say("Nothing is known about this person")}
            return self._ask(frame, purpose, wrong, "" if "person" in wrong else given)
        return self._staff.go(f"/people/{viewing}")

    def _pseudonym(self, given: str) -> str | None:
        """Return the pseudonym of whom it names: by national id, pseudonym, or a code of their message."""
        compact, identity = given.replace(" ", ""), self._staff.platform.identity
        if _PSEUDONYM.fullmatch(compact):
            return compact
        if _NATIONAL_ID.fullmatch(compact):
            return identity.names.pseudonym(compact)
        return identity.codes.recipient(given)

    @routes.get("/console/people/{id}")
    def trail(self, request: Request) -> Response:
        """Every fact that concerns them, in the order of the log."""
        who, frame = self._staff.reader(request)
        viewing = self._viewing(request, who)
        after = request.query_params.get("after", "0")
        entries = self._views.facts(viewing.person, whole_number(after, OF_A_POSITION))
        base = f"{self._staff.pages.root}/console/people/{request.path_params['id']}"
        more = f"{base}?after={entries[-1].position}" if len(entries) == PAGE else ""
        return self._staff.show(
            "trail.html",
            frame,
            rows=list(map(self._rows(entries, frame.speech).row, entries)),
            viewing=viewing,
            base=base,
            at=frame.speech.moment(viewing.at),
            next=more,
            first=base if after != "0" else "",
            command=command_line("trail", "-", "--purpose", viewing.purpose),
            erase=command_line("erase", "-", "--reason", "…") if who.operator else "",
        )

    def _rows(self, entries: Sequence[Entry], speech: Speech) -> "TrailRows":
        on = self._staff.platform
        with on.database.reading() as connection:
            found = nudges.by_id(connection, {each.originator_id for each in entries})
        return TrailRows(on.rules.library.rules(), found, speech)

    @routes.get("/console/people/{id}/why/{nudge}")
    def why(self, request: Request) -> Response:
        """Show the reason for one of the person's messages."""
        who, frame = self._staff.reader(request)
        viewing, on = self._viewing(request, who), self._staff.platform
        rules, nudge = on.rules.library.rules(), _uuid(request.path_params["nudge"])
        note_viewing(on.rules.context, who, viewing.person, "why", viewing.purpose)
        found = self._explained(nudge, viewing.person, rules)
        for other in set(found.shown) - {viewing.person}:  # a child's data stands in what their guardian was told
            note_viewing(on.rules.context, who, other, "why", viewing.purpose)
        return self._staff.show(
            "trail_why.html",
            frame,
            told=details_of(found, rules, frame.speech),
            version=found.version[:12],
            title=frame.speech.titled(found.title) or frame.speech.say("Daily summary"),
            base=f"{self._staff.pages.root}/console/people/{request.path_params['id']}",
            command=command_line("why", nudge, "--purpose", viewing.purpose),
        )

    def _explained(self, nudge: UUID, person: str, rules: Rules) -> Explanation:
        """Return the explanation of a nudge of theirs, or of one that they got for somebody else."""
        on = self._staff.platform
        try:
            with on.database.reading() as connection:
                found = explain(connection, on.log, rules, nudge, on.clock())
        except UnknownNudge:
            found = None
        if found is None or person not in found.everybody:
            raise Problem(HTTPStatus.NOT_FOUND, Said("no nudge of theirs has this id"), kind="unknown-message")
        return found

    def _viewing(self, request: Request, who: Principal) -> PersonViewed:
        try:
            return self._views.viewing(_uuid(request.path_params["id"]), who)
        except NotTheirView as error:
            raise Problem(HTTPStatus.NOT_FOUND, text_of(error), kind="unknown-name") from None


def _uuid(text: str) -> UUID:
    try:
        return UUID(text)
    except ValueError:
        return UUID(int=0)


class TrailRows:
    """Tells facts as rows, with the names of events and triggers in the reader's language."""

    def __init__(self, rules: Rules, known: Mapping[UUID, Nudge], speech: Speech) -> None:
        self._nudges, self._speech, self._names = known, speech, names_of(rules, speech)
        latest = {each.fact.trigger: each.fact.rules for each in rules.governed.publications}
        self._steps = {name: list(each["due"]) for name, each in latest.items() if "due" in each}
        self._titles = {name: speech.titled(each.get("title", {})) for name, each in latest.items()}

    def row(self, entry: Entry) -> dict[str, Any]:
        """Return a fact as a row, without the personal data in it."""
        fact, speech = cast("Any", entry.fact), self._speech
        row = {"position": entry.position, "nudge": "", "words": "", "more": []}
        match fact:
            case LifeEvent():
                more = [speech.say("revision {number}").format(number=fact.revision)] if fact.revision > 1 else []
                more += [speech.say("annulled")] if fact.annuls else []
                words = self._names.heading(fact.type)
                type_ = self._names.type(fact.type)
                source = self._names.office(type_.agency) if type_ is not None and type_.agency else fact.source
                return row | {"at": speech.moment(fact.time), "words": words, "more": [*more, source]}
            case PersonViewed():
                words = speech.say("{name} read their data: {purpose}").format(name=fact.by, purpose=fact.purpose)
                return row | {"at": speech.moment(fact.at), "words": words}
            case LetterHandled():
                words = speech.say("{name} dealt with what they wrote: {note}").format(name=fact.by, note=fact.note)
                return row | {"at": speech.moment(fact.at), "words": words}
            case TokensEnded():
                return row | {"at": speech.moment(fact.at), "words": speech.say("ended their tokens for assistants")}
            case PersonErased():
                words = speech.say("erased by {name}").format(name=fact.by)
                return row | {"at": speech.moment(fact.at), "words": words}
        return row | self._of_nudge(entry, fact)

    def _of_nudge(self, entry: Entry, fact: Any) -> dict[str, Any]:  # noqa: ANN401  (a fact of a nudge)
        speech, name = self._speech, fact.TOPIC.partition("/")[0].removeprefix("nudge-")
        nudge = self._nudges.get(entry.originator_id)
        if isinstance(fact, NudgeCancelled) and nudge is not None and nudge.was_attempted_by(fact.at):
            name = NO_FURTHER_ATTEMPT
        trigger = getattr(fact, "trigger", "") or ("" if nudge is None else nudge.intent.trigger)
        more = [step_name(fact.step, self._steps.get(trigger, ()), speech)] if hasattr(fact, "step") else []
        more += [word_for(CHANNELS, fact.channel, speech)] if hasattr(fact, "channel") else []
        more += [word_for(REASON_WORDS, fact.reason, speech)] if getattr(fact, "reason", "") else []
        title = self._title(trigger)
        state = word_for(STATES, name, speech)
        return {
            "at": speech.moment(fact.at),
            "words": f"{title}: {state}" if title else state,
            "more": [each for each in more if each],
            "nudge": str(entry.originator_id) if fact.TOPIC.startswith("nudge-") else "",
        }

    def _title(self, trigger: str) -> str:
        if trigger == DIGEST:
            return self._speech.say("Daily summary")
        return self._titles.get(trigger) or trigger
