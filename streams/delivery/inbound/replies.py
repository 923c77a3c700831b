"""Replies to a nudge: an answer becomes the life event that its trigger names.

The recipient is known by a signed link or by their telephone number.
"""

from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

from msgspec import Struct
from sqlalchemy import Connection

from domain.facts.facts import NudgeAnswered
from domain.nudges.nudge import Nudge, evolve
from domain.persons.history import History
from domain.persons.person import Person, person_as_of
from domain.persons.replies import Reply, code_meant, effect_of
from projections import nudges
from streams.log.appending import record
from streams.log.log import Log
from streams.log.person_keys import PersonKey
from streams.planning import histories
from streams.rules.context import EventWriter
from streams.rules.in_force import Rules
from streams.rules.trigger_history import rules_of
from streams.storage.database import Priority


class MessageContext(Struct, frozen=True):
    """The context of a reply: the nudge, its trigger's content, the recipient and their history.

    `language`: the recipient's, else the pack's.
    """

    nudge: Nudge
    content: Mapping[str, Any]
    person: Person
    known: History
    language: str

    @property
    def replies(self) -> Mapping[str, str]:
        """Return code -> the event type that it becomes."""
        return self.content.get("replies") or {}


def message_context(
    connection: Connection, log: Log, rules: Rules, nudge: UUID, recipient: str
) -> MessageContext | None:
    """Return the context of a message to that recipient; None if there is no such nudge."""
    found = nudges.by_id(connection, [nudge]).get(nudge)
    if found is None or (content := rules_of(connection, log, rules.rulebook, found.intent.version)) is None:
        return None
    known = histories.histories(connection, log, [recipient], rules.rulebook)[recipient]
    person = person_as_of(recipient, known.facts, rules.catalogue)
    return MessageContext(found, content, person, known, person.get("language") or rules.defaults.language)


class NothingToAnswer(LookupError):
    """Raised when no such message went to the person."""


class UnknownCode(ValueError):
    """Raised when a message takes no such answer; `codes`: those that it takes."""

    def __init__(self, codes: Sequence[str]) -> None:
        known = ", ".join(codes) or "none"
        super().__init__(
            f"The message takes no such answer: it takes {known}. Ask the person to answer with one of them."
        )
        self.codes = tuple(codes)


class ReplyIntake(EventWriter):
    """Takes replies in, in any order and from several processes; the same one again changes nothing."""

    def question(self, nudge: UUID, recipient: str) -> MessageContext:
        """Return the message that asks; changes nothing. Raises NothingToAnswer: no such message went to them."""
        rules = self._library.rules()
        with self._database.reading() as connection:
            return self._question(connection, nudge, recipient, rules)

    def take(self, reply: Reply) -> UUID:
        """Store the reply, and that the nudge was answered; return the stream of the life event.

        The same reply again, or the same answer once more, stores nothing new.

        Raises:
            NothingToAnswer: no such message went to them.
            UnknownCode: the message takes no such answer.
        """
        rules = self._library.rules()
        stream, made = self._database.write(
            lambda connection: self.take_within(connection, reply, rules), Priority.DISPATCH
        )
        self._log.keys.remember(made)
        return stream

    def take_within(self, connection: Connection, reply: Reply, rules: Rules) -> tuple[UUID, Mapping[str, PersonKey]]:
        """Do the same in the caller's transaction; return also the keys made, to be remembered after its commit."""
        self._log.keys.hold(connection, [reply.recipient])  # of two consents at once, neither is lost
        nudges.hold(connection, [reply.nudge])
        question = self._question(connection, reply.nudge, reply.recipient, rules)
        if (code := code_meant(reply.code, question.replies)) is None:
            raise UnknownCode(list(question.replies))
        type_ = rules.catalogue.types[question.replies[code]]
        found = effect_of(
            type_, reply, question.content["category"], self._names, question.known.facts, rules.catalogue
        )
        made = dict(self._append(connection, found.events)) if found.events else {}
        self._note(connection, question.nudge, NudgeAnswered(self._clock(), reply.recipient, found.stream))
        return found.stream, made

    def _question(self, connection: Connection, id_: UUID, recipient: str, now: Rules) -> MessageContext:
        found = message_context(connection, self._log, now, id_, recipient)
        if found is None or not found.nudge.to(recipient).maybe_sent:
            raise NothingToAnswer(
                "No message with this id ever went to this person; look again at which message the reply is about."
            )
        return found

    def _note(self, connection: Connection, nudge: Nudge, fact: NudgeAnswered) -> None:
        id_ = nudge.intent.id
        if evolve(nudge, id_, nudge.version, fact) != nudge:
            record(connection, self._log, [(id_, fact)])
