"""Dispatch: claim what is due, settle, render, commit the attempt, send, commit the outcome."""

import asyncio
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from uuid import UUID

from msgspec import Struct
from sqlalchemy import Connection

from domain.facts import (
    NudgeAttempted,
    NudgeDeferred,
    NudgeExpired,
    NudgeFact,
    NudgeFailed,
    NudgeWithheld,
)
from domain.nudge import Nudge, evolve
from domain.settle import Defer, Expire, Reason, Withhold
from notifiers.port import Message, Notifier, Outcome
from projections import nudges
from projections.nudges import Due
from projections.tables import micros
from streams import outcomes
from streams.database import Database, Priority
from streams.library import Library, Rules
from streams.log import Log
from streams.mapper import Entry
from streams.settling import Case, Turn, look
from streams.writing import Writer
from templates.render import WordsFailed

BATCH = 200
LEASE = timedelta(minutes=3)
"""How long an attempt may stay without an outcome; every notifier's send limit is less than a third of it."""


class Attempt(Struct, frozen=True):
    """A case on its way: the message, and until when its lease holds."""

    case: Case
    message: Message
    until: datetime


class Dispatcher:
    """Takes nudges from due to their end. Several may run at once: a claim keeps each delivery in one hand."""

    def __init__(
        self, database: Database, log: Log, library: Library, notifiers: Mapping[str, Notifier], writer: Writer,
        clock: Callable[[], datetime], *, holder: str, lease: timedelta = LEASE,
    ) -> None:  # fmt: skip
        self._database, self._log, self._library, self._notifiers = database, log, library, notifiers
        self._writer, self._clock, self._holder, self._lease = writer, clock, holder, lease

    async def drain(self) -> int:
        """Dispatch until nothing is due; returns how many deliveries were looked at."""
        done = 0
        while handled := await self.turn():
            done += handled
        return done

    async def turn(self, limit: int = BATCH) -> int:
        """One round over what is due now; returns how many deliveries it took."""
        claimed = await asyncio.to_thread(self._claim, limit)
        if claimed:
            attempts = await asyncio.to_thread(self._settle, claimed)
            await self._send(attempts)
        return len(claimed)

    def _claim(self, limit: int) -> list[Due]:
        now = self._clock()
        return self._database.write(
            lambda connection: nudges.claim(
                connection, now=micros(now), until=micros(now + self._lease), holder=self._holder, limit=limit
            ),
            Priority.DISPATCH,
        )

    def _settle(self, claimed: Sequence[Due]) -> list[Attempt]:
        now, rules = self._clock(), self._library.rules()
        with self._database.reading() as connection:
            turn = look(connection, self._log, rules, claimed, now)
        facts, attempts = self._decide(turn, rules, now)
        kept = self._database.write(
            lambda connection: _commit(connection, self._log, facts, claimed), Priority.DISPATCH
        )
        return [attempt for attempt in attempts if attempt.case.nudge.intent.id in kept]

    def _decide(self, turn: Turn, rules: Rules, now: datetime) -> tuple[list[tuple[Nudge, NudgeFact]], list[Attempt]]:
        facts: list[tuple[Nudge, NudgeFact]] = [
            (nudge, self._lost(nudge, recipient, rules, now)) for nudge, recipient in turn.lost
        ]
        attempts: list[Attempt] = []
        for case in turn.cases:
            decided = self._decided(case, rules, now)
            if isinstance(decided, Attempt):
                attempts.append(decided)
                facts.append((case.nudge, _attempted(decided, now)))
            else:
                facts.append((case.nudge, decided))
        return facts, attempts

    def _lost(self, nudge: Nudge, recipient: str, rules: Rules, now: datetime) -> NudgeFact:
        """An attempt whose lease ran out without an outcome: whoever made it has died."""
        delivery = nudge.to(recipient)
        klass = rules.rulebook.versions[nudge.intent.version].trigger.klass
        notifier = self._notifiers.get(delivery.channel or "")
        removes = notifier is not None and notifier.removes_doubles
        return outcomes.unknown(delivery, "no_outcome", klass, removes_doubles=removes, now=now)

    def _decided(self, case: Case, rules: Rules, now: datetime) -> NudgeFact | Attempt:
        recipient = case.recipient.pseudonym
        match case.decision:
            case Withhold(reason):
                return NudgeWithheld(now, recipient, reason.value)
            case Defer(until, reason):
                return NudgeDeferred(now, recipient, until, reason.value)
            case Expire():
                return NudgeExpired(now, recipient)
            case _:
                return self._attempt(case, rules, now)

    def _attempt(self, case: Case, rules: Rules, now: datetime) -> NudgeFact | Attempt:
        recipient = case.recipient.pseudonym
        try:
            message = self._writer.write(case, rules, case.nudge.to(recipient).attempt + 1, now)
        except WordsFailed:
            return NudgeWithheld(now, recipient, Reason.UNREADABLE.value)
        return Attempt(case, message, now + self._lease)

    async def _send(self, attempts: Sequence[Attempt]) -> None:
        by_channel: dict[str, list[Attempt]] = {}
        for attempt in attempts:
            by_channel.setdefault(attempt.message.channel, []).append(attempt)
        await asyncio.gather(*(self._send_on(channel, each) for channel, each in by_channel.items()))

    async def _send_on(self, channel: str, attempts: Sequence[Attempt]) -> None:
        safe = [attempt for attempt in attempts if self._clock() < attempt.until - self._lease * 2 / 3]
        late = [attempt for attempt in attempts if attempt not in safe]
        await asyncio.to_thread(self._record, [(attempt, _handed_back(attempt, self._clock())) for attempt in late])
        if safe:
            notifier = self._notifiers[channel]
            results = await notifier.send([attempt.message for attempt in safe])
            facts = self._facts(safe, results, removes_doubles=notifier.removes_doubles)
            await asyncio.to_thread(self._record, facts)

    def _facts(
        self, attempts: Sequence[Attempt], results: Sequence[Outcome], *, removes_doubles: bool
    ) -> list[tuple[Attempt, NudgeFact]]:
        now = self._clock()
        return [
            (attempt, outcomes.fact_of(
                attempt.case.settlement, _as_attempted(attempt), result, removes_doubles=removes_doubles, now=now
            ))
            for attempt, result in zip(attempts, results, strict=True)
        ]  # fmt: skip

    def _record(self, facts: Sequence[tuple[Attempt, NudgeFact]]) -> None:
        if facts:
            changes = [(attempt.case.nudge.intent.id, fact) for attempt, fact in facts]
            self._database.write(lambda connection: record(connection, self._log, changes), Priority.DISPATCH)


