"""Recording what became of attempts: what a provider took over is not forgotten because the database was away."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import datetime
from functools import partial
from uuid import UUID

from msgspec.structs import replace
from sqlalchemy import Connection

from domain.facts import NudgeFact
from domain.ids import Names
from domain.nudge import Nudge, evolve
from projections import nudges
from streams.appending import record
from streams.database import Database, Priority
from streams.digesting import Decided, append_decided
from streams.log import Log
from streams.outages import STORE_AWAY
from streams.overflow import Overflow
from streams.planning import refuse_moved_rules
from streams.receipts import Outcomes, Receipt, Receipts
from streams.refusals import Refusals

PAUSE = 1.0
"""Seconds until it is tried again."""


class Recording:
    """Appends outcomes, with what was reported early about them; also that an address was refused."""

    def __init__(self, database: Database, log: Log, receipts: Receipts, refusals: Refusals) -> None:
        self._database, self._log, self._receipts, self._refusals = database, log, receipts, refusals

    def record(self, facts: Sequence[tuple[UUID, NudgeFact]]) -> None:
        """Append them, once."""
        self._commit(lambda connection: self._record(connection, Outcomes(facts)))

    def decided(self, decided: Sequence[Decided], names: Names, position: int | None = None) -> None:
        """Append what was decided about nudges that have not moved since they were read.

        `position`: of the rules that it was decided by; None: what a provider answered, which no rule changes.

        Raises:
            RulesMoved: others hold.
        """
        self._commit(lambda connection: self._decided(connection, decided, names, position))

    def _commit(self, work: Callable[[Connection], list[Receipt]]) -> None:
        self._refusals.learn(self._database.write(work, Priority.DISPATCH))

    def _decided(
        self, connection: Connection, decided: Sequence[Decided], names: Names, position: int | None
    ) -> list[Receipt]:
        kept = append_decided(connection, self._log, names, decided)
        if position is not None:
            refuse_moved_rules(connection, position)
        return self._receipts.catch_up(
            connection,
            Outcomes(
                [
                    (nudge.intent.id, fact)
                    for nudge, fact in decided
                    if nudge.intent.id in kept and not isinstance(fact, Overflow)
                ]
            ),
        )

    async def surely(
        self,
        outcomes: Outcomes,
        known: Mapping[UUID, Nudge],
        until: datetime,
        clock: Callable[[], datetime],
        rest: Callable[[float], Awaitable[None]],
    ) -> None:
        """Append them as soon as the database answers, if that is by then: later, others call them unknown.

        `known`: the nudges as they were a moment ago.
        """
        work = partial(self._record, outcomes=outcomes, known=known)
        while True:
            try:
                return await asyncio.to_thread(self._commit, work)
            except STORE_AWAY:
                if clock() >= until:
                    raise
                await rest(PAUSE)
                work = partial(self._record_what_is_new, outcomes=outcomes)

    def _record(
        self, connection: Connection, outcomes: Outcomes, known: Mapping[UUID, Nudge] | None = None
    ) -> list[Receipt]:
        record(connection, self._log, outcomes.facts, known)
        return self._receipts.catch_up(connection, outcomes)

    def _record_what_is_new(self, connection: Connection, outcomes: Outcomes) -> list[Receipt]:
        """The commit may have come through although its answer did not."""
        found = nudges.held(connection, {id_ for id_, _ in outcomes.facts})
        return self._record(
            connection,
            replace(
                outcomes,
                facts=[
                    (id_, fact)
                    for id_, fact in outcomes.facts
                    if evolve(found[id_], id_, found[id_].version, fact) != found[id_]
                ],
            ),
        )
