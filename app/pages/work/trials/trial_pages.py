"""Trying a draft out: its tests, played case by case, and how it will look on a phone, in an SMS, in a mail."""

from collections.abc import Iterator, Mapping
from datetime import datetime
from functools import partial
from http import HTTPStatus
from typing import Any

from fastapi import Request
from fastapi.responses import HTMLResponse, Response
from msgspec import Struct

from app.http import routes
from app.http.problems import Problem
from app.packs.draft_bench import DraftText, LaidOutDraft, RenderedMessages
from app.pages.catalogues import Speech
from app.pages.layout import HEADERS, Frame
from app.pages.naming import step_name
from app.pages.pack_names import names_of
from app.pages.work.drafts.draft_pages import DraftPages
from app.pages.work.drafts.gaps import gaps_in
from app.pages.work.drafts.stored_drafts import Id, laid_out, steps_of, text_of
from app.pages.work.office import Hash, Name
from app.pages.work.trials.case_file import sample_numbers
from app.pages.work.trials.example_form import stories
from app.pages.work.trials.examples import is_playable
from app.pages.work.trials.played import PlayedWords
from app.pages.work.words import PEOPLE, not_among, people, reason_in_words
from domain.core.sms import excess, room
from domain.core.translatable import Said
from domain.facts.governance import TriggerSubmitted
from domain.facts.principals import Principal, Role
from domain.facts.submissions import Subject, Submission
from domain.rules.triggers import CORRECTION
from streams.rehearsal.case_reader import is_silent
from streams.rules.approval import Reference
from streams.rules.drafts import StoredDraft
from templates.authoring.preview import Message, Words
from templates.checks.sample_check import LIMITS
from templates.reading.writing import trigger_texts
from templates.reading.yaml_file import NOTHING_HERE
from templates.words import emblems
from templates.words.rendering import Rendered

MAIL = {
    **HEADERS,
    "Content-Security-Policy": (
        "default-src 'none'; style-src 'unsafe-inline'; img-src data:; sandbox; frame-ancestors 'self'"
    ),
}
"""A mail as a mail program shows it: nothing in it may run, load or lead anywhere."""
FRAMING = {**HEADERS, "Content-Security-Policy": HEADERS["Content-Security-Policy"] + "; frame-src 'self'"}


class Cell(Struct, frozen=True):
    """The text for one person in one language on one channel.

    `size`: its length and its cost; `saving`: what makes it cost less; `warning`: that it is longer than the pack
    allows.
    """

    language: str
    channel: str
    title: str
    text: str
    size: str
    problem: str = ""
    warning: str = ""
    saving: str = ""
    actions: tuple[str, ...] = ()


class TrialPages(DraftPages):
    """Tests and previews, of drafts and of what waits for approval."""

    @routes.get("/work/drafts/{id}/tests")
    def tests(self, request: Request, id: Id, done: str = "") -> Response:
        """Show each test: what was expected, what there was, and every decision on the way."""
        who, frame, draft = self._enter(request, id)
        rules = self._office.platform.rules.library.rules()
        names = names_of(rules, frame.speech)
        told_tests = stories(draft, names)
        with laid_out(self._bench, text_of(draft)) as laid:
            findings = laid.blocking_play()
            cases, more = ([], laid.test_errors) if findings else laid.cases()
        return self._progress.show(
            "tests.html",
            frame,
            draft,
            "test",
            findings=[*findings, *(each for each in more if not each.warning and str(each.message) != NOTHING_HERE)],
            warnings=[each for each in more if each.warning and not is_silent(each)],
            silent=any(map(is_silent, more)),
            cases=cases,
            reason=partial(reason_in_words, speech=frame.speech),
            told=PlayedWords(names, steps_of(draft.files)),
            stories={line: (number, story) for number, line, _, story in told_tests},
            unplayed=[] if cases else told_tests,
            samples=len(sample_numbers(draft, rules)),
            told_tests=len(told_tests),
            fitting=gaps_in(draft.files, names),
            playable=is_playable(findings),
            author=Role.AUTHOR in who.roles,
            personas=people(frame.speech),
            done=done,
            failed=sum(not each.passed for each in cases),
        )

    @routes.get("/work/drafts/{id}/preview")
    def draft(self, request: Request, id: Id, persona: str = "adult", done: str = "") -> Response:
        """Show a preview of a draft."""
        who, frame, draft = self._enter(request, id)
        return self._preview(frame, text_of(draft), persona, f"/work/drafts/{id}", draft, who, done)

    @routes.get("/work/submissions/{name}/{hash}/preview")
    def waiting(self, request: Request, name: Name, hash: Hash, persona: str = "adult") -> Response:
        """Show a preview of a submitted version."""
        who, frame = self._office.enter(request)
        submission = self._office.submission(Reference(Subject("trigger", name), hash), who)
        return self._preview(frame, _text(submission), persona, f"/work/submissions/{name}/{hash}", submission)

    def _preview(
        self,
        frame: Frame,
        text: DraftText,
        persona: str,
        base: str,
        of: StoredDraft | Submission,
        who: Principal | None = None,
        done: str = "",
    ) -> Response:
        if persona not in PEOPLE:
            raise Problem(HTTPStatus.UNPROCESSABLE_ENTITY, not_among("persona", PEOPLE))
        with laid_out(self._bench, text) as laid:
            findings = laid.blocking_play()
            heard = None if findings else laid.messages(self._office.platform.clock(), persona)
        page = self._progress.show(
            "preview.html",
            frame,
            of,
            "write",
            trigger=text.trigger,
            done=done,
            contacts=sorted(who.contacts) if who is not None else (),
            author=who is not None and Role.AUTHOR in who.roles,
            base=base,
            persona=persona,
            personas=people(frame.speech),
            findings=findings,
            hearing=heard.hearings[0] if heard else None,
            steps=[step_for_page(each, heard, frame) for each in heard.hearings[0].messages] if heard else [],
        )
        page.headers.update(FRAMING)
        return page

    @routes.get("/work/drafts/{id}/mail")
    def draft_mail(
        self, request: Request, id: Id, persona: str = "adult", step: str = "", spoken: str = ""
    ) -> Response:
        """Return a mail of a draft as it is read."""
        _, _, draft = self._enter(request, id)
        return self._mail(text_of(draft), persona, step, spoken)

    @routes.get("/work/submissions/{name}/{hash}/mail")
    def waiting_mail(
        self, request: Request, name: Name, hash: Hash, persona: str = "adult", step: str = "", spoken: str = ""
    ) -> Response:
        """Return a mail of what waits as it is read."""
        who, _ = self._office.enter(request)
        submission = self._office.submission(Reference(Subject("trigger", name), hash), who)
        return self._mail(_text(submission), persona, step, spoken)

    def _mail(self, text: DraftText, persona: str, step: str, spoken: str) -> Response:
        with laid_out(self._bench, text) as laid:
            heard = None if laid.blocking_play() else laid.messages(self._office.platform.clock(), persona)
        words = {
            (message.step, each.language): each.rendered
            for hearing in (heard.hearings if heard else ())
            for message in hearing.messages
            for each in message.words
        }
        rendered = words.get((step, spoken))
        if rendered is None:
            raise Problem(HTTPStatus.NOT_FOUND, Said("nobody reads such a mail"), kind="unknown-message")
        return HTMLResponse(emblems.in_page(rendered.html), headers=MAIL)


