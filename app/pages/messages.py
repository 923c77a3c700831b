"""A nudge's own page, and why it came: for who signed in, and by a link in the message that works for a while."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import datetime
from http import HTTPStatus
from typing import Any
from uuid import UUID

from fastapi import Depends, Request
from fastapi.responses import RedirectResponse, Response
from msgspec import Struct
from msgspec.structs import replace

from app.compose import Platform
from app.http import routes
from app.http.problems import Problem
from app.identity.authenticity_codes import short_link_lookup
from app.identity.links import PAGE_LASTS, BadLink, OldLink
from app.packs.version_diff import start_of
from app.pages import visits
from app.pages.calendar_file import Entry, as_calendar, calendar_file
from app.pages.citizen_pages import CitizenPages
from app.pages.inbox import days_in_words, subject_lines
from app.pages.layout import Frame, Pages
from app.pages.life import STATES, details_of, line_of, word_for
from app.pages.pack_names import names_of
from app.pages.reasons import Because, question_of, reasons_of
from app.pages.stop import bad_link_problem
from app.pages.visits import OpenForm
from app.reports.life_words import CHANNELS
from domain.core.national_id import has_iin
from domain.core.translatable import N_, Said, Words
from domain.facts.receipts import ReceiptStatus
from domain.nudges.class_rules import CLASS_RULES
from domain.nudges.delivery import State
from domain.rules.event_types import NO_OFFICE
from streams.delivery.outcomes.receipt_facts import Receipt
from streams.delivery.send.message import parts_of, with_code
from streams.queries.explain import Explanation
from streams.queries.inbox import NotTheirs
from streams.queries.inbox_cards import Card
from templates.words.footer import CALENDAR_FILE
from templates.words.questions import UNSAID
from templates.words.rendering import Rendered

SPOKEN: Mapping[str, str] = {"kk": N_("in Kazakh"), "ru": N_("in Russian"), "en": N_("in English")}
ANSWER, DISPUTED = "answer:", "disputed"
MOST_CHARACTERS = 2000


class NudgeReader(Struct, frozen=True):
    """The reader of a nudge and the page's base address; `linked`: by a link, without having signed in."""

    person: str
    nudge: UUID
    base: str
    linked: bool


class Member(Struct, frozen=True):
    """A message that goes with a digest: its title, page (empty: none), day (empty: none), buttons, and reasons."""

    title: str
    base: str
    day: str
    actions: list[tuple[str, str]]
    because: Because


