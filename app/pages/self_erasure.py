"""Erasure by the citizen themself: what would go and what the law keeps, a typed word, and a certificate to print."""

from collections.abc import Mapping
from contextlib import suppress

from fastapi import Request
from fastapi.responses import Response

from app.http import routes
from app.identity import erased_list
from app.pages import visits
from app.pages.catalogues import Speech
from app.pages.citizen_pages import CitizenPages
from app.pages.layout import Frame
from app.pages.visits import Form
from domain.facts.principals import Principal
from streams.privacy.erasure import Certificate, NobodyKnown, Scope

THEMSELVES = Principal("citizen", "citizen", frozenset())
REASON = "asked for by the person, on their own pages"
Rows = list[tuple[str, str]]


class SelfErasure(CitizenPages):
    """The page on which citizens erase their own data."""

    @routes.get("/my/erase")
    def show(self, request: Request) -> Response:
        """Show the effects of an erasure; nothing is erased."""
        person, frame = self._visitor(request)
        return self._show(person, frame)

    @routes.post("/my/erase")
    def erase(self, request: Request, fields: Form) -> Response:
        """Erase the person's data if they typed the word; sign them out, and show the certificate."""
        person, frame = self._visitor(request, fields)
        word = frame.speech.say("ERASE")
        if visits.field_of(fields, "word").casefold() != word.casefold():
            return self._show(person, frame, frame.speech.say("Type the word {word}").format(word=word))
        try:
            certificate = self._platform.privacy.erasure.erase(person, THEMSELVES, REASON)
        except NobodyKnown:
            return self._pages.go("/my/erase")
        with suppress(OSError):  # where the keys' folder cannot be written, the certificate is what there is
            erased_list.add(self._platform.settings.key_file, certificate)
        visits.end(request)
        left = self._pages.frame(request, frame.language, frame.speech.zone)
        return self._pages.respond("erased.html", left, rows=certificate_rows(certificate, left.speech))

    def _show(self, person: str, frame: Frame, wrong: str = "") -> Response:
        try:
            rows = effect_rows(self._platform.privacy.erasure.scope(person), frame.speech)
        except NobodyKnown:
            rows = []
        return self._pages.respond(
            "erase.html",
            frame,
            rows=rows,
            word=frame.speech.say("ERASE"),
            errors={"word": wrong} if wrong else {},
        )


def effect_rows(scope: Scope, speech: Speech) -> Rows:
    """Describe the effects of an erasure."""
    sealed = speech.many("{count} record about you", "{count} records about you", scope.sealed)
    ending = speech.many("{count} message that was to come", "{count} messages that were to come", scope.ending)
    return [
        (speech.say("Becomes unreadable for ever"), sealed),
        (speech.say("Is cancelled"), ending),
        (speech.say("Stays, as proof of what the state did"), _kept(scope.kept, speech)),
    ]


def _kept(kept: Mapping[str, int], speech: Speech) -> str:
    return speech.many("{count} line without your data", "{count} lines without your data", sum(kept.values()))


def certificate_rows(one: Certificate, speech: Speech) -> Rows:
    """Describe the proof of an erasure to the person who was erased."""
    kept = (speech.say("Stays, as proof of what the state did"), _kept(one.kept, speech))
    return [*proof_rows(one, speech), kept]


def proof_rows(one: Certificate, speech: Speech) -> Rows:
    """Describe the proof of an erasure; the digests are for those who check the log."""
    return [
        (speech.say("Who"), one.person),
        (speech.say("When"), speech.moment(one.at)),
        (speech.say("Line of the log"), f"{one.position}, SHA-256 {one.fact}"),
        (speech.say("Destroyed key"), f"{one.key or '–'}, SHA-256 {one.wrapped or '–'}"),
    ]
