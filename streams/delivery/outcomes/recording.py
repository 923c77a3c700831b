"""Recording what became of attempts: what a provider took over is not forgotten because the database was away."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import datetime
from uuid import UUID

from msgspec.structs import replace
from sqlalchemy import Connection

from domain.core.ids import Names
from domain.facts.facts import NudgeFact
from domain.nudges.nudge import Nudge, evolve
from projections import nudges
from streams.delivery.decide.digesting import Decided, append_decided
from streams.delivery.decide.overflow import Overflow
from streams.delivery.outcomes.group_commit import Came, GroupCommit
from streams.delivery.outcomes.receipts import Outcomes, Receipt, Receipts
from streams.delivery.outcomes.suppression import Refusals
from streams.delivery.send.concurrency import Places
from streams.log.appending import record
from streams.log.log import Log
from streams.planning.planning import refuse_moved_rules
from streams.storage.database import Database, Priority
from streams.storage.errors import UNAVAILABLE_ERRORS

PAUSE = 1.0
"""Seconds until it is tried again."""


class Recording:
    """Appends outcomes, with what was reported early about them; also that an address was refused."""

    def __init__(
        self, database: Database, log: Log, receipts: Receipts, refusals: Refusals, clock: Callable[[], datetime]
    ) -> None:
        self._database, self._log, self._receipts, self._refusals = database, log, receipts, refusals
        self._clock = clock

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
        commits: GroupCommit,
        came: Came,
        until: datetime,
        places: Places,
        rest: Callable[[float], Awaitable[None]],
    ) -> None:
        """Append them as soon as the database answers, if that is by then: later, others call them unknown.

        The `places` are left at once: whatever takes them is committed together with these outcomes, or later.
        """
        count = places.left
        while True:
            places.leave()
            try:
                return await commits.record(came)
            except UNAVAILABLE_ERRORS:
                places.take_back(count)
                if self._clock() >= until:
                    raise
                await rest(PAUSE)
                came = replace(came, again=True)

    def take_in(self, connection: Connection, came: Came) -> list[Receipt]:
        """Append outcomes in the caller's transaction; gives what was reported early about them."""
        if came.again:
            return self._record_what_is_new(connection, came.outcomes)
        return self._record(connection, came.outcomes, came.known)

    def learn(self, receipts: Sequence[Receipt]) -> None:
        """Learn from what was reported, once it is committed."""
        self._refusals.learn(receipts)

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
