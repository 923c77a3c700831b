"""Replies to a nudge: an answer becomes the life event that its trigger names; a stop opts out of its category.

The recipient is known by a signed link or by their telephone number.
"""

import itertools
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any
from uuid import UUID

from msgspec import Struct
from sqlalchemy import Connection

from domain.core.events import Effective, LifeEvent
from domain.facts.facts import NudgeAnswered
from domain.nudges.class_rules import CLASS_RULES
from domain.nudges.nudge import Nudge, evolve
from domain.persons.history import History
from domain.persons.own_choices import event_of_person, time_after
from domain.persons.person import Person, person_as_of
from domain.persons.replies import Reply, meant, said
from domain.rules.event_types import Titles
from domain.rules.legal_basis import legal_basis_of
from domain.rules.rulebook import Rulebook
from domain.rules.triggers import Trigger
from projections import nudges
from streams.delivery.inbound.preferences import PREFERENCES, ROLE
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

    def __init__(self) -> None:
        super().__init__(
            "No message with this id ever went to this person; look again at which message the reply is about."
        )


class UnknownCode(ValueError):
    """Raised when a message takes no such answer; `codes`: those that it takes."""

    def __init__(self, codes: Sequence[str]) -> None:
        known = ", ".join(codes) or "none"
        super().__init__(
            f"The message takes no such answer: it takes {known}. Ask the person to answer with one of them."
        )
        self.codes = tuple(codes)


class Question(Struct, frozen=True):
    """The question of a message: its trigger's content, the recipient's language and facts."""

    nudge: Nudge
    rules: Mapping[str, Any]
    language: str
    theirs: tuple[Effective, ...]

    @property
    def replies(self) -> Mapping[str, str]:
        """Return code -> the event type that it becomes."""
        return self.rules.get("replies") or {}


class ReplyIntake(EventWriter):
    """Takes replies in, in any order and from several processes; the same one again changes nothing."""

    def question(self, nudge: UUID, recipient: str) -> Question:
        """Return the question of a message; changes nothing.

        Raises:
            NothingToAnswer: no such message went to them.
        """
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
            lambda connection: self.within(connection, reply, rules), Priority.DISPATCH
        )
        self._log.keys.remember(made)
        return stream

    def within(self, connection: Connection, reply: Reply, rules: Rules) -> tuple[UUID, Mapping[str, PersonKey]]:
        """Do the same in the caller's transaction; return also the keys made, to be remembered after its commit."""
        self._log.keys.hold(connection, [reply.recipient])  # of two consents at once, neither is lost
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
        found = message_context(connection, self._log, now, id_, recipient)
        if found is None or not found.nudge.to(recipient).maybe_sent:
            raise NothingToAnswer
        return Question(found.nudge, found.content, found.language, tuple(found.known.facts))

    def _note(self, connection: Connection, nudge: Nudge, fact: NudgeAnswered) -> None:
        id_ = nudge.intent.id
        if evolve(nudge, id_, nudge.version, fact) != nudge:
            record(connection, self._log, [(id_, fact)])


SOURCE = "/habarshy/stop"
ATTRIBUTE = "opted_out"


class NothingToStop(LookupError):
    """Raised when a link names no nudge of this platform."""

    def __init__(self) -> None:
        super().__init__("The link names no nudge of this platform; open the message again and use the link in it.")


class Mandatory(Exception):
    """Raised when a recipient wants to stop a nudge that the law obliges the state to send."""

    def __init__(self, topic: "Topic") -> None:
        super().__init__(
            "The law obliges the state to send this nudge, so its recipient cannot stop it; "
            "show them the legal basis."
        )
        self.topic = topic


class Topic(Struct, frozen=True):
    """The topic that the recipient of a nudge can stop, as a page shows it.

    `language`: the recipient's, else the pack's; `titles`: of the nudge's trigger, then of the others that stop
    with it; `mandatory`: it cannot be stopped, by `legal_basis`; `stopped`: it is stopped already.
    """

    language: str
    titles: tuple[Titles, ...]
    legal_basis: Titles
    mandatory: bool
    stopped: bool
    category: str = ""