class Messages(CitizenPages):
    """The pages of one nudge."""

    def __init__(self, platform: Platform, pages: Pages) -> None:
        super().__init__(platform, pages)
        self._codes = platform.identity.codes

    def endpoints(self) -> Iterator[routes.Parts]:
        """Yield them; who may not dispute is refused before their form is read."""
        yield from super().endpoints()
        for base in ("/my/messages/{nudge}", "/m/{token}"):
            yield f"{base}/dispute", self.dispute, {"methods": ["POST"], "dependencies": [Depends(self._reader)]}

    @routes.get("/my/messages/{nudge}")
    @routes.get("/m/{token}")
    def show(self, request: Request) -> Response:
        """Return the message, with what can be done."""
        return self._respond_to_reader(request, self._read_message)

    def _respond_to_reader(
        self, request: Request, page: Callable[[Request, NudgeReader, Frame, Explanation], Response]
    ) -> Response:
        """A page of the message; of a link whose time is over, what it is still good for."""
        try:
            reader = self._identified_reader(request)
        except OldLink as old:
            return self._expired_link_page(request, old)
        except BadLink as error:
            raise bad_link_problem(error) from None
        return page(request, reader, *self._read(request, reader))

    def _expired_link_page(self, request: Request, old: OldLink) -> Response:
        """Answer that the link is too old to show its message; offer the stop that the message offered."""
        reader = NudgeReader(old.recipient, old.nudge, "", linked=True)
        frame, why = self._read(request, reader)
        say, stop = frame.speech.say, self._stop(reader, why)
        lead = say("It worked for 90 days. Sign in to read the message: it is still there.")
        offer = say("To stop such messages you need not sign in:")
        topic = self._platform.delivery.inbound.opt_outs.topic(reader.nudge, reader.person) if stop else None
        return self._pages.respond(
            "link.html",
            frame,
            HTTPStatus.GONE,
            title=say("The time of this link is over"),
            lead=f"{lead} {offer}" if topic else lead,
            items=[frame.speech.titled(titles) for titles in topic.titles] if topic else [],
            note=say("Messages that the law requires will still come.") if topic else "",
            button=say("Stop such messages") if topic else "",
            action=stop,
        )

    def _read_message(self, request: Request, reader: NudgeReader, frame: Frame, why: Explanation) -> Response:
        """Show the message, and keep that its recipient has read it, where they have signed in.

        A link in a message proves less: mail servers follow it before anybody reads.
        """
        if not reader.linked and "prefetch" not in request.headers.get("sec-purpose", ""):
            self._keep_read(reader)
        words = why.alone.get(reader.person) or why.words.get(reader.person)
        return self._pages.respond("message.html", frame, **self._template_values(reader, frame, why, words))

    def _keep_read(self, reader: NudgeReader) -> None:
        sent, attempt, state = self._platform.queries.inboxes.attempt(reader.person, reader.nudge)
        if attempt and state in (State.SENT, State.DELIVERED):
            receipt = Receipt(sent, reader.person, attempt, ReceiptStatus.OPENED)
            self._platform.delivery.receipts.record(receipt)

    def _template_values(
        self, reader: NudgeReader, frame: Frame, why: Explanation, words: Rendered | None
    ) -> dict[str, Any]:
        speech, channels = frame.speech, channels_of(why)
        went = bool(channels)
        text, caption = text_and_title(words, channels)
        digest = why.digests.get(reader.person)
        code = self._code(digest or reader.nudge, reader.person) if went else ""
        if words and code and digest is None and channels[-1] == "sms":
            page = self._platform.identity.links.page(reader.nudge, reader.person, _went_at(why) + PAGE_LASTS)
            text = with_code(text, words, page, code)
        title = speech.titled(why.title) or speech.say("Daily summary")
        spoken = words.language if words else frame.language
        return {
            "title": title,
            "base": reader.base,
            "digest": self._base(reader, why, digest) if went else "",
            "members": self._members(reader, frame, why),
            "parent": _parent(reader, why),
            "spoken": spoken,
            "other_language": word_for(SPOKEN, spoken, speech) if went and spoken != frame.language else "",
            "linked": reader.linked,
            "office": self._office(why, frame),
            "emblem": self._platform.rules.library.rules().catalogue.offices.get(why.agency, NO_OFFICE).emblem,
            "text": text,
            "caption": caption if caption != title else "",
            "at": speech.moment(_went_at(why)) if went else "",
            "channels": [word_for(CHANNELS, each, speech) for each in channels],
            "state": word_for(STATES, why.state.partition(" ")[0], speech),
            "due": speech.moment(why.due),
            "unsent": not went and why.state != State.DIGESTED,
            "code": code,
            "actions": self._actions(reader, words) if went else [],
            "day": self._day(reader, frame),
            "stop": self._stop(reader, why),
            "question": speech.say(question_of(why)),
            "done": [speech.moment(each.details["done_at"]) for each in why.facts if each.what == "done"][-1:],
            "life": [line_of(each, speech) for each in why.facts],
        }

    def _stop(self, reader: NudgeReader, why: Explanation) -> str:
        """Return the link that stops such messages; none where nothing went, or they cannot be stopped."""
        if not channels_of(why) or CLASS_RULES[why.klass].ignores_opt_out or not why.agency:
            return ""
        return f"{self._pages.root}/stop/{self._platform.identity.links.token(reader.nudge, reader.person)}"

    def _members(self, reader: NudgeReader, frame: Frame, why: Explanation) -> list[Member]:
        """Return the messages that go with this digest."""
        return [self._member(reader, frame, member) for member in self._digest_members(reader, why)]

    def _digest_members(self, reader: NudgeReader, why: Explanation) -> Iterator[Explanation]:
        for id_ in why.members:
            try:
                member = self._platform.queries.inboxes.why(reader.person, id_)
            except NotTheirs:
                continue
            if member.digests.get(reader.person) == reader.nudge:
                yield member

    def _member(self, reader: NudgeReader, frame: Frame, member: Explanation) -> Member:
        went, words = bool(channels_of(member)), member.alone.get(reader.person)
        one = replace(reader, nudge=member.nudge, base=self._base(reader, member, member.nudge))
        return Member(
            frame.speech.titled(member.title),
            one.base,
            self._day(one, frame),
            self._actions(one, words) if went else [],
            self._reasons(reader, frame, member),
        )

    def _reasons(self, reader: NudgeReader, frame: Frame, why: Explanation) -> Because:
        rules = self._platform.rules.library.rules()
        return reasons_of(why, reader.person, names_of(rules, frame.speech, start_of(why.clause)))

    def _base(self, reader: NudgeReader, why: Explanation, nudge: UUID | None) -> str:
        """Return the address of another message of theirs, which went with this one; empty where there is none."""
        if nudge is None or (reader.linked and not channels_of(why)):
            return ""
        if not reader.linked:
            return f"{self._pages.root}/my/messages/{nudge}"
        page = self._platform.identity.links.page(nudge, reader.person, _went_at(why) + PAGE_LASTS)
        return f"{self._pages.root}/m/{page.rpartition('/')[2]}"

    def _code(self, nudge: UUID, person: str) -> str:
        """Return the code by which anybody may check the message; empty where the check would not know it."""
        code = self._codes.of(nudge, person)
        return code if self._codes.check(code) is not None else ""

    def _actions(self, reader: NudgeReader, words: Rendered | None) -> list[tuple[str, str]]:
        links = self._platform.identity.links
        return [
            (each.label, links.answer(reader.nudge, reader.person, each.url.removeprefix(ANSWER)))
            if each.url.startswith(ANSWER)
            else (each.label, each.url)
            for each in (words.actions if words else ())
        ]

    def _office(self, why: Explanation, frame: Frame) -> str:
        offices = self._platform.queries.inboxes.offices()
        return frame.speech.titled(offices.get(why.agency, {})) or why.agency

    @routes.get(f"/my/messages/{{nudge}}/{CALENDAR_FILE}")
    @routes.get(f"/m/{{token}}/{CALENDAR_FILE}")
    def calendar(self, request: Request) -> Response:
        """Return the day that the message is about, as a file for calendars."""
        return self._respond_to_reader(request, self._calendar)

    def _day(self, reader: NudgeReader, frame: Frame) -> str:
        """Return the days of the message in words; empty where no calendar can hold them."""
        card = self._card(reader, frame)
        days = card and card.days_to_come(self._platform.clock(), frame.speech.zone)
        return days_in_words(days, frame.speech) if days else ""

    def _calendar(self, _: Request, reader: NudgeReader, frame: Frame, __: Explanation) -> Response:
        card, now = self._card(reader, frame), self._platform.clock()
        if card is None or (days := card.days_to_come(now, frame.speech.zone)) is None:
            raise Problem(HTTPStatus.NOT_FOUND, Said("the message names no day that is still to come"), kind="no-day")
        speech = frame.speech
        title = speech.titled(UNSAID if card.discreet else card.title)
        summary = speech.tell(Words("Last day: {title}", title=title)) if days.is_limit else title
        lines = () if card.discreet else subject_lines(card, names_of(self._platform.rules.library.rules(), speech))
        page = f"{self._platform.settings.base_url.rstrip('/')}/my/messages/{reader.nudge}"
        entry = Entry(card.thing[1], reader.person, days, summary, tuple(lines), page, speech.language)
        return as_calendar(calendar_file(entry, now))

    def _card(self, reader: NudgeReader, frame: Frame) -> Card | None:
        return self._platform.queries.inboxes.cards(reader.person, [reader.nudge], frame.speech.zone).get(
            reader.nudge
        )

    @routes.get("/my/messages/{nudge}/why")
    @routes.get("/m/{token}/why")
    def why(self, request: Request) -> Response:
        """Show the reason for the message."""
        return self._respond_to_reader(request, self._because)

    def _because(self, request: Request, reader: NudgeReader, frame: Frame, why: Explanation) -> Response:
        what, _, nudge = (visits.told_once(request, DISPUTED) or "").partition(" ")
        return self._why(reader, frame, why, disputed=what if nudge == str(reader.nudge) else "")

    def _why(
        self,
        reader: NudgeReader,
        frame: Frame,
        why: Explanation,
        *,
        disputed: str = "",
        wrong: str = "",
        text: str = "",
    ) -> Response:
        found = details_of(why, self._platform.rules.library.rules(), frame.speech)
        return self._pages.respond(
            "why.html",
            frame,
            title=frame.speech.titled(why.title) or frame.speech.say("Daily summary"),
            base=reader.base,
            parent=_parent(reader, why),
            question=frame.speech.say(question_of(why)),
            because=self._reasons(reader, frame, why),
            told=found,
            members=self._members(reader, frame, why),
            version=why.version[:12],
            disputed=disputed,
            linked=reader.linked,
            office=self._office(why, frame),
            errors={"text": wrong} if wrong else {},
            text=text,
        )

    def dispute(self, request: Request, fields: OpenForm) -> Response:
        """Tell that it is not right: a fact for the agency."""
        reader = self._reader(request)
        frame, why = self._read(request, reader)
        if not reader.linked:
            visits.require_form(request, fields)
        text = visits.field_of(fields, "text")
        if wrong := _wrong_with(text):
            return self._why(reader, frame, why, wrong=frame.speech.tell(wrong), text=text)
        is_new = self._platform.delivery.inbound.preferences.dispute(reader.person, reader.nudge, text)
        headers = {"Cache-Control": "no-store"}
        visits.tell_once(request, DISPUTED, f"{'new' if is_new else 'again'} {reader.nudge}")
        return RedirectResponse(f"{reader.base}/why", HTTPStatus.SEE_OTHER, headers)

    def _read(self, request: Request, reader: NudgeReader) -> tuple[Frame, Explanation]:
        try:
            why = self._platform.queries.inboxes.why(reader.person, reader.nudge)
        except NotTheirs:
            raise Problem(HTTPStatus.NOT_FOUND, Said("no message has this id"), kind="unknown-message") from None
        person = self._platform.delivery.inbound.preferences.person(reader.person)
        frame = self._frame(request, person)
        return frame, why

    def _reader(self, request: Request) -> NudgeReader:
        """Return the reader of the nudge. Raises Problem where the request may not read it."""
        try:
            return self._identified_reader(request)
        except BadLink as error:
            raise bad_link_problem(error) from None

    def _identified_reader(self, request: Request) -> NudgeReader:
        now, asked = self._platform.clock(), request.path_params
        if (token := asked.get("token")) is not None:
            try:
                nudge, person = self._platform.identity.links.read_page(
                    token, now, short_link_lookup(self._platform.rules.context)
                )
            except OldLink as old:
                visits.require_theirs(request, old.recipient)
                raise
            visits.require_theirs(request, person)
            return NudgeReader(person, nudge, f"{self._pages.root}/m/{token}", linked=True)
        person = visits.require_citizen(request, now)
        try:
            nudge = UUID(asked["nudge"])
        except ValueError:
            raise Problem(HTTPStatus.NOT_FOUND, Said("no message has this id"), kind="unknown-message") from None
        return NudgeReader(person, nudge, f"{self._pages.root}/my/messages/{nudge}", linked=False)


