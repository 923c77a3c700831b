"""Answering: a recipient's reply to a nudge becomes the life event that its trigger names, once."""

from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

from msgspec import Struct
from sqlalchemy import Connection

from domain.events import Effective
from domain.facts import NudgeAnswered
from domain.nudge import Nudge, evolve
from domain.replies import Reply, meant, said
from projections import nudges
from streams.appending import record
from streams.books import Books
from streams.database import Priority
from streams.keys import PersonKey
from streams.rules import Rules
from streams.spoken import spoken


class NothingToAnswer(LookupError):
    """No message with this id ever went to this person; look again at which message the reply is about."""

    def __init__(self) -> None:
        super().__init__(type(self).__doc__)


class UnknownCode(ValueError):
    """The message takes no such answer: it takes {codes}. Ask the person to answer with one of them."""

    def __init__(self, codes: Sequence[str]) -> None:
        super().__init__((type(self).__doc__ or "").format(codes=", ".join(codes) or "none"))
        self.codes = tuple(codes)


class Question(Struct, frozen=True):
    """What a message asked: the rules that it went by, the recipient's language, and what is known of them."""

    nudge: Nudge
    rules: Mapping[str, Any]
    language: str
    theirs: tuple[Effective, ...]

    @property
    def replies(self) -> Mapping[str, str]:
        """Code -> the event type that it becomes."""
        return self.rules.get("replies") or {}


class Answering:
    """Takes replies in: idempotent, and safe in any order and from several processes."""

    def __init__(self, books: Books) -> None:
        self._database, self._log, self._library, self._names = books.database, books.log, books.library, books.names
        self._append, self._clock = books.append, books.clock

    def question(self, nudge: UUID, recipient: str) -> Question:
        """What the message asked; changes nothing.

        Raises:
            NothingToAnswer: no such message went to them.
        """
        rules = self._library.rules()
        with self._database.reading() as connection:
            return self._question(connection, nudge, recipient, rules)

    def take(self, reply: Reply) -> UUID:
        """Store what the reply says, and that the nudge was answered; gives the stream of the life event.

        The same reply again, or the same answer once more, stores nothing new.

        Raises:
            NothingToAnswer: no such message went to them.
            UnknownCode: the message takes no such answer.
        """
        rules = self._library.rules()
        stream, made = self._database.write(
            lambda connection: self.within(connection, reply, rules), Priority.DISPATCH
        )
        self._log.keys.remember(made)
        return stream

    def within(self, connection: Connection, reply: Reply, rules: Rules) -> tuple[UUID, Mapping[str, PersonKey]]:
        """The same in the caller's transaction, with the keys that this made, to be remembered after it."""
        self._log.keys.hold(connection, [reply.recipient])  # two consents at once must not forget each other
        nudges.hold(connection, [reply.nudge])
        question = self._question(connection, reply.nudge, reply.recipient, rules)
        if (code := meant(reply.code, question.replies)) is None:
            raise UnknownCode(list(question.replies))
        type_ = rules.catalogue.types[question.replies[code]]
        found = said(type_, reply, question.rules["category"], self._names, question.theirs, rules.catalogue)
        made = dict(self._append(connection, found.events)) if found.events else {}
        self._note(connection, question.nudge, NudgeAnswered(self._clock(), reply.recipient, found.stream))
        return found.stream, made

    def _question(self, connection: Connection, id_: UUID, recipient: str, now: Rules) -> Question:
        found = spoken(connection, self._log, now, id_, recipient)
        if found is None or not found.nudge.to(recipient).maybe_sent:
            raise NothingToAnswer
        return Question(found.nudge, found.content, found.language, tuple(found.known.facts))

    def _note(self, connection: Connection, nudge: Nudge, fact: NudgeAnswered) -> None:
        id_ = nudge.intent.id
        if evolve(nudge, id_, nudge.version, fact) != nudge:
            record(connection, self._log, [(id_, fact)])
