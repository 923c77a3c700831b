"""Dispatch: claim what is due, settle, render, commit the attempt, send, commit the outcome."""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import Connection

from domain.facts import NudgeAttempted, NudgeFact, NudgeWithheld
from domain.nudge import Nudge
from domain.settle import Controls, Reason, Send
from notifiers.port import Notifier, Outcome
from projections import nudges
from projections.nudges import Due
from projections.tables import micros
from streams import outcomes
from streams.appending import record
from streams.attempts import Attempt, as_attempted, groups, handed_back, still_stopped, unsent
from streams.database import Database, Priority
from streams.digesting import Decided, Overflow, append_decided, crowded
from streams.library import Library, Rules
from streams.log import Log
from streams.planning import RulesMoved, refuse_moved_rules
from streams.settling import Case, look
from streams.wording import readable
from streams.writing import Writer
from templates.render import WordsFailed

BATCH = 200
GROUPS_AT_ONCE = 4
WOKEN_EVERY = timedelta(hours=1)
LEASE = timedelta(minutes=3)
"""How long an attempt may stay without an outcome; every notifier's send limit is less than a third of it."""


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
        self._waking = _Waking()

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
        claimed = await asyncio.to_thread(self._claim, limit) or await asyncio.to_thread(self._claim_stopped, limit)
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

    def _claim(self, limit: int, *, stopped: bool = False) -> list[Due]:
        now = self._clock()
        return self._database.write(
            lambda connection: nudges.claim(
                connection, now=micros(now), until=micros(now + self._lease), holder=self._holder, limit=limit,
                stopped=stopped,
            ),
            Priority.DISPATCH,
        )  # fmt: skip

    def _claim_stopped(self, limit: int) -> list[Due]:
        """What kill switches hold back, when it is time to look whether they still do; each once."""
        if self._waking.begins(self._library.rules().controls, self._clock()):
            self._database.write(nudges.release_stopped, Priority.DISPATCH)
        claimed = self._claim(limit, stopped=True) if self._waking.running else []
        self._waking.running = bool(claimed)
        return claimed

    def _settle(self, claimed: Sequence[Due]) -> tuple[list[Case], Rules]:
        """Decide; what is not sent gets its fact at once, what is sent is returned."""
        now, rules = self._clock(), self._library.rules()
        with self._database.reading() as connection:
            turn = look(connection, self._log, rules, claimed, now)
        cases = [readable(case, rules, now) for case in turn.cases]
        sending = {case.nudge.intent.id for case in cases if isinstance(case.decision, Send)}
        decided: list[Decided]
        decided = [(nudge, self._lost(nudge, recipient, rules, now)) for nudge, recipient in turn.lost]
        decided += [(each.nudge, unsent(each, now)) for case in cases for each in case.leaving]
        said = [case for case in cases if not still_stopped(case, now)]
        decided += [(case.nudge, unsent(case, now)) for case in said if case.nudge.intent.id not in sending]
        self._commit(decided)
        self._release(turn.moved_on)
        return [case for case in said if case.nudge.intent.id in sending], rules

    def _release(self, ids: Sequence[UUID]) -> None:
        self._database.write(lambda connection: nudges.release(connection, ids), Priority.DISPATCH)

    def _lost(self, nudge: Nudge, recipient: str, rules: Rules, now: datetime) -> NudgeFact:
        """An attempt whose lease ran out without an outcome: whoever made it has died."""
        delivery = nudge.to(recipient)
        klass = rules.rulebook.version(nudge.intent.version).trigger.klass
        notifier = self._notifiers.get(delivery.channel or "")
        removes = notifier is not None and notifier.removes_doubles
        return outcomes.unknown(delivery, "no_outcome", klass, removes_doubles=removes, now=now)

    def _commit(self, decided: Sequence[Decided]) -> set[UUID]:
        """Append facts about nudges that have not moved since they were read; returns which those are."""
        names = self._library.rules().rulebook.names
        return self._database.write(
            lambda connection: append_decided(connection, self._log, names, decided), Priority.DISPATCH
        )

    async def _send(self, cases: Sequence[Case], rules: Rules) -> None:
        free = asyncio.Semaphore(GROUPS_AT_ONCE)
        each_group = groups(cases)
        await asyncio.gather(*(self._send_group(group, rules, free) for group in each_group))

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
        try:
            kept = self._database.write(
                lambda connection: self._commit_attempts(connection, cases, tried, rules, now), Priority.DISPATCH
            )
        except RulesMoved:
            self._release([case.nudge.intent.id for case in cases])
            return []
        return [each for each in tried if isinstance(each, Attempt) and each.nudge in kept]

    def _commit_attempts(
        self, connection: Connection, cases: Sequence[Case], tried: Sequence[Attempt | NudgeFact | Overflow],
        rules: Rules, now: datetime,
    ) -> set[UUID]:  # fmt: skip
        """Append what still holds: the nudges have not moved, nor those that go with them, and the cap has room.

        Where the rules have changed since, nothing is sent by the old ones: a stop is obeyed at the next send. Who
        appends holds the log until they commit, so a stop comes before this append, and is seen, or after it.

        Raises:
            RulesMoved: others hold.
        """
        self._log.keys.hold(connection, [case.recipient.pseudonym for case in cases])  # nobody else sends to them
        attempts = [each for each in tried if isinstance(each, Attempt)]
        over = crowded(connection, [each.case.settlement for each in attempts], now)
        decided = [
            (case.nudge, each.fact if isinstance(each, Attempt) else each)
            for case, each in zip(cases, tried, strict=True) if case.nudge.intent.id not in over
        ]  # fmt: skip
        tied = {each.nudge: [member.nudge for member in each.case.members] for each in attempts}
        names = self._library.rules().rulebook.names
        nudges.release(connection, list(over))
        kept = append_decided(connection, self._log, names, decided, tied)
        refuse_moved_rules(connection, rules.position)
        return kept

    def _written(self, case: Case, rules: Rules, now: datetime) -> Attempt | NudgeFact | Overflow:
        if not isinstance(case.decision, Send):
            return unsent(case, now)
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
        facts = [(attempt.nudge, handed_back(attempt, self._clock())) for attempt in late]
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
                attempt.case.settlement, as_attempted(attempt), result, removes_doubles=removes_doubles, now=now
            ))
            for attempt, result in zip(attempts, results, strict=True)
        ]  # fmt: skip

    def _record(self, facts: Sequence[tuple[UUID, NudgeFact]]) -> None:
        self._database.write(lambda connection: record(connection, self._log, facts), Priority.DISPATCH)


class _Waking:
    """When to look at what kill switches hold back: at the start, when one was cleared, and now and then.

    (Whoever looked before may have died over it.)
    """

    def __init__(self) -> None:
        self.running = False
        self._stopped: AbstractSet[tuple[str, str]] = frozenset()
        self._looked: datetime | None = None

    def begins(self, controls: Controls, now: datetime) -> bool:
        """Whether another look begins."""
        cleared = self._stopped - controls.stopped
        self._stopped = controls.stopped
        if not cleared and self._looked is not None and now - self._looked < WOKEN_EVERY:
            return False
        self.running, self._looked = True, now
        return True
