"""The family's year as a line of time: read from the log and its views, nothing is told that did not happen there."""

from collections.abc import Iterable, Iterator, Sequence
from datetime import date, timedelta
from itertools import groupby
from typing import Any
from uuid import UUID

from msgspec import Struct

from app.compose import Platform
from app.demo.chapters import CHAPTERS, VISIT_HOURS, Chapter, Matter
from app.demo.family import CHILD, PARENTS
from app.pages.catalogues import LANGUAGES, Speech
from app.pages.life import word_for
from app.pages.pack_names import Names, names_of
from app.reports.entitlements import entitlements
from app.reports.life_words import CHANNELS
from domain.core.events import Effective, LifeEvent
from domain.core.translatable import N_, Counted, Words
from domain.planning.entitlement_answers import Answer
from domain.rules.legal_basis import legal_basis_of
from projections import nudges
from streams.delivery.send.fake_outbox import KeptMessage
from streams.planning import histories
from streams.queries.inbox import SentMessage
from streams.queries.inbox_cards import Card

NAMES = {"aigerim": N_("Aigerim"), "daniyar": N_("Daniyar")}
_MOST = 200
_A_MOMENT, _A_MINUTE = timedelta(microseconds=1), timedelta(minutes=1)


class Moment(Struct, frozen=True):
    """A chapter as the line of time shows it.

    `emblem`, `office`: of the agency that wrote; `told`: who was told when, and how; `words`: the first message as it
    was sent; `outcome`: a sentence and its look; `price`, `missed`: what missing it means, in money and words;
    `figures`: values and names; `sources`: where all that comes from; `nudge`, `number`: the first message, and which
    of its deliveries.
    """

    when: str
    title: str
    emblem: str
    office: str
    happened: str
    told: str
    words: KeptMessage | None
    spoken: str
    outcome: tuple[str, str]
    price: str
    missed: str
    figures: tuple[tuple[str, str], ...]
    sources: tuple[str, ...]
    nudge: UUID
    number: int


class Totals(Struct, frozen=True):
    """The sums of the year so far: tenge, hours, and matters."""

    received: str
    saved: str
    hours: str
    settled: int
    open: int


class Story(Struct, frozen=True):
    """The line of time, and its sums."""

    moments: tuple[Moment, ...]
    totals: Totals


class _Message(Struct, frozen=True):
    who: str
    person: str
    number: int
    sent: SentMessage
    card: Card
    cause: LifeEvent


class _ToldChapter(Struct, frozen=True):
    """A moment with what it adds to the sums."""

    moment: Moment
    received: int
    saved: int
    visits: int
    is_open: bool


