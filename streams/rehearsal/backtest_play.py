"""Play the past of a few persons under other rules: messages that would have been sent, and reasons for the rest."""

from bisect import bisect_right
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from functools import cached_property
from hashlib import blake2b
from operator import itemgetter
from typing import NamedTuple
from uuid import UUID

from msgspec import Struct
from msgspec.structs import replace

from domain.core.events import Effective, LifeEvent, effective
from domain.core.sms import segments
from domain.facts.facts import NudgeDeferred, NudgeDigested, NudgeFact
from domain.nudges.delivery import Delivery
from domain.nudges.digest import is_digest
from domain.nudges.nudge import Nudge
from domain.nudges.settle import Digest, NotSentReason, Withhold
from domain.persons.history import History, history_of
from domain.planning.affected import AffectedTriggers
from domain.planning.plan import whole_plan
from domain.planning.relevant_types import deciding_types, starting_types
from domain.rules.event_types import Catalogue
from domain.rules.rulebook import Rulebook
from streams.delivery.decide.case import Case
from streams.planning.histories import RecordedEvent, Revisions
from streams.planning.person_plans import decided_by
from streams.rehearsal.backtest_results import AHEAD, Message, PlayedPerson, Sample, Samples, Unsent
from streams.rehearsal.playing import VirtualRun, words_of
from streams.rules.in_force import Rules
from templates.words.rendering import Rendered

_NO_ROOM = Withhold(NotSentReason.CAP)


class Life(Struct, frozen=True, dict=True):
    """The facts about a person and the areas where they lived, in the order in which they became known.

    A fact of a historical load counts as known when it happened, without an `ahead_from`.
    """

    times: Sequence[datetime]
    own: Sequence[LifeEvent]
    area_times: Sequence[datetime] = ()
    areas: Sequence[LifeEvent] = ()

    @staticmethod
    def of(recorded: Revisions) -> "Life":
        """Make a life from what was recorded."""
        return Life(*_in_order(recorded.own), *(_in_order(recorded.areas) if recorded.areas else ()))

    def about(self, types: Collection[str]) -> "Life":
        """Return the life with only events that have one of these types in any revision, and with all area events."""
        own = self.own
        chosen = [at for at, event in enumerate(own) if event.type in types or event.corrects is not None]
        if any(own[at].corrects is not None for at in chosen):
            kept = {(own[at].source, own[at].original) for at in chosen}
            chosen = [at for at, event in enumerate(own) if (event.source, event.original) in kept]
        return Life([self.times[at] for at in chosen], [own[at] for at in chosen], self.area_times, self.areas)

    def known(self, now: datetime) -> tuple[int, int]:
        """Return the number of own events and of area events known by then."""
        return bisect_right(self.times, now), bisect_right(self.area_times, now)

    def learnt_after(self, start: datetime) -> Iterator[tuple[datetime, LifeEvent]]:
        """Yield what becomes known after `start`, and when."""
        for times, events in ((self.times, self.own), (self.area_times, self.areas)):
            first = bisect_right(times, start)
            yield from zip(times[first:], events[first:], strict=True)

    @cached_property
    def unrevised(self) -> tuple[frozenset[str], Sequence[tuple[int, Effective]]] | None:
        """Return who is named by all events, and the place at which each became known, in the order of events.

        None if events have revisions, or there are any of areas: which of them count then depends on what is known.
        """
        if self.areas or any(event.corrects is not None for event in self.own):
            return None
        places = {id(event): at for at, event in enumerate(self.own)}
        counting = effective(self.own)
        if len(counting) < len(self.own):
            return None
        everybody = [event.everybody for event in self.own]
        named = frozenset.intersection(*everybody) if everybody else frozenset[str]()
        return named, [(places[id(fact.event)], fact) for fact in counting]

    def history(self, person: str, now: datetime, catalogue: Catalogue) -> History:
        """Return the person's history as known by then."""
        own, areas = self.known(now)
        if self.unrevised is not None and person in self.unrevised[0]:
            return History(person, tuple([fact for at, fact in self.unrevised[1] if at < own]))
        return history_of(person, self.own[:own], catalogue, self.areas[:areas])


def _in_order(learnt: Iterable[RecordedEvent]) -> tuple[Sequence[datetime], Sequence[LifeEvent]]:
    known = [(_known_at(one), one.event) for one in learnt]
    known.sort(key=itemgetter(0))
    return [at for at, _ in known], [
        replace(event, ahead_from=None) if event.ahead_from else event for _, event in known
    ]