def _wrong_with(text: str) -> str:
    """Return the reason why the words of a dispute are not taken; empty where they are."""
    if not text:
        return Said("Write what is not right")
    if len(text) > MOST_CHARACTERS:
        return Said("Write no more than 2,000 characters")
    if has_iin(text):
        return Said("Remove the national id: the office knows whom this message is about")
    return ""


def channels_of(why: Explanation) -> list[str]:
    """Return the channels of the attempts, the last one at the end."""
    tried = [str(each.details["channel"]) for each in why.facts if each.what == "attempted"]
    return list(dict.fromkeys(reversed(tried)))[::-1]


def text_and_title(words: Rendered | None, channels: Sequence[str]) -> tuple[str, str]:
    """Return the text and the title that its last channel carried; where none did, the longest that there are."""
    if words is None:
        return "", ""
    offers = (parts_of(words, channel) for channel in (*channels[-1:], "email", "sms", "push"))
    return next((offer for offer in offers if offer[0]), ("", ""))


def _went_at(why: Explanation) -> datetime:
    """Return the time of the last sending, else of the last attempt."""
    times = {each.what: each.at for each in why.facts if each.what in ("attempted", "sent")}
    return times.get("sent") or times["attempted"]


def _parent(reader: NudgeReader, why: Explanation) -> str | None:
    """Return the first name of the child as whose parent the reader was told, empty if unknown.

    None: it is about them.
    """
    return None if why.person == reader.person else why.called
