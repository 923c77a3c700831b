"""The inbox: what to do now, what soon, news, and what was done; searched, and filtered by topic."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from datetime import date, datetime, timedelta
from enum import Enum
from typing import Annotated, Any, Final
from uuid import UUID

from fastapi import Query, Request
from fastapi.responses import Response
from msgspec import Struct
from msgspec.structs import replace

from app.http import routes
from app.http.cursors import cursor_of, place_of
from app.pages.catalogues import Speech
from app.pages.citizen_pages import CitizenPages
from app.pages.life import STATES, category, word_for
from app.pages.pack_names import Names, names_of
from app.pages.reasons import announced_values, distinguishing_values
from app.pages.rule_words import CLASSES
from app.reports.life_words import CHANNELS
from domain.core.translatable import N_, Joined, Words
from domain.nudges.calendar_days import CalendarDays
from domain.nudges.class_rules import CLASS_RULES
from projections.inbox import Place
from projections.tables import micros
from streams.queries.inbox import Inboxes, SentMessage
from streams.queries.inbox_cards import Card

Cursor = Annotated[str, Query(max_length=64)]
Search = Annotated[str, Query(max_length=100)]
Topic = Annotated[str, Query(max_length=100)]
PAGE: Final = 25
OPEN_CARDS: Final = 20
"""So many matters that are open have a card; what is less urgent stands below them in a line of its own."""
MOST_SEARCHED: Final = 500
"""So many messages are looked through for one page of what was searched for."""
URGENT, FRESH = timedelta(days=7), timedelta(days=60)
_A_MOMENT = timedelta(microseconds=1)
_UNREAD: Final = frozenset({"attempted", "sent", "delivered", "unknown"})
_BAD: Final = ("failed",)


class Group(Enum):
    """The groups of the inbox; the value is the heading."""

    NOW = N_("Do now")
    SOON = N_("To do soon")
    NEWS = N_("News")
    DONE = N_("Done")


OPEN: Final = (Group.NOW, Group.SOON)
_KINDS: Final = {Group.NOW: "urgent", Group.SOON: "soon", Group.NEWS: "plain", Group.DONE: "good"}


def group_of(message: SentMessage, card: Card, now: datetime) -> Group:
    """Return the group of a message: by what was done, by its day, and by whether there is something to do.

    `now`: in the zone of the reader, whose days are meant.
    """
    if card.done_at is not None:
        return Group.DONE
    if card.over is not None and card.over <= now:
        return Group.NEWS
    if card.deadline is not None:
        return Group.NOW if card.deadline - now <= URGENT else Group.SOON
    if message.klass == "emergency" or (
        message.state != "answered" and any(each.get("reply") for each in card.actions)
    ):
        return Group.NOW
    waits = (card.can_be_done or any(_has_target(each) for each in card.actions)) and message.state != "answered"
    if waits and card.days is not None and timedelta() <= card.days.first - now.date() <= URGENT:
        return Group.NOW
    return Group.SOON if waits and now - message.at <= FRESH else Group.NEWS


def is_unread(message: SentMessage, group: Group, now: datetime) -> bool:
    """Return True for a message that nobody opened: as long as there is something to do, or while it is news."""
    is_fresh = group in OPEN or (group is Group.NEWS and now - message.at <= FRESH)
    return message.state in _UNREAD and is_fresh


class Row(Struct, frozen=True):
    """A message as its card shows it.

    `told`: lines of a text and its look; `earlier`: ids and days of those before it about the same matter;
    `has_day`: a calendar can hold its day; `office`: the agency's emblem and name, and what follows it.
    """

    nudge: str
    title: str
    kind: str
    told: tuple[tuple[str, str], ...]
    tags: tuple[tuple[str, str], ...]
    actions: tuple[tuple[str, str], ...]
    earlier: tuple[tuple[str, str], ...]
    has_day: bool
    office: tuple[str, str, str]


class _Matter(Struct, frozen=True):
    """The messages about one thing, the latest first; the card and the group of the latest."""

    messages: Sequence[SentMessage]
    card: Card
    group: Group

    @property
    def urgency(self) -> tuple[bool, date]:
        """Return what sorts matters of a group by what cannot wait."""
        return self.messages[0].klass != "emergency", self.card.days.first if self.card.days else date.max


class Inbox(CitizenPages):
    """The page of a citizen's messages."""

    @routes.get("/my")
    def show(self, request: Request, after: Cursor = "", q: Search = "", topic: Topic = "") -> Response:
        """Show all that is open, the most urgent first, and below it, in pages, what is not, the latest first."""
        person, frame = self._visitor(request)
        inboxes, now = self._platform.queries.inboxes, self._platform.clock()
        names = names_of(self._platform.rules.library.rules(), frame.speech)
        view = _InboxView(
            inboxes, person, now.astimezone(frame.speech.zone), names, _Filter(q.strip().casefold(), topic)
        )
        opened = view.opened()
        wanted = [] if after else [each for each in opened if view.wants(each)]
        cards, lines = wanted[:OPEN_CARDS], wanted[OPEN_CARDS:]
        others, place = view.others(place_of(after), PAGE - len(cards), {each.card.thing for each in opened})
        teller = _Teller(names, now, lambda nudge, code: self._platform.identity.links.answer(nudge, person, code))
        groups = [
            (
                frame.speech.say(group.value),
                [teller.row(each) for each in (*cards, *others) if each.group is group],
                [teller.row(each) for each in lines if each.group is group],
            )
            for group in Group
        ]
        topics = {each.category: category(each.category, frame.speech) for each in inboxes.topics()}
        return self._pages.respond(
            "inbox.html",
            frame,
            groups=[(heading, rows, brief) for heading, rows, brief in groups if rows or brief],
            q=q,
            topic=topic,
            topics=sorted(topics.items(), key=lambda each: each[1]),
            first=frame.path if after else "",
            next=frame.address_with(after=cursor_of(place)) if place else "",
        )


