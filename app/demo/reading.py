"""The data of the page about the country, read from the log and its views at every look."""

from collections.abc import Iterable, Iterator, Mapping
from uuid import UUID

from sqlalchemy import Connection, select

from app.compose import Platform
from app.demo.board import Board, Counters, HandedOverMessage, NotSent, ReportedEvent, counters_of
from app.demo.mailroom import HandedOver, Mailroom
from app.demo.year import Year
from app.pages.catalogues import Speech
from app.pages.life import STATES, word_for
from app.pages.pack_names import names_of
from app.reports.life_words import REASON_WORDS
from domain.core.events import LifeEvent
from domain.facts.facts import NudgeWithheld
from domain.nudges.nudge import Nudge
from projections import nudges, statistics
from streams.delivery.send.fake_outbox import KeptMessage
from streams.log.mapper import Entry
from streams.planning import histories
from streams.storage.tables import log

SHOWN = 8
ON_PHONE = 3


class DemoReader:
    """Reads for the page. First names are remembered: they are asked for with every look."""

    def __init__(self, platform: Platform, mailroom: Mailroom, year: Year) -> None:
        self.platform, self.mailroom, self.year = platform, mailroom, year
        self._names: dict[str, str] = {}

    def board(self, speech: Speech) -> Board:
        """Return the country at this moment, in that language; messages are in their own."""
        latest = self.mailroom.latest
        with self.platform.database.reading() as connection:
            look = _Snapshot(self, connection, speech)
            return Board(
                counters=self._counters(connection),
                events=tuple(look.arrived(SHOWN)),
                messages=tuple(look.told(latest(None, SHOWN))),
                pushed=tuple(look.told(latest("push", 1))),
                texted=tuple(look.told(latest("sms", ON_PHONE))),
                mailed=tuple(look.told(latest("email", 1))),
                not_sent=tuple(look.not_sent(ON_PHONE)),
            )

    def counters(self) -> Counters:
        """Return the counts of the year so far."""
        with self.platform.database.reading() as connection:
            return self._counters(connection)

    def _counters(self, connection: Connection) -> Counters:
        return counters_of(statistics.totals(connection), self.year.known)

    def html(self, nudge: UUID, number: int) -> str | None:
        """Return the HTML of an email, as far as it can still be read."""
        recipient = self.recipient(nudge, number)
        if recipient is None:
            return None
        with self.platform.database.reading() as connection:
            kept = self.platform.delivery.fake_outbox.last_of_each(connection, recipient, [nudge]).get(nudge)
        return None if kept is None else kept.html

    def recipient(self, nudge: UUID, number: int) -> str | None:
        """Return the recipient of one of the nudge's deliveries; None where there is no such delivery."""
        with self.platform.database.reading() as connection:
            found = nudges.by_id(connection, [nudge]).get(nudge)
        return found.deliveries[number].recipient if found and number < len(found.deliveries) else None

    def names(self, connection: Connection, pseudonyms: Iterable[str]) -> dict[str, str]:
        """Pseudonym -> first name, of those whose name is known."""
        wanted = set(pseudonyms)
        if missing := wanted.difference(self._names):
            rulebook = self.platform.rules.library.rules().rulebook
            found = histories.persons(connection, self.platform.log, missing, rulebook)
            self._names |= {one: name for one, person in found.items() if (name := person.get("given_name"))}
        return {one: self._names[one] for one in wanted if one in self._names}


class _Snapshot:
    """A look at the data: everything is read as of the same moment."""

    def __init__(self, reader: DemoReader, connection: Connection, speech: Speech) -> None:
        self.reader, self.connection, self.speech = reader, connection, speech
        self.rules = reader.platform.rules.library.rules()
        self.words = names_of(self.rules, speech)
        self.somebody = speech.say("somebody")

    def arrived(self, limit: int) -> Iterator[ReportedEvent]:
        events = [entry.fact for entry in self._latest(LifeEvent.TOPIC, limit) if isinstance(entry.fact, LifeEvent)]
        names = self.reader.names(self.connection, {person for event in events for person in event.everybody})
        for event in events:
            if event.time < self.reader.year.start:
                continue  # the registries knew it before
            office = self.words.office(self.rules.catalogue.types[event.type].agency)
            yield ReportedEvent(event.time, self.words.heading(event.type), office, self._named(event, names))

    def told(self, handed: list[HandedOver]) -> Iterator[HandedOverMessage]:
        found = nudges.by_id(self.connection, [each.nudge for each in handed])
        names = self.reader.names(self.connection, {each.recipient for each in handed})
        for each in handed:
            words = self.reader.platform.delivery.fake_outbox.last_of_each(
                self.connection, each.recipient, [each.nudge]
            ).get(each.nudge)
            if words is not None and words.channel == each.channel and each.nudge in found:
                yield self._told(each, found[each.nudge], names.get(each.recipient, self.somebody), words)

    def _told(self, handed: HandedOver, nudge: Nudge, name: str, words: KeptMessage) -> HandedOverMessage:
        trigger = self.rules.rulebook.version(nudge.intent.version).trigger
        delivery = nudge.to(handed.recipient)
        office = self.words.office(trigger.owner) if trigger.owner else self.speech.say("All agencies together")
        return HandedOverMessage(
            nudge=handed.nudge,
            number=nudge.deliveries.index(delivery),
            at=delivery.sent_at or delivery.attempted_at or nudge.planned_at,
            title=self.speech.titled(trigger.content["title"]),
            name=name,
            office=office,
            channel=words.channel,
            language=words.language,
            state=word_for(STATES, delivery.state.value, self.speech),
            words=words,
        )

    def not_sent(self, limit: int) -> Iterator[NotSent]:
        entries = self._latest(NudgeWithheld.TOPIC, limit)
        found = nudges.by_id(self.connection, [entry.originator_id for entry in entries])
        names = self.reader.names(self.connection, {nudge.intent.person for nudge in found.values()})
        for entry in entries:
            nudge, fact = found[entry.originator_id], entry.fact
            assert isinstance(fact, NudgeWithheld)
            title = self.speech.titled(self.rules.rulebook.version(nudge.intent.version).trigger.content["title"])
            name = names.get(nudge.intent.person, self.somebody)
            yield NotSent(nudge.intent.id, fact.at, title, name, word_for(REASON_WORDS, fact.reason, self.speech))

    def _named(self, event: LifeEvent, names: Mapping[str, str]) -> str:
        """Return the persons of an event by first name."""
        told = dict.fromkeys(names.get(person, self.somebody) for named in event.persons.values() for person in named)
        return ", ".join(told) or self.speech.say("the residents")

    def _latest(self, topic: str, limit: int) -> list[Entry]:
        query = select(log.c.position).where(log.c.topic == topic).order_by(log.c.position.desc()).limit(limit)
        entries = self.reader.platform.log.read(self.connection, self.connection.execute(query).scalars())
        return entries[::-1]
