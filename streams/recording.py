"""Recording what became of attempts: what a provider took over is not forgotten because the database was away."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import datetime
from functools import partial
from uuid import UUID

from sqlalchemy import Connection

from domain.facts import NudgeFact
from domain.ids import Names
from domain.nudge import Nudge, evolve
from projections import nudges
from streams.appending import record
from streams.database import Database, Priority
from streams.digesting import Decided, Overflow, append_decided
from streams.log import Log
from streams.outages import STORE_AWAY
from streams.receipts import NO_PARTS, Receipt, Receipts
from streams.refusals import Refusals
from streams.sent_parts import Parts

PAUSE = 1.0
"""Seconds until it is tried again."""
Outcomes = Sequence[tuple[UUID, NudgeFact]]


class Recording:
    """Appends outcomes, with what was reported early about them; also that an address was refused."""

    def __init__(self, database: Database, log: Log, receipts: Receipts, refusals: Refusals) -> None:
        self._database, self._log, self._receipts, self._refusals = database, log, receipts, refusals

    def record(self, facts: Outcomes) -> None:
        """Append them, once."""
        self._commit(lambda connection: self._record(connection, facts))

    def decided(self, decided: Sequence[Decided], names: Names) -> None:
        """Append what was decided about nudges that have not moved since they were read."""
        self._commit(lambda connection: self._decided(connection, decided, names))

    def _commit(self, work: Callable[[Connection], list[Receipt]]) -> None:
        self._refusals.learn(self._database.write(work, Priority.DISPATCH))

    def _decided(self, connection: Connection, decided: Sequence[Decided], names: Names) -> list[Receipt]:
        kept = append_decided(connection, self._log, names, decided)
        return self._receipts.catch_up(connection, [
            (nudge.intent.id, fact) for nudge, fact in decided
            if nudge.intent.id in kept and not isinstance(fact, Overflow)
        ])  # fmt: skip

    async def surely(
        self, facts: Outcomes, parts: Parts, known: Mapping[UUID, Nudge], until: datetime,
        clock: Callable[[], datetime], rest: Callable[[float], Awaitable[None]],
    ) -> None:  # fmt: skip
        """Append them as soon as the database answers, if that is by then: later, others call them unknown.

        `parts`: those that providers have of these; `known`: the nudges as they were a moment ago.
        """
        work = partial(self._record, facts=facts, parts=parts, known=known)
        while True:
            try:
                return await asyncio.to_thread(self._commit, work)
            except STORE_AWAY:
                if clock() >= until:
                    raise
                await rest(PAUSE)
                work = partial(self._record_what_is_new, facts=facts, parts=parts)

    def _record(
        self, connection: Connection, facts: Outcomes, parts: Parts = NO_PARTS,
        known: Mapping[UUID, Nudge] | None = None,
    ) -> list[Receipt]:  # fmt: skip
        record(connection, self._log, facts, known)
        return self._receipts.catch_up(connection, facts, parts)

    def _record_what_is_new(self, connection: Connection, facts: Outcomes, parts: Parts) -> list[Receipt]:
        """The commit may have come through although its answer did not."""
        found = nudges.held(connection, {id_ for id_, _ in facts})
        return self._record(connection, [
            (id_, fact) for id_, fact in facts if evolve(found[id_], id_, found[id_].version, fact) != found[id_]
        ], parts)  # fmt: skip