class _InboxView(Struct, frozen=True):
    """A view of a person's inbox. What went with a digest stands by itself, so digests are left out."""

    inboxes: Inboxes
    person: str
    now: datetime
    names: Names
    filter: "_Filter"

    def opened(self) -> list[_Matter]:
        """Return the matters in which there is something to do, the most urgent first, however old they are."""
        told = self.inboxes.unsettled(self.person)
        matters = [each for each in self._matters(told, self._cards(told)) if each.group in OPEN]
        return sorted(matters, key=lambda each: (OPEN.index(each.group), *each.urgency))

    def wants(self, matter: _Matter) -> bool:
        """Return True if the latest message of the matter is what was searched for."""
        return self.filter.matches(matter.messages[0], matter.card, self.names)

    def others(
        self, before: Place | None, most: int, opened: Collection[tuple[str, UUID]]
    ) -> tuple[list[_Matter], Place | None]:
        """Return the next matters that are not open, and where to go on."""
        found: list[SentMessage] = []
        cards: dict[UUID, Card] = {}
        for _ in range(0, MOST_SEARCHED, PAGE):
            told, before = self.inboxes.messages_page(self.person, before, PAGE)
            about = self._cards(told)
            others = (each for each in told if about[each.nudge].thing not in opened and not each.members)
            found += [each for each in others if self.filter.matches(each, about[each.nudge], self.names)]
            cards |= about
            if before is None or len(found) >= most:
                break
        if len(found) > most:
            before = Place(micros(found[most - 1].at), found[most - 1].nudge)
        matters = self._matters(found[:most], cards)
        return [each if each.group not in OPEN else replace(each, group=Group.NEWS) for each in matters], before

    def _cards(self, told: Sequence[SentMessage]) -> dict[UUID, Card]:
        return self.inboxes.cards(self.person, [each.nudge for each in told], self.names.speech.zone)

    def _matters(self, messages: Sequence[SentMessage], cards: Mapping[UUID, Card]) -> list[_Matter]:
        by_thing: dict[Any, list[SentMessage]] = {}
        for each in messages:
            by_thing.setdefault(cards[each.nudge].thing, []).append(each)
        latest = ((those, cards[those[0].nudge]) for those in by_thing.values())
        return [_Matter(those, card, group_of(those[0], card, self.now)) for those, card in latest]


class _Filter(Struct, frozen=True):
    """The text and the topic that are searched for; empty: any."""

    text: str
    topic: str

    def matches(self, message: SentMessage, card: Card, names: Names) -> bool:
        if self.topic and message.category != self.topic:
            return False
        speech = names.speech
        texts = [
            speech.titled(message.title),
            speech.titled(message.office),
            card.called,
            *distinguishing_words(card, names),
        ]
        return self.text in " ".join(texts).casefold()


