"""Dispatch: claim what is due, settle, render, commit the attempt, send, commit the outcome."""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta
from uuid import UUID

from msgspec import Struct

from domain.delivery import Delivery
from domain.facts import (
    NudgeAttempted,
    NudgeDeferred,
    NudgeExpired,
    NudgeFact,
    NudgeFailed,
    NudgeWithheld,
)
from domain.nudge import Nudge, evolve
from domain.settle import Defer, Reason, Send, Withhold
from notifiers.port import Message, Notifier, Outcome
from projections import nudges
from projections.nudges import Due
from projections.tables import micros
from streams import outcomes
from streams.appending import append_if_unmoved, record
from streams.database import Database, Priority
from streams.library import Library, Rules
from streams.log import Log
from streams.settling import Case, look
from streams.writing import Writer
from templates.render import WordsFailed

BATCH = 200
GROUP, GROUPS_AT_ONCE = 8, 4
LEASE = timedelta(minutes=3)
"""How long an attempt may stay without an outcome; every notifier's send limit is less than a third of it."""


class Attempt(Struct, frozen=True):
    """A case that is to be sent: its message, and the attempt as a fact."""

    case: Case
    message: Message
    fact: NudgeAttempted

    @property
    def nudge(self) -> UUID:
        """The nudge that it is an attempt of."""
        return self.case.nudge.intent.id


class Dispatcher:
    """Takes nudges from due to their end. Several may run at once: a claim keeps each delivery in one hand.

    Attempts are committed and sent in small groups, some at a time: what is in flight when the process dies is
    unknown for ever, so little should be.
    """

    def __init__(
        self, database: Database, log: Log, library: Library, notifiers: Mapping[str, Notifier], writer: Writer,
        clock: Callable[[], datetime], *, holder: str, lease: timedelta = LEASE,
    ) -> None:  # fmt: skip
        self._database, self._log, self._library, self._notifiers = database, log, library, notifiers
        self._writer, self._clock, self._holder, self._lease = writer, clock, holder, lease
        self._stopping = False

    def stop(self) -> None:
        """Begin nothing more; what was handed to a provider is still waited for."""
        self._stopping = True

    async def drain(self) -> int:
        """Dispatch until nothing is due; returns how many deliveries were looked at."""
        done = 0
        while not self._stopping and (handled := await self.turn()):
            done += handled
        return done

    async def turn(self, limit: int = BATCH) -> int:
        """One round over what is due now; returns how many deliveries it took."""
        claimed = await asyncio.to_thread(self._claim, limit)
        if claimed:
            cases, rules = await asyncio.to_thread(self._settle, claimed)
            await self._send(cases, rules)
        return len(claimed)

    def take_over(self) -> int:
        """End the attempts and claims of a process that is known to be dead; returns how many attempts there were."""
        now, rules = self._clock(), self._library.rules()
        with self._database.reading() as connection:
            rows = nudges.attempted(connection)
            found = nudges.by_id(connection, [row.nudge for row in rows])
        facts = [(row.nudge, self._lost(found[row.nudge], row.recipient, rules, now)) for row in rows]
        self._database.write(nudges.release_all, Priority.DISPATCH)
        self._record(facts)
        return len(facts)

    def _claim(self, limit: int) -> list[Due]:
        now = self._clock()
        return self._database.write(
            lambda connection: nudges.claim(
                connection, now=micros(now), until=micros(now + self._lease), holder=self._holder, limit=limit
            ),
            Priority.DISPATCH,
        )

    def _settle(self, claimed: Sequence[Due]) -> tuple[list[Case], Rules]:
        """Decide; what is not sent gets its fact at once, what is sent is returned."""
        now, rules = self._clock(), self._library.rules()
        with self._database.reading() as connection:
            turn = look(connection, self._log, rules, claimed, now)
        decided = [(nudge, self._lost(nudge, recipient, rules, now)) for nudge, recipient in turn.lost]
        sending = {case.nudge.intent.id for case in turn.cases if isinstance(case.decision, Send)}
        decided += [
            (case.nudge, _unsent(case, now)) for case in turn.cases if case.nudge.intent.id not in sending
        ]  # fmt: skip
        self._commit(decided)
        self._release(turn.moved_on)
        return [case for case in turn.cases if case.nudge.intent.id in sending], rules

    def _release(self, ids: Sequence[UUID]) -> None:
        self._database.write(lambda connection: nudges.release(connection, ids), Priority.DISPATCH)

    def _lost(self, nudge: Nudge, recipient: str, rules: Rules, now: datetime) -> NudgeFact:
        """An attempt whose lease ran out without an outcome: whoever made it has died."""
        delivery = nudge.to(recipient)
        klass = rules.rulebook.versions[nudge.intent.version].trigger.klass
        notifier = self._notifiers.get(delivery.channel or "")
        removes = notifier is not None and notifier.removes_doubles
        return outcomes.unknown(delivery, "no_outcome", klass, removes_doubles=removes, now=now)

    def _commit(self, facts: Sequence[tuple[Nudge, NudgeFact]]) -> set[UUID]:
        """Append facts about nudges that have not moved since they were read; returns which those are."""
        return self._database.write(
            lambda connection: append_if_unmoved(connection, self._log, facts), Priority.DISPATCH
        )

    async def _send(self, cases: Sequence[Case], rules: Rules) -> None:
        free = asyncio.Semaphore(GROUPS_AT_ONCE)
        groups = _groups(cases)
        await asyncio.gather(*(self._send_group(group, rules, free) for group in groups))

    async def _send_group(self, cases: Sequence[Case], rules: Rules, free: asyncio.Semaphore) -> None:
        async with free:
            if self._stopping:
                await asyncio.to_thread(self._release, [case.nudge.intent.id for case in cases])
                return
            attempts = await asyncio.to_thread(self._attempt, cases, rules)
            by_channel: dict[str, list[Attempt]] = {}
            for attempt in attempts:
                by_channel.setdefault(attempt.message.channel, []).append(attempt)
            await asyncio.gather(*(self._send_on(channel, each) for channel, each in by_channel.items()))

    def _attempt(self, cases: Sequence[Case], rules: Rules) -> list[Attempt]:
        """Write the messages and commit the attempts; returns those that may be handed over."""
        now = self._clock()
        tried = [self._written(case, rules, now) for case in cases]
        facts = [
            (case.nudge, each.fact if isinstance(each, Attempt) else each)
            for case, each in zip(cases, tried, strict=True)
        ]  # fmt: skip
        kept = self._commit(facts)
        return [each for each in tried if isinstance(each, Attempt) and each.nudge in kept]

    def _written(self, case: Case, rules: Rules, now: datetime) -> NudgeFact | Attempt:
        if not isinstance(case.decision, Send):
            return _unsent(case, now)
        recipient, channel = case.recipient.pseudonym, case.decision.channel
        number = case.nudge.to(recipient).attempt + 1
        try:
            message = self._writer.write(case, rules, number, now)
        except WordsFailed:
            return NudgeWithheld(now, recipient, Reason.UNREADABLE.value)
        return Attempt(case, message, NudgeAttempted(now, recipient, number, channel, channel, now + self._lease))

    async def _send_on(self, channel: str, attempts: Sequence[Attempt]) -> None:
        latest = self._clock() + self._lease * 2 / 3
        safe = [attempt for attempt in attempts if attempt.fact.until > latest]
        late = [attempt for attempt in attempts if attempt.fact.until <= latest]
        facts: list[tuple[UUID, NudgeFact]]
        facts = [(attempt.nudge, _handed_back(attempt, self._clock())) for attempt in late]
        if safe:
            notifier = self._notifiers[channel]
            results = await notifier.send([attempt.message for attempt in safe])
            facts += self._facts(safe, results, removes_doubles=notifier.removes_doubles)
        await asyncio.to_thread(self._record, facts)

    def _facts(
        self, attempts: Sequence[Attempt], results: Sequence[Outcome], *, removes_doubles: bool
    ) -> list[tuple[UUID, NudgeFact]]:
        now = self._clock()
        return [
            (attempt.nudge, outcomes.fact_of(
                attempt.case.settlement, _as_attempted(attempt), result, removes_doubles=removes_doubles, now=now
            ))
            for attempt, result in zip(attempts, results, strict=True)
        ]  # fmt: skip

    def _record(self, facts: Sequence[tuple[UUID, NudgeFact]]) -> None:
        self._database.write(lambda connection: record(connection, self._log, facts), Priority.DISPATCH)


