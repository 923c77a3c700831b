"""Opt-outs by the link or the number of a nudge: its recipient stops its category."""

import itertools
from collections.abc import Iterable, Iterator, Mapping
from typing import Any
from uuid import UUID

from msgspec import Struct
from sqlalchemy import Connection

from domain.core.events import LifeEvent
from domain.core.translatable import Titles
from domain.nudges.class_rules import CLASS_RULES
from domain.persons.own_choices import event_of_person, time_after
from domain.rules.legal_basis import legal_basis_of
from domain.rules.rulebook import Rulebook
from domain.rules.triggers import Trigger
from streams.delivery.inbound.preferences import PREFERENCES, ROLE
from streams.delivery.inbound.replies import MessageContext, message_context
from streams.log.person_keys import PersonKey
from streams.rules.context import EventWriter
from streams.rules.in_force import Rules
from streams.storage.database import Priority

SOURCE = "/habarshy/stop"


class NothingToStop(LookupError):
    """Raised when a link names no nudge of this platform."""


class Mandatory(Exception):
    """Raised when a recipient wants to stop a nudge that the law obliges the state to send."""

    def __init__(self, topic: "StoppableTopic") -> None:
        super().__init__(
            "The law obliges the state to send this nudge, so its recipient cannot stop it; "
            "show them the legal basis."
        )
        self.topic = topic


class StoppableTopic(Struct, frozen=True):
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


class OptOuts(EventWriter):
    """Shows and stops the topic of a nudge for one recipient."""

    def topic(self, nudge: UUID, recipient: str) -> StoppableTopic:
        """Return the topic; changes nothing. Raises NothingToStop: no such nudge."""
        rules = self._library.rules()
        with self._database.reading() as connection:
            return _topic(self._find(connection, nudge, recipient, rules), rules)

    def stop(self, nudge: UUID, recipient: str) -> StoppableTopic:
        """Opt the recipient out of the nudge's category, with effect from now; repeating it stores nothing more.

        Raises:
            NothingToStop: no such nudge.
            Mandatory: the recipient cannot opt out of this one.
        """
        rules = self._library.rules()
        topic, made = self._database.write(
            lambda connection: self.stop_within(connection, nudge, recipient, rules), Priority.INTAKE
        )
        self._log.keys.remember(made)
        return topic

    def stop_within(
        self, connection: Connection, nudge: UUID, recipient: str, rules: Rules
    ) -> tuple[StoppableTopic, Mapping[str, PersonKey]]:
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
            raise NothingToStop(
                "The link names no nudge of this platform; open the message again and use the link in it."
            )
        return found

    def _unused_id(self, connection: Connection, nudge: UUID, recipient: str) -> str:
        """Return the first unused id: after an opt-in, the same link stops the messages again."""
        ids = (f"{nudge}.{recipient}.{count}" for count in itertools.count(1))
        return next(id_ for id_ in ids if not self._log.streams(connection, [self._names.stream(SOURCE, id_)]))

    def _event(self, id_: str, found: MessageContext, rules: Rules) -> LifeEvent:
        opted_out = sorted({*(found.person.get("opted_out") or ()), found.content["category"]})
        time = time_after(found.known.facts, ["opted_out"], rules.catalogue, self._clock())
        fields = {ROLE: {"opted_out": opted_out}}
        return event_of_person(self._names, SOURCE, id_, PREFERENCES, ROLE, found.person.pseudonym, fields, time)


def _topic(found: MessageContext, rules: Rules) -> StoppableTopic:
    content = found.content
    return StoppableTopic(
        language=found.language,
        titles=tuple(_titles(content, rules.rulebook)),
        legal_basis=legal_basis_of(content),
        mandatory=CLASS_RULES[content["class"]].ignores_opt_out,
        stopped=content["category"] in (found.person.get("opted_out") or ()),
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
