"""Receiving reports of providers and SMS of people: each is committed before it is acknowledged."""

import asyncio
import logging
from collections.abc import Callable, Mapping, Sequence
from typing import Any
from uuid import UUID

import msgspec
from msgspec import Struct
from sqlalchemy import Connection

from domain.core.events import PUBLIC, LifeEvent
from domain.nudges.reply_meaning import Answered, OpenQuestion, Other, Stopped, Unclear, Understood, understand
from domain.persons.channels import ADDRESS_OF
from domain.persons.own_choices import event_of_person
from domain.persons.replies import Reply
from notifiers.port.interface import Accepted, Inbound, Incoming, Piece, Report
from streams.delivery.inbound.opt_outs import Mandatory, OptOuts
from streams.delivery.inbound.replies import MessageContext, ReplyIntake, message_context
from streams.delivery.inbound.sms_parts import NewKeys, SmsReassembly
from streams.delivery.outcomes import conversations
from streams.delivery.outcomes.conversations import SentText
from streams.delivery.outcomes.late_acceptances import LateAcceptances
from streams.delivery.outcomes.receipts import Brought, Receipts
from streams.delivery.outcomes.suppression import SuppressionList
from streams.log.person_keys import PersonKey
from streams.planning import histories
from streams.queues.dead_letters import Letter, LetterKind, StillDead
from streams.rules.context import EventWriter, WriteContext
from streams.rules.in_force import Rules
from streams.storage.database import Priority
from streams.storage.errors import SYSTEM_ERRORS, summary
from templates.words.questions import UNSAID, questions_in_words

log = logging.getLogger("habarshy")
SOURCE, TYPE, ROLE, WAY = "/habarshy/message", "citizen.message_received", "citizen", "sms"
LONGEST_TEXT, PLATFORM = 2000, "platform"
STRANGER, NEVER_WRITTEN_TO = "message", "the number was never told anything"
"""The kind of dead letter of a text from an unknown number, and its reason."""
_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(tuple[str, str, str, str]).decode


class _Understood(Struct, frozen=True):
    """The effect of a text: `understood` in the terms of the event type; the rest is for the confirmation."""

    understood: str
    topic: str = ""
    choices: str = ""


