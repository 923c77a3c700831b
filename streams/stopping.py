"""Stopping a topic: the recipient of a nudge, known by a signed link alone, opts out of its category."""

import itertools
from collections.abc import Iterable, Iterator, Mapping
from typing import Any
from uuid import UUID

from msgspec import Struct
from sqlalchemy import Connection

from domain.event_types import Titles
from domain.events import LifeEvent
from domain.overrides import OVERRIDES
from domain.rulebook import Rulebook
from domain.triggers import Trigger
from streams.books import Books
from streams.choosing import PREFERENCES, ROLE, event_of_person, time_after
from streams.database import Priority
from streams.keys import PersonKey
from streams.rules import Rules
from streams.spoken import Spoken, spoken

SOURCE = "/habarshy/stop"
ATTRIBUTE = "opted_out"


class NothingToStop(LookupError):
    """The link names no nudge of this platform; open the message again and use the link in it."""

    def __init__(self) -> None:
        super().__init__(type(self).__doc__)


class Mandatory(Exception):
    """The law obliges the state to send this nudge, so its recipient cannot stop it; show them the legal basis."""

    def __init__(self, topic: "Topic") -> None:
        super().__init__(type(self).__doc__)
        self.topic = topic


class Topic(Struct, frozen=True):
    """What the recipient of a nudge would stop, in words for a page.

    `language`: the recipient's, else the pack's; `titles`: of the nudge's trigger, then of the others that go
    silent with it; `mandatory`: it cannot be stopped, by `legal_basis`; `stopped`: it is already.
    """

    language: str
    titles: tuple[Titles, ...]
    legal_basis: str
    mandatory: bool
    stopped: bool
    category: str = ""


class Stopping:
    """Shows and stops the topic of a nudge for one recipient."""

    def __init__(self, books: Books) -> None:
        self._database, self._log, self._library, self._names = books.database, books.log, books.library, books.names
        self._append, self._clock = books.append, books.clock

    def topic(self, nudge: UUID, recipient: str) -> Topic:
        """What would be stopped; changes nothing.

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
        """The same in the caller's transaction, with the keys that this made, to be remembered after it."""
        self._log.keys.hold(connection, [recipient])  # two topics stopped at once must not forget each other
        found = self._find(connection, nudge, recipient, rules)
        topic = _topic(found, rules)
        if topic.mandatory:
            raise Mandatory(topic)
        if topic.stopped:
            return topic, {}
        event = self._event(self._unused_id(connection, nudge, recipient), found, rules)
        return topic, self._append(connection, [event])

    def _find(self, connection: Connection, id_: UUID, recipient: str, rules: Rules) -> Spoken:
        found = spoken(connection, self._log, rules, id_, recipient)
        if found is None:
            raise NothingToStop
        return found

    def _unused_id(self, connection: Connection, nudge: UUID, recipient: str) -> str:
        """The same until it is used: whoever wished for the messages again may stop them again by the same link."""
        ids = (f"{nudge}.{recipient}.{count}" for count in itertools.count(1))
        return next(id_ for id_ in ids if not self._log.streams(connection, [self._names.stream(SOURCE, id_)]))

    def _event(self, id_: str, found: Spoken, rules: Rules) -> LifeEvent:
        opted_out = sorted({*(found.person.get(ATTRIBUTE) or ()), found.content["category"]})
        time = time_after(found.known, [ATTRIBUTE], rules, self._clock())
        fields = {ROLE: {ATTRIBUTE: opted_out}}
        return event_of_person(self._names, SOURCE, id_, PREFERENCES, found.person.pseudonym, fields, time)


def _topic(found: Spoken, rules: Rules) -> Topic:
    content = found.content
    return Topic(
        language=found.language,
        titles=tuple(_titles(content, rules.rulebook)),
        legal_basis=str(content["legal_basis"]),
        mandatory=OVERRIDES[content["class"]].opt_out,
        stopped=content["category"] in (found.person.get(ATTRIBUTE) or ()),
        category=content["category"],
    )


def _titles(content: Mapping[str, Any], rulebook: Rulebook) -> Iterator[Titles]:
    """Of the trigger itself, then of those in force that its category silences."""
    yield content["title"]
    for trigger in _in_force(rulebook):
        silenced = trigger.category == content["category"] and not OVERRIDES[trigger.klass].opt_out
        if silenced and trigger.content["title"] != content["title"]:
            yield trigger.content["title"]


def _in_force(rulebook: Rulebook) -> Iterable[Trigger]:
    versions = sorted(rulebook.versions.values(), key=lambda version: version.published)
    return {version.trigger.name: version.trigger for version in versions}.values()