class Storyteller:
    """Tells the family's year. What cannot change any more (an event, the law's answer of a day) is remembered."""

    def __init__(self, platform: Platform) -> None:
        self._platform = platform
        self.people = {who: platform.identity.names.pseudonym(iin) for who, iin in PARENTS.items()}
        self._child = platform.identity.names.pseudonym(CHILD)
        self._answers: dict[UUID, Answer | None] = {}

    def story(self, speech: Speech) -> Story:
        """Return the year so far in that language."""
        messages = sorted(self._messages(), key=lambda each: (each.sent.at, each.who))
        told = list(self._moments(messages, speech))
        visits, is_open = sum(each.visits for each in told), [each.is_open for each in told]
        totals = Totals(
            received=speech.money(sum(each.received for each in told)),
            saved=speech.money(sum(each.saved for each in told)),
            hours=_hours(visits, speech),
            settled=is_open.count(False),
            open=is_open.count(True),
        )
        return Story(tuple(each.moment for each in told), totals)

    def latest(self) -> tuple[str, UUID] | None:
        """Return the parent and the message that was sent last; None before the first one."""
        found = max(self._messages(), key=lambda each: each.sent.at, default=None)
        return None if found is None else (found.who, found.sent.nudge)

    def _messages(self) -> list[_Message]:
        """Return the parents' messages that belong to a chapter."""
        inboxes, platform = self._platform.queries.inboxes, self._platform
        zone = platform.rules.library.rules().defaults.zone
        found: list[_Message] = []
        for who, person in self.people.items():
            told, _ = inboxes.messages_page(person, limit=_MOST)
            cards = inboxes.cards(person, [each.nudge for each in told], zone)
            with platform.database.reading() as connection:
                theirs = nudges.by_id(connection, list(cards))
                causes = platform.log.streams(connection, {each.intent.cause for each in theirs.values()})
            events = {entry.originator_id: entry.fact for entry in causes if isinstance(entry.fact, LifeEvent)}
            for each in told:
                nudge, card = theirs[each.nudge], cards[each.nudge]
                if nudge.intent.trigger in CHAPTERS:
                    number = nudge.deliveries.index(nudge.to(person))
                    found.append(_Message(who, person, number, each, card, events[nudge.intent.cause]))
        return found

    def _moments(self, messages: Iterable[_Message], speech: Speech) -> Iterator[_ToldChapter]:
        """Yield the chapters in the order of their first messages; what concerns several persons is one matter."""
        matters: dict[tuple[str, date], list[_Message]] = {}
        for each in messages:
            matters.setdefault((each.card.thing[0], each.cause.time.date()), []).append(each)
        if not matters:
            return
        teller = _Teller(self._platform, speech, self._facts(), self._answer)
        for (trigger, _), theirs in matters.items():
            yield teller.told(CHAPTERS[trigger], theirs)

    def _facts(self) -> Sequence[Effective]:
        rules, persons = self._platform.rules.library.rules(), {*self.people.values(), self._child}
        with self._platform.database.reading() as connection:
            known = histories.histories(connection, self._platform.log, persons, rules.rulebook)
        return [fact for history in known.values() for fact in history.facts]

    def _answer(self, message: _Message) -> Answer | None:
        """Return the law's answer about the benefit of the message's name, on the day when it was sent."""
        nudge, trigger = message.sent.nudge, message.card.thing[0]
        if nudge not in self._answers:
            at = message.sent.at
            benefits = self._platform.rules.library.rules().catalogue.benefits
            _, _, answers = (
                entitlements(self._platform, message.person, at.date(), at) if trigger in benefits else (0, 0, [])
            )
            named = (each for each in answers if each.benefit.name == trigger and each.entitled)
            self._answers[nudge] = next(named, None)
        return self._answers[nudge]