def _known_at(one: RecordedEvent) -> datetime:
    return one.event.time if one.recorded is None or one.event.ahead_from is not None else one.recorded


class PlayedRules(Struct, frozen=True):
    """Rules to play under, the types that start anything by them, and the types that can change a plan.

    None: all types, see domain/planning/relevant_types.py. Events of other types are not planned on.
    `affected`: the triggers that new events are planned for.
    """

    rules: Rules
    starting: frozenset[str] | None
    deciding: frozenset[str] | None
    affected: AffectedTriggers

    @staticmethod
    def of(rules: Rules, names: Collection[str]) -> "PlayedRules":
        """Return the side of these rules with the triggers of these names only."""
        book = rules.rulebook
        versions = [version for version in book.publications if version.trigger.name in names]
        some = Rulebook(book.catalogue, book.defaults, book.names, versions)
        side = replace(rules, rulebook=some)
        return PlayedRules(side, starting_types(some), deciding_types(some), AffectedTriggers(some))


class Scope(NamedTuple):
    """The publication at `start` of the triggers in `spoken`, perhaps beside others.

    `horizon`: what is due then or later need not be planned (None: all is).
    """

    start: datetime
    spoken: Collection[str]
    horizon: datetime | None = None


class Play(VirtualRun):
    """Plays a few persons from the publication on. Those in `planned` get plans; the others may be recipients.

    Samples are kept of messages of the triggers that are spoken. `settled`: the last time that something of them was
    decided on; `capped`: the cap objected to some of it.
    """

    def __init__(
        self,
        side: PlayedRules,
        lives: Mapping[str, Life],
        planned: Collection[str],
        scope: Scope,
        samples: Samples,
    ) -> None:
        super().__init__(side.rules, scope.start, lives)
        self._scope, self._spoken = scope, scope.spoken
        self._samples, self._lives, self._planned, self._starting = samples, dict(lives), planned, side.starting
        self._affected = side.affected
        self._begun: set[str] = set()
        self._learning: list[tuple[datetime, str, LifeEvent]] | None = None
        deciding = side.deciding
        self._decisive = lives if deciding is None else {person: lives[person].about(deciding) for person in planned}
        self._histories: dict[str, tuple[datetime, tuple[int, int], History]] = {}
        self.messages: list[Message] = []
        self.deferred: list[tuple[str, str, str]] = []
        self.settled: datetime | None = None
        self.capped = False

    def comes_due(self, end: datetime) -> bool:
        """Publish, and let time pass until something is due; return True if that is before `end`.

        Up to then only the facts of those in `planned` are read that can change the plan.
        """
        self._publish()
        while True:
            due, moment = self.next_due(), self._next_news()
            if due is not None and (moment is None or due <= moment):
                return due < end
            if moment is None or moment >= end:
                return False
            self._let_pass(moment)

    def read(self, lives: Mapping[str, Life]) -> None:
        """Take the persons' whole lives, and those of further persons."""
        self._lives |= lives
        for person in lives.keys() - self.nudges.keys():
            self.nudges[person] = {}

    def until(self, end: datetime) -> None:
        """Publish, if that is still to come, and let time pass up to `end` (exclusive)."""
        self._publish()
        while True:
            self.dispatch()
            moment = min((at for at in (self._next_news(), self.next_due()) if at is not None), default=end)
            if moment >= end:
                return
            self._let_pass(moment)

    def _publish(self) -> None:
        if self._learning is None:
            news = [
                (at, who, event) for who in self._planned for at, event in self._decisive[who].learnt_after(self.now)
            ]
            self._learning = sorted(news, key=itemgetter(0, 1), reverse=True)
            for person in self._planned:
                self.plan(person)

    def _next_news(self) -> datetime | None:
        return self._learning[-1][0] if self._learning else None

    def _let_pass(self, moment: datetime) -> None:
        """Go on to that moment, and plan what becomes known by then."""
        self.now = max(self.now, moment)
        woken: dict[str, list[LifeEvent]] = {}
        while self._learning and self._learning[-1][0] <= self.now:
            _, person, event = self._learning.pop()
            woken.setdefault(person, []).append(event)
        for person in sorted(woken):
            self._learn(person, woken[person])

    def _learn(self, person: str, news: Sequence[LifeEvent]) -> None:
        """Plan what the news can change, as planning does (see domain/planning/affected.py)."""
        history = self.planned_on(person)
        first = history.facts[0].event if history.facts else None
        if (
            person not in self._begun
            or self._decisive[person].unrevised is None
            or first is None
            or any(event is first for event in news)
        ):
            self.plan(person)
            return
        part = self._affected.by(frozenset([event.type for event in news]))
        if not part.decides:
            return
        read = (
            history.facts if part.types is None else [fact for fact in history.facts if fact.event.type in part.types]
        )
        plan = whole_plan(History(person, tuple(read)), part.rulebook)
        self.bring_to_plan(decided_by(part, self.nudges[person]), plan)

    def history(self, person: str) -> History:
        """Return the person's history as known now; the same object until more is known."""
        before = self._histories.get(person)
        if before is not None and before[0] is self.now:
            return before[2]
        life = self._lives[person]
        known = life.known(self.now)
        same = before is not None and before[1] == known
        found = before[2] if before and same else life.history(person, self.now, self.rules.catalogue)
        self._histories[person] = (self.now, known, found)
        return found

    def life(self, person: str) -> Life:
        """Return the person's whole life."""
        return self._lives[person]

    def planned_on(self, person: str) -> History:
        """Return the part of the history that can change the plan."""
        return self._decisive[person].history(person, self.now, self.rules.catalogue)

    def plan(self, person: str) -> None:
        """Bring the person's nudges to the plan; do nothing before an event happened on which a trigger starts."""
        if person in self._begun:
            super().plan(person)
        elif self._may_begin(person):
            self._begun.add(person)
            plan = whole_plan(self.planned_on(person), self.rules.rulebook, before=self._scope.horizon)
            self.bring_to_plan(self.nudges[person].copy(), plan)

    def _may_begin(self, person: str) -> bool:
        life = self._decisive[person]
        known, _ = life.known(self.now)
        return self._starting is None or any(event.type in self._starting for event in life.own[:known])

    def cause(self, about: str, stream: UUID) -> LifeEvent | None:
        """Return the event of that stream, the cause of a nudge about that person."""
        life = self._lives[about]
        return next((event for event in (*life.own, *life.areas) if event.stream == stream), None)

    def carry_out(self, case: Case) -> None:
        """Apply the decision, and note what it was on."""
        if case.nudge.intent.trigger in self._spoken:
            self.settled = self.now
            self.capped |= isinstance(case.decision, Digest) or case.decision == _NO_ROOM
        super().carry_out(case)

    def on_fact(self, _: Nudge | None, nudge: Nudge, fact: NudgeFact, __: str) -> None:
        """Note deferred deliveries."""
        if isinstance(fact, NudgeDeferred | NudgeDigested) and fact.until > fact.at:
            reason = NotSentReason.CAP.value if isinstance(fact, NudgeDigested) else fact.reason
            self.deferred.append((nudge.intent.person, nudge.intent.trigger, reason))

    def on_sent(self, case: Case, channel: str, rendered: Rendered) -> None:
        """Note a message that would have been sent."""
        text = words_of(rendered)[channel]
        words = blake2b(text.encode(), digest_size=8).digest()
        parts = len(segments(text).parts) if channel == "sms" else 0
        message = _message(case, self.now, channel, rendered.language, parts, words)
        self.messages.append(message)
        if message.trigger in self._spoken and self._samples.wants(message):
            self._samples.keep(Sample(message, text, rendered.html if channel == "email" else ""))
        for member in case.members:
            along = _message(member, self.now, channel, rendered.language, 0, words)
            self.messages.append(replace(along, to=message.to, digest=True))

    def played(self, person: str) -> PlayedPerson:
        """Return the results about that person; a digest counts for the person of its first member."""
        unsent = [
            Unsent(nudge.intent.id, person, one.recipient, nudge.intent.trigger, nudge.intent.step, *_came_to(one))
            for nudge in self.nudges[person].values()
            if not is_digest(nudge.intent)
            for one in nudge.deliveries
            if not one.maybe_sent
        ]
        deferred = tuple((trigger, reason) for who, trigger, reason in self.deferred if who == person)
        return PlayedPerson(tuple(one for one in self.messages if one.about == person), tuple(unsent), deferred)


def _message(case: Case, at: datetime, channel: str, language: str, parts: int, words: bytes) -> Message:
    intent = case.nudge.intent
    about = case.members[0].nudge.intent.person if case.members else intent.person
    return Message(
        intent.id,
        about,
        case.recipient.pseudonym,
        intent.trigger,
        case.settlement.trigger.klass,
        intent.step,
        at,
        channel,
        language,
        parts,
        digest=False,
        words=words,
    )


def _came_to(delivery: Delivery) -> tuple[str, str | None]:
    return (AHEAD, None) if delivery.due is not None else (delivery.state.value, delivery.reason)