class Unsubscription(EventWriter):
    """Shows and stops the topic of a nudge for one recipient."""

    def topic(self, nudge: UUID, recipient: str) -> Topic:
        """Return the topic; changes nothing.

        Raises:
            NothingToStop: no such nudge.
        """
        rules = self._library.rules()
        with self._database.reading() as connection:
            return _topic(self._find(connection, nudge, recipient, rules), rules)

    def stop(self, nudge: UUID, recipient: str) -> Topic:
        """Opt the recipient out of the nudge's category, with effect from now; repeating it stores nothing more.

        Raises:
            NothingToStop: no such nudge.
            Mandatory: the recipient cannot opt out of this one.
        """
        rules = self._library.rules()
        topic, made = self._database.write(
            lambda connection: self.within(connection, nudge, recipient, rules), Priority.INTAKE
        )
        self._log.keys.remember(made)
        return topic

    def within(
        self, connection: Connection, nudge: UUID, recipient: str, rules: Rules
    ) -> tuple[Topic, Mapping[str, PersonKey]]:
        """Do the same in the caller's transaction; return also the keys made, to be remembered after its commit."""
        self._log.keys.hold(connection, [recipient])  # of two topics stopped at once, neither is lost
        found = self._find(connection, nudge, recipient, rules)
        topic = _topic(found, rules)
        if topic.mandatory:
            raise Mandatory(topic)
        if topic.stopped:
            return topic, {}
        event = self._event(self._unused_id(connection, nudge, recipient), found, rules)
        return topic, self._append(connection, [event])

    def _find(self, connection: Connection, id_: UUID, recipient: str, rules: Rules) -> MessageContext:
        found = message_context(connection, self._log, rules, id_, recipient)
        if found is None:
            raise NothingToStop
        return found

    def _unused_id(self, connection: Connection, nudge: UUID, recipient: str) -> str:
        """Return the first unused id: after an opt-in, the same link stops the messages again."""
        ids = (f"{nudge}.{recipient}.{count}" for count in itertools.count(1))
        return next(id_ for id_ in ids if not self._log.streams(connection, [self._names.stream(SOURCE, id_)]))

    def _event(self, id_: str, found: MessageContext, rules: Rules) -> LifeEvent:
        opted_out = sorted({*(found.person.get(ATTRIBUTE) or ()), found.content["category"]})
        time = time_after(found.known.facts, [ATTRIBUTE], rules.catalogue, self._clock())
        fields = {ROLE: {ATTRIBUTE: opted_out}}
        return event_of_person(self._names, SOURCE, id_, PREFERENCES, ROLE, found.person.pseudonym, fields, time)


def _topic(found: MessageContext, rules: Rules) -> Topic:
    content = found.content
    return Topic(
        language=found.language,
        titles=tuple(_titles(content, rules.rulebook)),
        legal_basis=legal_basis_of(content),
        mandatory=CLASS_RULES[content["class"]].ignores_opt_out,
        stopped=content["category"] in (found.person.get(ATTRIBUTE) or ()),
        category=content["category"],
    )


def _titles(content: Mapping[str, Any], rulebook: Rulebook) -> Iterator[Titles]:
    """Yield the title of the trigger, then those of the triggers in force that stop with its category."""
    yield content["title"]
    for trigger in _in_force(rulebook):
        silenced = trigger.category == content["category"] and not CLASS_RULES[trigger.klass].ignores_opt_out
        if silenced and trigger.content["title"] != content["title"]:
            yield trigger.content["title"]


def _in_force(rulebook: Rulebook) -> Iterable[Trigger]:
    versions = sorted(rulebook.versions.values(), key=lambda version: version.published)
    return {version.trigger.name: version.trigger for version in versions}.values()