class _Teller:
    def __init__(self, platform: Platform, speech: Speech, facts: Sequence[Effective], answer: Any) -> None:  # noqa: ANN401  (a function)
        self._platform, self._speech, self._facts, self._answer = platform, speech, facts, answer
        self._names: Names = names_of(platform.rules.library.rules(), speech)

    def told(self, chapter: Chapter, messages: Sequence[_Message]) -> _ToldChapter:
        """Return the chapter that these messages belong to, the first one first."""
        first, speech = messages[0], self._speech
        is_done = any(each.card.done_at is not None for each in messages)
        settled = self._settled(chapter, first.cause) if is_done else None
        matter = Matter(
            values=first.cause.values,
            settled=None if settled is None else settled.values,
            answer=self._answer(first),
            told_on=self._speech.date_at(first.sent.at),
            today=self._speech.date_at(self._platform.clock()),
            day=speech.day,
        )
        received, saved = chapter.received(matter) * (matter.months if chapter.monthly else 1), chapter.saved(matter)
        visits = chapter.visits if settled is not None else 0
        words = self._words(first)
        moment = Moment(
            when=self._speech.tell(Words("told on {day}", day=self._speech.day_at(first.sent.at))),
            title=speech.say(chapter.title),
            emblem=first.sent.emblem,
            office=speech.titled(first.sent.office),
            happened=self._happened(first.cause),
            told="; ".join(self._by_whom(messages)),
            words=words,
            spoken=LANGUAGES.get(words.language, words.language) if words else "",
            outcome=self._outcome(chapter, matter, first, settled),
            price=speech.money(price) if (price := chapter.price(matter)) else "",
            missed=speech.tell(chapter.missed(matter)),
            figures=tuple(self._figures(received, saved, visits)),
            sources=tuple(self._sources(chapter, first, received or saved, visits)),
            nudge=first.sent.nudge,
            number=first.number,
        )
        return _ToldChapter(moment, received, saved, visits, settled is None and chapter.outcome is None)

    def _settled(self, chapter: Chapter, cause: LifeEvent) -> Effective | None:
        values = cause.values
        found = (
            fact
            for fact in self._facts
            if fact.event.type == chapter.settled_by
            and fact.event.time > cause.time
            and fact.event.everybody & cause.everybody
            and all(fact.values.get(f"event.{name}") == values.get(f"event.{name}") for name in chapter.same)
        )
        return min(found, key=lambda fact: fact.event.time, default=None)

    def _happened(self, event: LifeEvent) -> str:
        type_ = self._names.type(event.type)
        told = {"day": self._speech.day_at(event.time), "event": self._names.heading(event.type)}
        office = self._names.office(type_.agency) if type_ is not None else ""
        return self._speech.tell(Words("{day}: {event} ({office})", office=office, **told))

    def _by_whom(self, messages: Sequence[_Message]) -> Iterator[str]:
        """Yield to whom the messages went by which channel; of later ones, the moment too."""
        first = messages[0].sent.at
        for at, group in groupby(messages, key=lambda each: each.sent.at.replace(second=0, microsecond=0)):
            to = dict.fromkeys(f"{self._speech.say(NAMES[each.who])} ({self._channel(each)})" for each in group)
            again = "" if at - first < _A_MINUTE else f"{self._speech.moment(at)} "
            yield f"{again}→ {', '.join(to)}"

    def _channel(self, message: _Message) -> str:
        return word_for(CHANNELS, message.sent.channel, self._speech)

    def _words(self, message: _Message) -> KeptMessage | None:
        ids = [each for each in (message.sent.nudge, message.sent.digest) if each is not None]
        with self._platform.database.reading() as connection:
            kept = self._platform.delivery.fake_outbox.last_of_each(connection, message.person, ids)
        return next((kept[each] for each in ids if each in kept), None)

    def _outcome(self, chapter: Chapter, matter: Matter, first: _Message, done: Effective | None) -> tuple[str, str]:
        if chapter.outcome is not None:
            return self._speech.tell(chapter.outcome(matter)), "good"
        if done is not None:
            told = {"day": self._speech.day_at(done.event.time), "event": self._names.heading(done.event.type)}
            return self._speech.tell(Words("{day}: {event}", **told)), "good"
        deadline = first.card.deadline
        day = "" if deadline is None else self._speech.day_at(deadline - _A_MOMENT)
        return self._speech.tell(Words("Still open: until {day}", day=day) if day else Words("Still open")), "note"

    def _figures(self, received: int, saved: int, visits: int) -> Iterator[tuple[str, str]]:
        speech = self._speech
        if received:
            yield speech.money(received), speech.say("received")
        if saved:
            yield speech.money(saved), speech.say("not paid")
        if visits:
            yield _hours(visits, speech), speech.say("spared")

    def _sources(self, chapter: Chapter, first: _Message, money: int, visits: int) -> Iterator[str]:
        speech = self._speech
        yield speech.say(chapter.source)
        if money:
            event = self._names.heading(chapter.settled_by)
            if chapter.monthly:
                each = Words("The money: the amount in “{event}”, for each whole month since the birth.", event=event)
                yield speech.tell(each)
            else:
                yield speech.tell(Words("The money: the amount in the report “{event}”.", event=event))
        if visits:
            spared = Words("The time: a visit to an office spared, assumed to take {count} hours.", count=VISIT_HOURS)
            yield speech.tell(spared)
        trigger = first.card.thing[0]
        rulebook = self._platform.rules.library.rules().rulebook
        content = next(each.trigger.content for each in rulebook.versions.values() if each.trigger.name == trigger)
        yield speech.tell(Words("By law: {law}.", law=speech.titled(legal_basis_of(content)).rstrip(".")))


def _hours(visits: int, speech: Speech) -> str:
    return speech.tell(Counted("{count} hour", "{count} hours", visits * VISIT_HOURS))
