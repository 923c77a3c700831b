"""Answering: a recipient's reply to a nudge becomes the life event that its trigger names, once."""

import threading
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from msgspec import Struct
from sqlalchemy import Connection

from domain.event_types import Catalogue, EventType
from domain.events import Effective, LifeEvent
from domain.facts import NudgeAnswered
from domain.ids import Names
from domain.nudge import Nudge, evolve
from domain.person import person_as_of
from domain.replies import Reply, answers, meant, reply_event, spelt
from projections import nudges
from streams import reading
from streams.appending import record
from streams.database import Database, Priority
from streams.library import Library
from streams.log import Log
from streams.versions import rules_of


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
    """Takes replies in: idempotent, and safe in any order; `store` is Intake's."""

    def __init__(
        self, database: Database, log: Log, library: Library, names: Names,
        store: Callable[[Sequence[LifeEvent]], object], clock: Callable[[], datetime],
    ) -> None:  # fmt: skip
        self._database, self._log, self._library, self._names = database, log, library, names
        self._store, self._clock = store, clock
        self._one_at_a_time = threading.Lock()  # two consents at once must not forget each other

    def question(self, nudge: UUID, recipient: str) -> Question:
        """What the message asked; changes nothing.

        Raises:
            NothingToAnswer: no such message went to them.
        """
        with self._database.reading() as connection:
            return self._question(connection, nudge, recipient)

    def take(self, reply: Reply) -> UUID:
        """Store what the reply says, and that the nudge was answered; gives the stream of the life event.

        The same reply again, or the same answer once more, stores nothing new.

        Raises:
            NothingToAnswer: no such message went to them.
            UnknownCode: the message takes no such answer.
        """
        with self._one_at_a_time:
            question = self.question(reply.nudge, reply.recipient)
            if (code := meant(reply.code, question.replies)) is None:
                raise UnknownCode(list(question.replies))
            catalogue = self._library.rules().catalogue
            type_ = catalogue.types[question.replies[code]]
            before = _latest(question, type_, code)
            stream = before if before is not None else self._stored(question, type_, reply, catalogue)
            self._note(reply, stream)
        return stream

    def _question(self, connection: Connection, id_: UUID, recipient: str) -> Question:
        nudge = nudges.by_id(connection, [id_]).get(id_)
        if nudge is None or not any(one.recipient == recipient and one.maybe_sent for one in nudge.deliveries):
            raise NothingToAnswer
        rulebook = self._library.rules().rulebook
        rules = rules_of(connection, self._log, rulebook, nudge.intent.version)
        if rules is None:
            raise NothingToAnswer
        known = reading.histories(connection, self._log, [recipient], rulebook)[recipient]
        person = person_as_of(recipient, known.facts, rulebook.catalogue)
        return Question(nudge, rules, person.get("language") or rulebook.defaults.language, tuple(known.facts))

    def _stored(self, question: Question, type_: EventType, reply: Reply, catalogue: Catalogue) -> UUID:
        event = reply_event(type_, reply, question.rules["category"], self._names, question.theirs, catalogue)
        self._store([event])
        return event.stream

    def _note(self, reply: Reply, stream: UUID) -> None:
        with self._database.reading() as connection:
            nudge = nudges.by_id(connection, [reply.nudge])[reply.nudge]
        fact = NudgeAnswered(self._clock(), reply.recipient, stream)
        if evolve(nudge, reply.nudge, nudge.version, fact) != nudge:
            self._database.write(
                lambda connection: record(connection, self._log, [(reply.nudge, fact)]), Priority.DISPATCH
            )


def _latest(question: Question, type_: EventType, code: str) -> UUID | None:
    """The reply that the recipient gave last, if this one says the same."""
    given = [one.event for one in question.theirs if answers(one.event, question.nudge.intent.id)]
    if not given or given[-1].type != type_.name:
        return None
    said = given[-1].values.get("event.answer", spelt(code))  # some types keep no code
    return given[-1].stream if said == spelt(code) else None