def _attempted(attempt: Attempt, now: datetime) -> NudgeAttempted:
    message = attempt.message
    return NudgeAttempted(
        now, message.recipient, message.attempt, message.channel, message.channel, attempt.until
    )  # fmt: skip


def _as_attempted(attempt: Attempt):  # type: ignore[no-untyped-def]  # noqa: ANN202
    nudge = attempt.case.nudge
    fact = _attempted(attempt, nudge.planned_at)
    return evolve(nudge, nudge.intent.id, nudge.version + 1, fact).to(attempt.message.recipient)


def _handed_back(attempt: Attempt, now: datetime) -> NudgeFailed:
    """The lease is nearly over and nothing was handed to the provider: somebody else may try at once."""
    return NudgeFailed(now, attempt.message.recipient, attempt.message.attempt, "lease_over", now)


def _commit(
    connection: Connection, log: Log, facts: Iterable[tuple[Nudge, NudgeFact]], claimed: Sequence[Due]
) -> set[UUID]:
    """Append the decisions of all nudges that have not moved since they were read; the others are let go."""
    by_nudge: dict[UUID, tuple[Nudge, list[NudgeFact]]] = {}
    for nudge, fact in facts:
        by_nudge.setdefault(nudge.intent.id, (nudge, []))[1].append(fact)
    versions = nudges.versions(connection, by_nudge)
    kept = {id_: each for id_, each in by_nudge.items() if versions.get(id_) == each[0].version}
    _append(connection, log, kept.values())
    nudges.release(connection, [row for row in claimed if row.nudge not in kept])
    return set(kept)


def record(connection: Connection, log: Log, facts: Sequence[tuple[UUID, NudgeFact]]) -> None:
    """Append facts to nudges as they are now: outcomes and receipts, which are accepted however late."""
    found = nudges.by_id(connection, [id_ for id_, _ in facts])
    by_nudge: dict[UUID, tuple[Nudge, list[NudgeFact]]] = {}
    for id_, fact in facts:
        by_nudge.setdefault(id_, (found[id_], []))[1].append(fact)
    _append(connection, log, by_nudge.values())


def _append(connection: Connection, log: Log, changes: Iterable[tuple[Nudge, Sequence[NudgeFact]]]) -> None:
    entries, after = [], []
    for nudge, facts in changes:
        current, id_ = nudge, nudge.intent.id
        for fact in facts:
            entries.append(Entry(id_, current.version + 1, fact))
            current = evolve(current, id_, current.version + 1, fact)
        after.append(current)
    nudges.store(connection, after)
    if entries:
        log.append(connection, entries)
