"""Sending: write the messages, commit the attempts, hand them over at their time, commit the outcomes."""

import asyncio
from collections.abc import Mapping, Sequence
from contextlib import nullcontext
from datetime import datetime, timedelta
from functools import partial
from itertools import chain, takewhile
from typing import NamedTuple
from uuid import UUID

from msgspec.structs import replace
from sqlalchemy import Connection

from domain.facts.facts import NudgeAttempted, NudgeFact, NudgeSent, NudgeWithheld
from domain.nudges.nudge import Nudge
from domain.nudges.settle import Reason, Send
from notifiers.port.interface import Outcome
from notifiers.port.routes import Route, is_for_another
from projections import nudges
from streams.delivery.decide.case import Case
from streams.delivery.decide.digesting import Decided, append_decided, crowded
from streams.delivery.outcomes import conversations, outcomes
from streams.delivery.outcomes.attempts import (
    Attempt,
    Intention,
    Routed,
    as_attempted,
    handed_back,
    is_bound,
    outcomes_of,
    unsent,
)
from streams.delivery.outcomes.group_commit import Came, GroupCommit, Intended
from streams.delivery.outcomes.receipts import Receipt, Receipts
from streams.delivery.outcomes.recording import Recording
from streams.delivery.outcomes.suppression import Refusals, refused_by
from streams.delivery.send.concurrency import Places, Room, Rooms, Turns, UnderWay, is_urgent
from streams.delivery.send.message import Writer
from streams.delivery.send.rate_limits import Pace
from streams.delivery.send.routing import Elsewhere, Routing, agency
from streams.delivery.send.status_query import Asking
from streams.delivery.send.unconfirmed import Unanswered
from streams.log.chain import StoredFact
from streams.log.watermark import Watermark
from streams.planning.planning import RulesMoved, refuse_moved_rules
from streams.rules.context import Books
from streams.rules.in_force import Rules
from streams.storage import measures
from streams.storage.database import Priority
from templates.words.rendering import WordsFailed

FRESH = timedelta(seconds=2)
"""How long a decision holds while it waits for its slot: meanwhile people stop messages, move, and go to sleep."""
Telling = asyncio.Future[Sequence[Case]]


