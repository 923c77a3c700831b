"""Exclusive links: leave cases to the process that has the only link to their provider, as long as it sends."""

import asyncio
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from functools import partial

from domain.facts.facts import NudgeSent
from projections import claims
from projections.tables import micros
from streams.delivery.admission.routing import Routing
from streams.delivery.decide.case import Case
from streams.log.log import Log
from streams.storage.database import Database, Priority

NEVER = datetime.min.replace(tzinfo=UTC)
LEFT_FOR = timedelta(seconds=5)
"""The time for which a left case is not claimed: else this process would claim it again before what else is due."""
UNATTENDED_AFTER = timedelta(minutes=2)
"""A time in which the process with the link gets many turns, and one that waits for a free link asks twice."""


class ExclusiveLinks:
    """Leaves cases to the process that has the only link to their provider, as long as it sends.

    The link may have outlived its process, or its process may hang. So a case that nobody sends for a while is tried
    here as with any provider that is away, and the next channel follows.
    """

    def __init__(self, database: Database, log: Log, routing: Routing) -> None:
        self._database, self._routing, self._watch = database, routing, _ProviderActivity(database, log)

    async def leave_to_others(self, cases: Sequence[Case], now: datetime) -> list[Case]:
        """Return the cases without those that are left to another process: no attempt is made or counted."""
        there = (
            [case for case in cases if self._routing.is_elsewhere(case)] if self._routing.has_link_elsewhere else []
        )
        if not there:
            return list(cases)
        await asyncio.to_thread(self._watch.read_on, now)
        left = {case.nudge.intent.id for case in there if not self._is_unattended(case, now)}
        keys = [case.key for case in cases if case.nudge.intent.id in left]
        work = partial(claims.postpone, these=keys, until=micros(now + LEFT_FOR))
        await asyncio.to_thread(self._database.write, work, Priority.DISPATCH)
        return [case for case in cases if case.nudge.intent.id not in left]

    def _is_unattended(self, case: Case, now: datetime) -> bool:
        """Return whether it has been due, and its provider idle, for UNATTENDED; or it is about to expire."""
        due = case.nudge.to(case.recipient.pseudonym).due or now
        expires = case.nudge.intent.expires
        since = max(due, self._watch.idle_since(self._routing.likely_provider(case)))
        return now >= since + UNATTENDED_AFTER or (expires is not None and now >= expires - 2 * LEFT_FOR)


class _ProviderActivity:
    """Reads from the log since when a provider is idle, as long as cases are left to other processes."""

    def __init__(self, database: Database, log: Log) -> None:
        self._database, self._log = database, log
        self._begun = self._looked = NEVER
        self._upto = 0
        self._accepted_at: dict[str, datetime] = {}

    def read_on(self, now: datetime) -> None:
        """Read what was accepted since the last look; if that was too long ago, begin again."""
        with self._database.reading() as connection:
            upto = self._log.facts.last_position(connection)
        if now - self._looked > UNATTENDED_AFTER:
            self._begun = now
        else:
            pages = self._log.scan(self._upto, upto, (NudgeSent.TOPIC,))
            sent = (entry.fact for page in pages for entry in page)
            self._accepted_at |= {fact.provider: now for fact in sent if isinstance(fact, NudgeSent)}
        self._looked, self._upto = now, upto

    def idle_since(self, provider: str) -> datetime:
        """Return the time since when no message accepted by the provider was seen here."""
        return max(self._begun, self._accepted_at.get(provider, self._begun))