class InboundMessages(EventWriter):
    """Takes in what providers send back."""

    def __init__(
        self,
        context: WriteContext,
        receipts: Receipts,
        refusals: SuppressionList,
        answering: ReplyIntake,
        stopping: OptOuts,
        keep: Callable[[Connection, Letter], UUID],
    ) -> None:
        super().__init__(context)
        self._receipts, self._refusals, self._answering, self._stopping = receipts, refusals, answering, stopping
        self._keep, self._late = keep, LateAcceptances(context, receipts)
        self.reassembly = SmsReassembly(context, self)

    def inbound_of(self, provider: str) -> Inbound:
        """Return what takes in what comes back from a provider."""
        return _OfProvider(self, provider)

    def reported(self, provider: str, reports: Sequence[Report]) -> None:
        """Store receipts, and suppress addresses that were refused for good."""
        self._refusals.suppress_reported(self._receipts.record_reports(provider, reports))

    def brought(self, provider: str, reports: Sequence[Report], brought: Brought) -> int:
        """Store receipts that an operator brought, as `reported` does; return how many said something new."""
        new = self._receipts.record_brought(provider, reports, brought)
        self._refusals.suppress_reported(new)
        return len(new)

    def accepted(self, provider: str, name: str, taken: Accepted, *, reports: bool) -> None:
        """Store that a provider accepted a message after its attempt was given up."""
        self._refusals.suppress_reported(self._late.record(provider, name, taken, reports=reports))

    def received(self, provider: str, message: Incoming) -> bool:
        """Store a person's text, and do what it says, once.

        False: no message ever went to the number; the text is kept as a dead letter.
        """
        rules = self._library.rules()
        return self._write(
            lambda connection: self.receive_within(connection, provider, message, rules), Priority.DISPATCH
        )

    def receive_within(
        self, connection: Connection, provider: str, message: Incoming, rules: Rules
    ) -> NewKeys | None:
        """Do as `received` in the caller's transaction; return the keys made, or None for a dead letter."""
        made = self._received(connection, provider, message, rules)
        if made is None:
            id_, content = f"{provider}.{message.id}", _encode((provider, message.id, message.sender, message.text))
            self._keep(connection, Letter(STRANGER, id_, NEVER_WRITTEN_TO, content))
            log.warning("an SMS came from a number that was never told anything: see the dead letters")
        return made

    def possible_senders(self, connection: Connection, sender: str, rules: Rules) -> Sequence[str]:
        """Return the possible senders for a number, likeliest first; none if it is unknown."""
        messages = self._messages_to(connection, sender, rules)
        about = self._last_context(connection, messages, rules)
        return [] if about is None else [about.person.pseudonym, *(message.recipient for message in messages)]

    def take_again(self, content: bytes) -> None:
        """Take in a text again that was kept as a dead letter: the number may be known by now.

        Raises:
            StillDead: the number is still unknown.
        """
        provider, *message = _decode(content)
        if not self._taken(provider, Incoming(*message)):
            raise StillDead(NEVER_WRITTEN_TO)

    def _taken(self, provider: str, message: Incoming) -> bool:
        rules = self._library.rules()
        return self._write(lambda connection: self._received(connection, provider, message, rules), Priority.DISPATCH)

    def _received(
        self, connection: Connection, provider: str, message: Incoming, rules: Rules
    ) -> dict[str, PersonKey] | None:
        id_ = f"{provider}.{message.id}"
        if self._log.streams(connection, [self._names.stream(SOURCE, id_)]):
            return {}
        messages = self._messages_held(connection, message.sender, rules)
        about = self._last_context(connection, messages, rules)
        if about is None:
            return None
        questions = conversations.questions_among(connection, self._log, rules, messages, self._clock())
        understood = understand(message.text, questions.open, questions.answered)
        if isinstance(understood, Answered):
            asked = SentText(understood.question.nudge, understood.question.recipient, self._clock(), "")
            about = self._context_of(connection, asked, rules) or about
        heard, made = self._carry_out(connection, understood, questions.open, about, rules)
        event = self._event(id_, message, about, heard)
        return {**made, **self._append(connection, [event])}

    def _messages_held(self, connection: Connection, sender: str, rules: Rules) -> list[SentText]:
        """Return `_messages_to`, with the keys of all its persons held: who was erased before is not among them."""
        persons = {message.recipient for message in self._messages_to(connection, sender, rules)}
        self._log.keys.hold(connection, persons)
        return [message for message in self._messages_to(connection, sender, rules) if message.recipient in persons]

    def _messages_to(self, connection: Connection, sender: str, rules: Rules) -> list[SentText]:
        """Return the messages to the number, last first; only to persons who still have it, as numbers are reused."""
        number = self._names.number_hash(sender)
        messages = conversations.messages_to(connection, number)
        them = histories.persons(connection, self._log, {message.recipient for message in messages}, rules.rulebook)
        phones = {pseudonym: str(person.get(ADDRESS_OF[WAY])) for pseudonym, person in them.items()}
        return [message for message in messages if self._names.number_hash(phones[message.recipient]) == number]

    def _last_context(
        self, connection: Connection, messages: Sequence[SentText], rules: Rules
    ) -> MessageContext | None:
        """Return the last message; one of our own replies to a text only if there is no other."""
        found = (each for message in messages if (each := self._context_of(connection, message, rules)) is not None)
        last = None
        for place in found:
            if not _is_reply(place):
                return place
            last = last or place
        return last

    def _context_of(self, connection: Connection, message: SentText, rules: Rules) -> MessageContext | None:
        found = message_context(connection, self._log, rules, message.nudge, message.recipient)
        return found if found is not None and found.nudge.to(message.recipient).maybe_sent else None

    def _carry_out(
        self,
        connection: Connection,
        understood: Understood,
        questions: Sequence[OpenQuestion],
        about: MessageContext,
        rules: Rules,
    ) -> tuple[_Understood, Mapping[str, PersonKey]]:
        match understood:
            case Answered(question, code):
                reply = Reply(question.nudge, question.recipient, code, self._clock(), WAY)
                return _Understood("answer"), self._answering.take_within(connection, reply, rules)[1]
            case Stopped() if not _is_reply(about):
                return self._stop(connection, about, rules)
            case Unclear():
                return _Understood("unclear", choices=self._open_questions(connection, questions, about, rules)), {}
            case Stopped() | Other():
                return _Understood("other"), {}

    def _stop(
        self, connection: Connection, about: MessageContext, rules: Rules
    ) -> tuple[_Understood, Mapping[str, PersonKey]]:
        title = _title(about.content, about.language)
        try:
            nudge, recipient = about.nudge.intent.id, about.person.pseudonym
            topic, made = self._stopping.stop_within(connection, nudge, recipient, rules)
        except Mandatory:
            return _Understood("mandatory", topic=title), {}
        return _Understood("stopped" if topic.stopped else "stop", topic=title), made

    def _open_questions(
        self, connection: Connection, questions: Sequence[OpenQuestion], about: MessageContext, rules: Rules
    ) -> str:
        """Return the open questions in the language of the last one, also those to others at the number."""
        found = [
            (question, message_context(connection, self._log, rules, question.nudge, question.recipient))
            for question in questions
        ]
        return questions_in_words(
            (_title(asked.content, about.language), next(iter(place.replies)), place.mark)
            for place, asked in found
            if asked is not None
        )[:LONGEST_TEXT]

    def _event(self, id_: str, message: Incoming, about: MessageContext, understood: _Understood) -> LifeEvent:
        own: dict[str, Any] = {
            "text": message.text[:LONGEST_TEXT],
            "topic": understood.topic,
            "choices": understood.choices,
        }
        owner = about.content.get("owner", PLATFORM)  # a digest has no agency of its own
        public = {"nudge": str(about.nudge.intent.id), "understood": understood.understood, "owner": owner}
        fields, person = {ROLE: own, PUBLIC: public}, about.person.pseudonym
        return event_of_person(self._names, SOURCE, id_, TYPE, ROLE, person, fields, self._clock())


