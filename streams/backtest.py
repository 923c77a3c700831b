"""Backtest: what a draft would have sent, had it been published at a moment of the past. Nothing is written or sent.

Everybody is played alone, together with those who are told for them. Whoever is told for several may have too many
messages at once only if all of these are counted: such families are played again together.
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Protocol

from msgspec import Struct
from msgspec.structs import replace

from domain.deaths import spoken_of
from domain.deciding import starting_types, telling_types
from domain.delivery import State
from domain.rulebook import Rulebook
from domain.settle import Reason
from domain.timing import zone_of
from domain.triggers import Trigger
from projections.tables import micros
from streams import bulk_reading, reading
from streams.backtest_difference import differences
from streams.backtest_play import Life, Play, Side
from streams.backtest_results import Own, Samples, Tally
from streams.bulk_reading import Selection
from streams.database import Database
from streams.guarding import Guarding
from streams.log import Log
from streams.rehearsal_prevention import Hurdles
from streams.rules import Rules

_SINCE = frozenset({Reason.DONE.value, Reason.DIED.value})
"""What may have taken a nudge back that was planned before."""


class Question(Struct, frozen=True):
    """What is asked: what triggers `spoken` of the rules would have said from the publication up to the end.

    `against`: the rules to compare with, if any.
    """

    rules: Rules
    spoken: frozenset[str]
    start: datetime
    end: datetime
    against: Rules | None = None

    @property
    def books(self) -> list[Rulebook]:
        """The rulebooks in it."""
        return [each.rulebook for each in (self.rules, self.against) if each is not None]

    def selection(self) -> Selection:
        """Whoever has a fact on which any trigger in the rules may start; what lies behind every reach is passed.

        Not only of the `spoken`: what others say about a child takes of the cap of whoever is told for the child.
        """
        starting = _all_of([starting_types(book) for book in self.books])
        reach = min((each.reach for book in self.books for each in book.versions.values()), default=self.start)
        return Selection() if starting is None else Selection(starting, since=micros(reach))


class Taking(Protocol):
    """What becomes of a person's part."""

    def __call__(self, own: Own, /, *, linked: bool) -> None:
        """Take it; `linked`: somebody may be told for this person, or they for somebody."""


class Share(Struct, frozen=True, array_like=True):
    """What a part of the persons came to: all that stands for itself, and one by one what may hang together."""

    tally: Tally
    linked: list[Own]


class Backtest:
    """Plays persons under the rules of a draft, and under other rules to compare with."""

    def __init__(self, database: Database, log: Log, question: Question) -> None:
        self._database, self._log, self._question = database, log, question
        self._rulebook = question.rules.rulebook
        self._zone = zone_of(question.rules.defaults.zone)
        self._side = Side.of(question.rules)
        self._other = None if question.against is None else Side.of(question.against)
        self._telling = _all_of([telling_types(book) for book in question.books])
        self._speaking: dict[str, list[Trigger]] = {}
        for book in question.books:
            for version in book.versions.values():
                self._speaking.setdefault(version.trigger.on, []).append(version.trigger)
        self._hurdles = Hurdles(self._rulebook, question.spoken)
        self._guarding = [Guarding(book, question.start) for book in question.books]

    def share(self, selection: Selection) -> Share:
        """Play everybody in the selection, each alone; count what stands for itself."""
        share = Share(Tally(), [])
        zone, spoken = self._zone, self._question.spoken

        def take(own: Own, *, linked: bool) -> None:
            if linked:
                share.linked.append(own)
            else:
                share.tally.take([own], zone, spoken)

        self.alone(selection, take, share.tally)
        return share

    def alone(self, selection: Selection, take: Taking, tally: Tally) -> None:
        """Play everybody in the selection, each alone, and say of each whether anybody may be told for or by them."""
        for some, facts in bulk_reading.recorded(
            self._database, self._log, self._rulebook, selection, types=self._telling
        ):
            tally.persons += len(some)
            tally.facts += facts
            lives = {person: Life.of(each) for person, each in some.items()}
            told = {person: self._told_for(person, lives[person]) for person in some}
            about = {person: self._spoken_of(lives[person]) for person in some}
            others = {each for named in (*told.values(), *about.values()) for each in named}
            lives |= self._lives(others - lives.keys())
            for person in some:
                theirs = {each: lives[each] for each in (person, *told[person], *about[person])}
                [own] = self._played(theirs, [person], tally.samples)
                take(own, linked=bool(told[person]) or self._guards(person, lives[person]))

    def _guards(self, person: str, life: Life) -> bool:
        return any(each.guards(person, life.own) for each in self._guarding)

    def together(self, families: Iterable[Sequence[str]]) -> tuple[list[Own], Samples]:
        """Play families whose messages count together."""
        found: list[Own] = []
        samples = Samples()
        for family in families:
            lives = self._lives(set(family))
            told = {each for person in lives for each in self._told_for(person, lives[person])}
            about = {each for life in lives.values() for each in self._spoken_of(life)}
            lives |= self._lives((told | about) - lives.keys())
            found += self._played(lives, list(family), samples)
        return found, samples

    def _told_for(self, person: str, life: Life) -> set[str]:
        return {guardian for each in self._guarding for guardian in each.told_for(person, life.own)}

    def _spoken_of(self, life: Life) -> set[str]:
        """Whom messages to somebody may speak of: their deaths end these."""
        types = self._rulebook.catalogue.types
        return {
            each
            for event in life.own
            for trigger in self._speaking.get(event.type, ())
            for each in spoken_of(event, trigger, types)
        }

    def _lives(self, persons: set[str]) -> dict[str, Life]:
        if not persons:
            return {}
        with self._database.reading() as connection:
            found = reading.recorded(connection, self._log, sorted(persons), self._rulebook, types=self._telling)
        return {person: Life.of(each) for person, each in found.items()}

    def _played(self, lives: Mapping[str, Life], planned: Sequence[str], samples: Samples) -> list[Own]:
        play = self._play(self._side, lives, planned, samples)
        if self._other is None:
            return [self._own(person, play) for person in planned]
        other = self._play(self._other, lives, planned, Samples())
        return [self._compared(person, play, other) for person in planned]

    def _own(self, person: str, play: Play) -> Own:
        played = play.played(person)
        outcome = played.outcome(self._question.spoken)
        if outcome is None or outcome == State.CANCELLED:
            hurdle = self._hurdles.of(play.history(person), play.life(person).own)
            outcome = outcome if outcome and hurdle not in _SINCE else hurdle
        return Own(person, played, outcome)

    def _compared(self, person: str, play: Play, other: Play) -> Own:
        draft, live = self._own(person, play), other.played(person)
        histories = play.history(person), other.history(person)
        books = play.rules.rulebook, other.rules.rulebook
        changes = tuple(differences(draft.played, live, histories, books))
        return replace(draft, against=live.messages, differences=changes)

    def _play(self, side: Side, lives: Mapping[str, Life], planned: Sequence[str], samples: Samples) -> Play:
        play = Play(side, lives, planned, self._question.start, samples, self._question.spoken)
        play.until(self._question.end)
        return play


def _all_of(types: Sequence[frozenset[str] | None]) -> frozenset[str] | None:
    """The types in any of these; None, which stands for all, where one is."""
    return None if None in types else frozenset().union(*(each or () for each in types))