class _Teller:
    """Tells what a card says. `answer`: makes the link of an answer from the nudge and the code."""

    def __init__(self, names: Names, now: datetime, answer: Any) -> None:  # noqa: ANN401  (a function of two)
        self._names, self._speech, self._now, self._answer = names, names.speech, now, answer

    def row(self, matter: _Matter) -> Row:
        """Return the latest message of the matter as its card shows it."""
        speech, card, group = self._speech, matter.card, matter.group
        message, *earlier = matter.messages
        open_ = group in OPEN
        unread = " unread" if is_unread(message, group, self._now) else ""
        return Row(
            str(message.nudge),
            speech.titled(message.title) or speech.say("Daily summary"),
            _KINDS[group] + unread,
            tuple(self._told(card, group)),
            tuple(self._tags(message, unread=bool(unread))),
            tuple(self._actions(message, card)) if open_ else (),
            tuple((str(each.nudge), self._speech.day_at(each.at)) for each in earlier),
            card.days_to_come(self._now, speech.zone) is not None,
            self._office(message),
        )

    def _told(self, card: Card, group: Group) -> Iterator[tuple[str, str]]:
        speech = self._speech
        for line in subject_lines(card, self._names):
            yield line, ""
        if group is Group.DONE and card.done_at is not None:
            yield speech.tell(Words("Done: {day}", day=self._speech.day_at(card.done_at))), "until"
        elif card.days is not None and not card.days.is_limit:
            yield self._announced(card.days), "until bad" if group is Group.NOW else "until"
        elif card.deadline is not None:
            yield self._until(card.deadline), "until bad" if group is Group.NOW else "until"

    def _office(self, message: SentMessage) -> tuple[str, str, str]:
        by, day = word_for(CHANNELS, message.channel, self._speech), self._speech.day_at(message.at)
        office = self._speech.titled(message.office) or self._speech.say("Daily summary")
        return message.emblem or "bell", office, f"{by} · {day}"

    def _announced(self, days: CalendarDays) -> str:
        told, before = days_in_words(days, self._speech), days.first - self._speech.date_at(self._now)
        if before <= timedelta():
            return told
        left = Words("{days} left", days=self._speech.number_of_days(before.days))
        return self._speech.tell(Joined([told, left], " – "))

    def _until(self, deadline: datetime) -> str:
        last = self._speech.date_at(deadline - _A_MOMENT)
        days = (last - self._speech.date_at(self._now)).days
        day = self._speech.day(last)
        if days < 0:
            return self._speech.tell(Words("The last day was {day}", day=day))
        if days == 0:
            return self._speech.tell(Words("Today is the last day"))
        left = Words("{days} left", days=self._speech.number_of_days(days))
        return self._speech.tell(Joined([Words("Until {day}", day=day), left], " – "))

    def _tags(self, message: SentMessage, *, unread: bool) -> Iterator[tuple[str, str]]:
        speech = self._speech
        if unread:
            yield speech.say("unread"), ""
        if CLASS_RULES[message.klass].ignores_opt_out:
            yield word_for(CLASSES, message.klass, speech), "note"
        if message.state in _BAD:
            yield word_for(STATES, message.state, speech), "bad"

    def _actions(self, message: SentMessage, card: Card) -> Iterator[tuple[str, str]]:
        for each in card.actions:
            if not _has_target(each):
                continue
            reply = each.get("reply")
            if reply and message.state == "answered":
                continue
            url = self._answer(message.nudge, str(reply)) if reply else str(each["url"])
            yield self._speech.titled(each["label"]), url


def _has_target(action: Any) -> bool:  # noqa: ANN401  (as the trigger has it)
    return bool(action.get("url") or action.get("reply"))


def days_in_words(days: CalendarDays, speech: Speech) -> str:
    """Return the days of a message in words."""
    first, last = speech.day(days.first), speech.day(days.last)
    if days.is_limit:
        return speech.tell(Words("Until {day}", day=last))
    if days.first == days.last:
        return speech.tell(Words("Day: {day}", day=first))
    return speech.tell(Words("From {oldest} to {newest}", oldest=first, newest=last))


def subject_lines(card: Card, names: Names) -> Iterator[str]:
    """Yield for whom a message is, and about which one of its kind."""
    if card.is_of_child:
        child = Words("For your child {name}", name=card.called) if card.called else Words("For your child")
        yield names.speech.tell(child)
    for found in distinguishing_words(card, names):
        yield found[:1].upper() + found[1:]


def distinguishing_words(card: Card, names: Names) -> Iterator[str]:
    """Yield what tells the thing from others of its kind: its number, or of a place what was announced for it."""
    tell = names.speech.tell
    if card.is_local:
        yield from map(tell, announced_values(card.values, card.decisive, card.distinct, names))
    elif found := tell(Joined(distinguishing_values(card.values, card.decisive, card.distinct, names), ", ")):
        yield found
