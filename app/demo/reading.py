"""The data of the demo's page, read from the log and its views at every look."""

from collections.abc import Iterable, Iterator, Mapping

from sqlalchemy import Connection, select

from app.compose import Platform
from app.demo.board import Arrived, Board, NotSent, Told, counters_of
from app.demo.mailroom import Handed, Mailroom
from app.demo.packs import ENGLISH, published_titles
from app.demo.year import Year
from domain.core.events import LifeEvent
from domain.facts.facts import NudgeWithheld
from domain.nudges.nudge import Nudge
from projections import nudges, statistics
from streams.delivery.send.fake_outbox import Kept
from streams.log.mapper import Entry
from streams.planning import histories
from streams.rules.in_force import Rules
from streams.storage.tables import log

SHOWN = 8
ON_PHONE = 3


class Reader:
    """Reads for the page. First names are remembered: they are asked for with every look."""

    def __init__(self, platform: Platform, mailroom: Mailroom, year: Year) -> None:
        self.platform, self.mailroom, self.year = platform, mailroom, year
        self.offices = published_titles(platform, "agencies")
        self._names: dict[str, str] = {}

    def board(self, language: str | None) -> Board:
        """Return the page, with the messages of that language (None: all)."""
        rules = self.platform.rules.library.rules()
        latest = self.mailroom.latest
        with self.platform.database.reading() as connection:
            look = _Look(self, connection, rules)
            return Board(
                now=self.year.now,
                share=self.year.share,
                done=self.year.now >= self.year.end,
                counters=counters_of(statistics.totals(connection), self.year.known),
                arrived=tuple(look.arrived(SHOWN)),
                told=tuple(look.told(latest(language, None, SHOWN))),
                pushed=tuple(look.told(latest(language, "push", 1))),
                texted=tuple(look.told(latest(language, "sms", ON_PHONE))),
                mailed=tuple(look.told(latest(language, "email", 1))),
                not_sent=tuple(look.not_sent(ON_PHONE)),
            )

    def told(self, connection: Connection, nudge: Nudge) -> list[Told]:
        """Return the messages of one nudge, as far as their words can still be read."""
        look = _Look(self, connection, self.platform.rules.library.rules())
        ids = {nudge.intent.id, *(one.digest for one in nudge.deliveries)}  # what went with a digest is in its words
        handed = [each for each in self.mailroom.handed[:] if each.nudge in ids]
        last = {each.recipient: each for each in handed}
        return list(look.told(list(last.values())))

    def names(self, connection: Connection, pseudonyms: Iterable[str]) -> dict[str, str]:
        """Pseudonym -> first name, of those whose name is known."""
        wanted = set(pseudonyms)
        if missing := wanted.difference(self._names):
            rulebook = self.platform.rules.library.rules().rulebook
            found = histories.persons(connection, self.platform.log, missing, rulebook)
            self._names |= {one: name for one, person in found.items() if (name := person.get("given_name"))}
        return {one: self._names[one] for one in wanted if one in self._names}


class _Look:
    """A look at the data: everything is read as of the same moment."""

    def __init__(self, reader: Reader, connection: Connection, rules: Rules) -> None:
        self.reader, self.connection, self.rules = reader, connection, rules

    def arrived(self, limit: int) -> Iterator[Arrived]:
        events = [entry.fact for entry in self._latest(LifeEvent.TOPIC, limit) if isinstance(entry.fact, LifeEvent)]
        names = self.reader.names(self.connection, {person for event in events for person in event.everybody})
        for event in events:
            if event.time < self.reader.year.start:
                continue  # the registries knew it before
            type_ = self.rules.catalogue.types[event.type]
            office = self.reader.offices[type_.agency]
            yield Arrived(event.time, type_.title[ENGLISH], office, _named(event, names))

    def told(self, handed: list[Handed]) -> Iterator[Told]:
        found = nudges.by_id(self.connection, [each.nudge for each in handed])
        names = self.reader.names(self.connection, {each.recipient for each in handed})
        for each in handed:
            words = self.reader.platform.delivery.fake_outbox.of(self.connection, each.recipient, [each.nudge]).get(
                each.nudge
            )
            if words is not None and words.channel == each.channel and each.nudge in found:
                yield self._told(each, found[each.nudge], names.get(each.recipient, "somebody"), words)

    def _told(self, handed: Handed, nudge: Nudge, name: str, words: Kept) -> Told:
        trigger = self.rules.rulebook.version(nudge.intent.version).trigger
        delivery = nudge.to(handed.recipient)
        office = self.reader.offices.get(trigger.owner, "All agencies together")
        return Told(
            nudge=handed.nudge,
            number=nudge.deliveries.index(delivery),
            at=delivery.sent_at or delivery.attempted_at or nudge.planned_at,
            title=_in(trigger.content["title"], words.language),
            name=name,
            office=office,
            channel=words.channel,
            language=words.language,
            state=delivery.state.value,
            words=words,
        )

    def not_sent(self, limit: int) -> Iterator[NotSent]:
        entries = self._latest(NudgeWithheld.TOPIC, limit)
        found = nudges.by_id(self.connection, [entry.originator_id for entry in entries])
        names = self.reader.names(self.connection, {nudge.intent.person for nudge in found.values()})
        for entry in entries:
            nudge, fact = found[entry.originator_id], entry.fact
            assert isinstance(fact, NudgeWithheld)
            title = self.rules.rulebook.version(nudge.intent.version).trigger.content["title"][ENGLISH]
            name = names.get(nudge.intent.person, "somebody")
            yield NotSent(nudge.intent.id, fact.at, title, name, fact.reason)

    def _latest(self, topic: str, limit: int) -> list[Entry]:
        query = select(log.c.position).where(log.c.topic == topic).order_by(log.c.position.desc()).limit(limit)
        entries = self.reader.platform.log.read(self.connection, self.connection.execute(query).scalars())
        return entries[::-1]


def _in(titles: Mapping[str, str], language: str) -> str:
    return titles.get(language) or next(iter(titles.values()))


def _named(event: LifeEvent, names: Mapping[str, str]) -> str:
    """Return the persons of an event by first name, with their roles where there are several."""
    several = len(event.everybody) > 1
    told = [
        f"{names.get(person, 'somebody')} ({role})" if several else names.get(person, "somebody")
        for role, named in event.persons.items()
        for person in named
    ]
    return ", ".join(told) or "the residents"