def letters_from_strangers(receiving: InboundMessages) -> LetterKind:
    """Return the handler of dead letters that are texts from unknown numbers."""
    return LetterKind(receiving.take_again, lambda content: f"an SMS of {len(_decode(content)[3])} characters")


def _is_reply(about: MessageContext) -> bool:
    """Return whether it is one of our own replies to a text: those cannot be answered or stopped."""
    return about.content.get("on") == TYPE


def _title(content: Mapping[str, Any], language: str) -> str:
    """Return the name of a message in an SMS; for a discreet trigger a neutral one."""
    titles = UNSAID if content.get("discreet") else content["title"]
    return str(titles.get(language) or next(iter(titles.values())))


class _OfProvider:
    """Takes in what comes back from one provider."""

    def __init__(self, receiving: InboundMessages, provider: str) -> None:
        self._receiving, self._provider = receiving, provider

    async def reported(self, reports: Sequence[Report]) -> None:
        await _store(lambda: self._receiving.reported(self._provider, reports))

    async def accepted(self, name: str, taken: Accepted, *, reports: bool) -> None:
        await _store(lambda: self._receiving.accepted(self._provider, name, taken, reports=reports))

    async def received(self, message: Incoming) -> None:
        await _store(lambda: self._receiving.received(self._provider, message))

    async def received_piece(self, piece: Piece) -> None:
        await _store(lambda: self._receiving.reassembly.take(self._provider, piece))


async def _store(keep: Callable[[], object]) -> None:
    """Store it; raise OSError, as the port says, if the database is away, which notifiers know nothing of."""
    try:
        await asyncio.to_thread(keep)
    except SYSTEM_ERRORS as error:
        raise OSError(summary(error)) from error