class Sending:
    """Sends what was decided to be sent.

    Attempts are committed and handed over in small groups, some at a time with each provider.
    """

    def __init__(
        self,
        books: Books,
        routes: Mapping[str, Route],
        writer: Writer,
        pace: Pace,
        receipts: Receipts,
        refusals: Refusals,
        lease: timedelta,
        watermark: Watermark,
    ) -> None:
        self._database, self._log, self._library, self._names = books.database, books.log, books.library, books.names
        self._writer, self._pace, self._refusals, self.under_way = writer, pace, refusals, UnderWay()
        self.routing = Routing(routes, pace)
        self._elsewhere = Elsewhere(books.database, books.log, self.routing)
        self._recording = Recording(books.database, books.log, receipts, refusals, books.clock)
        self._commits = GroupCommit(self._commit_all)
        self.asking = Asking(books, self.routing, receipts, refusals, self._recording, self.under_way)
        self.unanswered = Unanswered(books.database, books.log, books.clock)
        self._clock, self._lease, self._watermark = books.clock, lease, watermark
        self._stopping = False
        self.outcomes, self.sent_after = measures.outcomes(), measures.sent_after()
        self._turns = Turns(lambda case: bool(pace.limits(agency(case))))

    @property
    def paced(self) -> bool:
        """Whether there is any rate."""
        return self._pace.bounds

    def stop(self) -> None:
        """Begin nothing more; what was handed to a provider is still waited for."""
        self._stopping = self.asking.stopping = True

    def release(self, ids: Sequence[UUID]) -> None:
        """Let go of nudges that are not sent now."""
        if ids:
            self._database.write(lambda connection: nudges.release(connection, ids), Priority.DISPATCH)

    def record(self, facts: Sequence[tuple[UUID, NudgeFact]]) -> None:
        """Append what became of nudges."""
        self._recording.record(facts)

    def decide(self, decided: Sequence[Decided], rules: Rules) -> None:
        """Append what was decided about nudges that have not moved since they were read, if these rules still hold.

        Else the nudges are let go of and decided on anew: what is withheld or expires is final, as what is sent.
        """
        try:
            self._recording.decided(decided, self._names, rules.position)
        except RulesMoved:
            self.release([nudge.intent.id for nudge, _ in decided])

    async def send(
        self, cases: Sequence[Case], rules: Rules, decided: datetime, rooms: Rooms, patience: float | None = None
    ) -> list[Case]:
        """Send those that are to be sent, and end the others together with them; gives what there was no time for.

        With `patience`, what a provider has is not waited for, and a place with one no longer than so many seconds.
        """
        turn = _Turn(rules, decided + FRESH, patience)
        cases = await self._elsewhere.without(cases, decided)
        cases = self._turns.ordered(cases) if self.paced else cases  # what waits for a slot holds up what follows
        parts = [partial(self._send_group, *part, turn) for part in rooms.parts(cases, self.routing.likely)]
        back = await (self.under_way.ended_of(parts) if patience is None else self.under_way.told(parts))
        return [*chain(*back)]

    async def _send_group(self, room: Room, cases: Sequence[Case], turn: "_Turn", telling: Telling) -> None:
        """Send a group as it has slots and places; tell what there was no time for as soon as nothing waits.

        What waited until its decision is stale is decided anew in another turn.
        """
        sending: list[asyncio.Task[None]] = []
        try:
            await self._send_each(room, cases, turn, telling, sending)
        finally:
            await asyncio.gather(*sending)

    async def _send_each(
        self,
        room: Room,
        cases: Sequence[Case],
        turn: "_Turn",
        telling: Telling,
        sending: list[asyncio.Task[None]],
    ) -> None:
        left = [Routed(case, self.routing.chosen(case)) for case in cases]
        held_up = {each.case.nudge.intent.id for each in left if self.routing.limits(each.case, each.provider)}
        left.sort(key=lambda each: each.case.nudge.intent.id in held_up)
        while left:
            if held_up and not await self._has_room(room, turn):  # a slot is for nobody else
                self._put_back(room, left, telling)
                return
            slots = [] if self._is_over(turn) else await self._slots(left, turn.stale)
            granted = await room.enter(len(slots), turn.patience) if slots and not self._stopping else None
            if granted == 0:
                self._put_back(room, left, telling)
                return
            places = Places(room, granted or 0)
            if granted is None or self._is_over(turn):
                places.leave()
                await asyncio.to_thread(self.release, [each.case.nudge.intent.id for each in left])
                telling.set_result([each.case for each in left])
                return
            now, left = left[:granted], left[granted:]
            if not left:
                telling.set_result([])
            sending.append(self.under_way.begin(self._hand_over(now, slots[:granted], turn.rules, places)))

    def _is_over(self, turn: "_Turn") -> bool:
        """Whether nothing more is to be begun by these decisions."""
        return self._stopping or self._clock() > turn.stale

    async def _has_room(self, room: Room, turn: "_Turn") -> bool:
        """Whether there is a place, or was one within the patience of the turn."""
        granted = await room.enter(1, turn.patience)
        Places(room, granted).leave()
        return bool(granted)

    def _put_back(self, room: Room, left: Sequence[Routed], telling: Telling) -> None:
        room.put_back(each.case.nudge.intent.id for each in left)
        telling.set_result([each.case for each in left])

    async def _slots(self, routed: Sequence[Routed], stale: datetime) -> list[datetime]:
        """When the first of them may go: all at once where there is no rate, else those as urgent as the first.

        What is urgent takes its slots ahead of time.
        """
        limits = [self.routing.limits(each.case, each.provider) for each in routed]
        if not any(limits):
            return [self._clock()] * len(limits)
        urgent = is_urgent(routed[0].case)
        alike = takewhile(lambda each: is_urgent(each[0].case) is urgent, zip(routed, limits, strict=True))
        return await self._pace.take([each for _, each in alike], urgent=urgent, until=stale)

    async def _hand_over(
        self, routed: Sequence[Routed], slots: Sequence[datetime], rules: Rules, places: Places
    ) -> None:
        try:
            self._turns.note([each.case for each in routed])
            attempts = await self._attempt(routed, rules)
            places.leave(len(routed) - len(attempts))
            await self._pace.owe(map(self.routing.pieces, attempts))
            slot_of = {id(each.case): slot for each, slot in zip(routed, slots, strict=True)}
            parts = self.routing.parts(attempts)
            sending = [(part, places.part(len(part))) for part in parts]
            await self.under_way.each(self._send_on(part, slot_of[id(part[0].case)], its) for part, its in sending)
        finally:
            places.leave()

    async def _attempt(self, routed: Sequence[Routed], rules: Rules) -> list[Attempt]:
        """Write the messages and commit the attempts; returns those that may be handed over."""
        intended = await asyncio.to_thread(self._intended, routed, rules)
        try:
            kept = await self._commits.attempt(intended)
        except RulesMoved:
            await asyncio.to_thread(self.release, intended.ids)
            return []
        return [replace(each, committed=kept[each.nudge]) for each in intended.attempts if each.nudge in kept]

    def _intended(self, routed: Sequence[Routed], rules: Rules) -> Intended:
        now = self._clock()
        cases = [each.case for each in routed]
        marks = self._marks([case for case in cases if conversations.asks(case)], rules, now)
        return Intended(cases, [self._written(each, rules, now, marks) for each in routed], rules)

    def _commit_all(self, intended: Intended | None, came: Came | None) -> Mapping[UUID, Nudge]:
        """Commit attempts and outcomes together; returns the nudges that attempts were appended to."""
        ids, attempts = (intended.ids, intended.attempts) if intended is not None else ([], [])
        with self.unanswered.watching(ids, attempts) if attempts else nullcontext():
            kept, newest, receipts = self._database.write(
                lambda connection: self._commit_both(connection, intended, came), Priority.DISPATCH
            )
        self._watermark.note(newest)
        self._recording.learn(receipts)
        return kept

    def _commit_both(
        self, connection: Connection, intended: Intended | None, came: Came | None
    ) -> tuple[Mapping[UUID, Nudge], StoredFact | None, list[Receipt]]:
        """The attempts first, as they take the keys' locks; all nudges are held before anything is appended."""
        kept: Mapping[UUID, Nudge] = {}
        newest = None
        if intended is not None:
            kept, newest = self._commit(connection, intended, frozenset() if came is None else came.concerned)
        return kept, newest, [] if came is None else self._recording.take_in(connection, came)

    def _marks(self, asking: Sequence[Case], rules: Rules, now: datetime) -> Mapping[tuple[UUID, str], str]:
        if not asking:
            return {}
        with self._database.reading() as connection:
            return conversations.marks(connection, self._log, rules, self._names, asking, now)

    def _commit(
        self, connection: Connection, intended: Intended, further: frozenset[UUID]
    ) -> tuple[Mapping[UUID, Nudge], StoredFact | None]:
        """Append what still holds: the nudges have not moved, nor those that go with them, and the cap has room.

        Where the rules have changed since, nothing is sent by the old ones: a stop is obeyed at the next send. Who
        appends holds the log until they commit, so a stop comes before this append, and is seen, or after it.
        `further`: nudges that are appended to afterwards in this transaction.

        Raises:
            OlderLog: the database was restored while this process ran.
            RulesMoved: others hold.
        """
        cases, tried, attempts, now = intended.cases, intended.tried, intended.attempts, self._clock()
        self._watermark.check(connection, self._watermark.known())
        self._log.keys.hold(connection, [case.recipient.pseudonym for case in cases])  # nobody else sends to them
        if further:
            nudges.hold(connection, further.union(intended.ids, *(_members(case) for case in cases)))
        over = crowded(connection, [each.case.settlement for each in attempts], now)
        decided = [
            (case.nudge, each.fact if isinstance(each, Attempt) else each)
            for case, each in zip(cases, tried, strict=True)
            if case.nudge.intent.id not in over
        ]
        tied = {each.nudge: [member.nudge for member in each.case.members] for each in attempts}
        nudges.release(connection, list(over))
        conversations.note_attempts(connection, self._names, attempts, now)
        kept = append_decided(connection, self._log, self._names, decided, tied)
        refuse_moved_rules(connection, intended.rules.position)
        return kept, self._watermark.newest(connection)

    def _written(
        self, routed: Routed, rules: Rules, now: datetime, marks: Mapping[tuple[UUID, str], str]
    ) -> Intention:
        case, provider = routed.case, routed.provider
        if not isinstance(case.decision, Send):
            return unsent(case, now)
        if provider is None:
            return outcomes.not_again(case.settlement, now)
        recipient, channel = case.recipient.pseudonym, case.decision.channel
        number = case.nudge.to(recipient).attempt + 1
        try:
            mark = marks.get((case.nudge.intent.id, recipient), "")
            message = self._writer.write(case, rules, number, now, mark)
        except WordsFailed:
            return NudgeWithheld(now, recipient, Reason.UNREADABLE.value)
        until = now + self._lease
        fact = NudgeAttempted(now, recipient, number, channel, provider.name, until, message.language)
        return Attempt(case, message, fact, provider, mark)

    async def _send_on(self, attempts: Sequence[Attempt], slot: datetime, places: Places) -> None:
        """Hand attempts to their provider at their time, unless their lease is nearly over by then."""
        try:
            first, provider = attempts[0], attempts[0].provider
            await self._pace.begin(slot, self.routing.limits(first.case, provider), self.routing.pieces(first))
            latest = self._clock() + self._lease * 2 / 3
            safe = [attempt for attempt in attempts if attempt.fact.until > latest]
            late = [attempt for attempt in attempts if attempt.fact.until <= latest]
            back = [(attempt.nudge, handed_back(attempt, self._clock())) for attempt in late]
            results = await provider.send([attempt.message for attempt in safe]) if safe else ()
            told = outcomes_of([*back, *self._facts(safe, results)], safe, results)
            known = {each.nudge: each.committed for each in attempts if each.committed is not None}
            await self._recording.surely(self._commits, Came(told, known), first.fact.until, places, self._pace.rest)
        finally:
            places.leave()
        if refused := refused_by(provider, (each.message for each in safe), results):
            await asyncio.to_thread(self._refusals.keep, refused)

    def _facts(self, attempts: Sequence[Attempt], results: Sequence[Outcome]) -> list[tuple[UUID, NudgeFact]]:
        now = self._clock()
        found = [
            (attempt.nudge, outcomes.fact_of(self._tried(attempt, result), result, now))
            for attempt, result in zip(attempts, results, strict=True)
        ]
        for attempt, (_, fact) in zip(attempts, found, strict=True):
            self._measure(attempt, fact, now)
        return found

    def _measure(self, attempt: Attempt, fact: NudgeFact, now: datetime) -> None:
        nudge, channel, owner = attempt.case.nudge, attempt.fact.channel, attempt.case.settlement.trigger.owner
        outcome = fact.TOPIC.removeprefix("nudge-").partition("/")[0]
        self.outcomes.labels(channel, attempt.provider.name, owner, outcome).inc()
        if isinstance(fact, NudgeSent):
            turn = nudge.to(attempt.fact.recipient).due or nudge.planned_at
            self.sent_after.labels(channel).observe(max(0.0, (now - max(turn, nudge.planned_at)).total_seconds()))

    def _tried(self, attempt: Attempt, result: Outcome) -> outcomes.Tried:
        free = is_for_another(result) and not is_bound(attempt.case)
        others = self.routing.others(attempt) if free else ()
        return outcomes.Tried(attempt.case.settlement, as_attempted(attempt), attempt.provider, others)


def _members(case: Case) -> list[UUID]:
    """What goes with it, or leaves it: facts about it are facts about them."""
    return [*case.nudge.members, *(each.nudge.intent.id for each in case.members)]


class _Turn(NamedTuple):
    """By which rules it was decided, until when that holds, and how long a group waits for its place."""

    rules: Rules
    stale: datetime
    patience: float | None