def _text(submission: Submission) -> DraftText:
    fact = submission.fact
    assert isinstance(fact, TriggerSubmitted)
    return DraftText(fact.pack, fact.trigger, trigger_texts(fact.rules, fact.words))


def first_person_messages(laid: LaidOutDraft, now: datetime) -> RenderedMessages:
    """Return the messages for the first invented person to whom something is said; for the first one, if to none."""
    tried = []
    for persona in PEOPLE:
        tried.append(laid.messages(now, persona))
        if not tried[-1].hearings[0].nothing:
            return tried[-1]
    return tried[0]


def step_for_page(message: Message, heard: RenderedMessages, frame: Frame) -> dict[str, Any]:
    """Return a step as pages show it: its name, when it comes, and its text by language and channel."""
    day = frame.speech.day(message.due.date())
    called = step_name(message.step, list(heard.source.rules["due"]), frame.speech)
    return {
        "name": message.step,
        "called": called,
        "title": frame.speech.say("Correction, should the event be taken back")
        if message.step == CORRECTION
        else f"{called}: {day}, {message.due:%H:%M}",
        "languages": [
            (words.language, list(_cells(words, heard, frame)))
            for words in sorted(message.words, key=lambda each: each.language != frame.language)
        ],
    }


def _cells(words: Words, heard: RenderedMessages, frame: Frame) -> Iterator[Cell]:
    """Yield a cell for each channel of the trigger."""
    if words.rendered is None:
        yield Cell(words.language, "", "", "", "", words.problem)
        return
    made: Mapping[str, Any] = {"push": _push, "sms": _sms, "email": _email}
    for channel in heard.source.rules["channels"]:
        yield made[channel](words, words.rendered, heard, frame)


def _push(words: Words, rendered: Rendered, _: RenderedMessages, __: Frame) -> Cell:
    size = f"{len(rendered.push_title)}/{LIMITS['push_title']}, {len(rendered.push_body)}/{LIMITS['push_body']}"
    actions = tuple(each.label for each in rendered.actions)
    return Cell(words.language, "push", rendered.push_title, rendered.push_body, size, actions=actions)


def _sms(words: Words, rendered: Rendered, heard: RenderedMessages, frame: Frame) -> Cell:
    parts, _ = words.sms
    say = frame.speech.say
    size = say("parts: {parts}, characters: {characters}").format(parts=parts, characters=len(rendered.signed()))
    most = heard.limit.parts
    over = too_long_sms(rendered.signed(), most, frame.speech)
    cost = heard.limit.cost(parts, frame.speech.language)
    size += f", {cost}" if cost else ""
    saving = ""
    if not over and (fewer := excess(rendered.signed())):
        count = frame.speech.many("{count} character", "{count} characters", fewer)
        saving = say("one part less if it is shorter by {count}").format(count=count)
    return Cell(words.language, "sms", "", rendered.signed(), size, warning=over, saving=saving)


def too_long_sms(text: str, most: int, speech: Speech) -> str:
    """Return by how much a text is too long for so many parts; empty if it is not."""
    if (over := -room(text, most)) <= 0:
        return ""
    told = speech.say("Too long: an SMS may have {most} parts at most. Shorten it by {count}.")
    return told.format(most=most, count=speech.many("{count} character", "{count} characters", over))


def _email(words: Words, rendered: Rendered, _: RenderedMessages, __: Frame) -> Cell:
    return Cell(words.language, "email", rendered.subject, rendered.text, "")