def _groups(cases: Sequence[Case]) -> list[list[Case]]:
    """The cases in groups of about GROUP, in their order; all of one nudge together, because they end together."""
    groups: list[list[Case]] = []
    for case in cases:
        same = groups and groups[-1][-1].nudge.intent.id == case.nudge.intent.id
        if not groups or (len(groups[-1]) >= GROUP and not same):
            groups.append([])
        groups[-1].append(case)
    return groups


def _unsent(case: Case, now: datetime) -> NudgeFact:
    recipient = case.recipient.pseudonym
    delivery = case.nudge.to(recipient)
    match case.decision:
        case Withhold(Reason.NO_ADDRESS) if delivery.attempt:
            reason = delivery.reason or Reason.NO_ADDRESS.value
            return NudgeFailed(now, recipient, delivery.attempt, reason, gave_up=True)
        case Withhold(reason):
            return NudgeWithheld(now, recipient, reason.value)
        case Defer(until, reason):
            return NudgeDeferred(now, recipient, until, reason.value)
        case _:
            return NudgeExpired(now, recipient)


def _as_attempted(attempt: Attempt) -> Delivery:
    """The delivery as of the attempt."""
    nudge = attempt.case.nudge
    return evolve(nudge, attempt.nudge, nudge.version + 1, attempt.fact).to(attempt.message.recipient)


def _handed_back(attempt: Attempt, now: datetime) -> NudgeFailed:
    """The lease is nearly over and nothing was handed to the provider: somebody else may try at once."""
    return NudgeFailed(now, attempt.message.recipient, attempt.message.attempt, "lease_over", now)
