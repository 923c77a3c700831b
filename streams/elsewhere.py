"""Leaving to others what only another process can send: there a provider has the only link that it allows."""

import asyncio
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from functools import partial

from domain.facts import NudgeSent
from projections import claims
from projections.tables import micros
from streams.cases import Case
from streams.database import Database, Priority
from streams.log import Log
from streams.routing import Routing

ALWAYS = datetime.min.replace(tzinfo=UTC)
MEANWHILE = timedelta(seconds=5)
"""For so long nobody claims it: this process would at once, again and again, in the way of what else is due."""
UNATTENDED = timedelta(minutes=2)
"""Whoever has the link has had many turns by then, and whoever waits for one that is free has asked for it twice."""


class Elsewhere:
    """Leaves to others what only another process can send, as long as somebody does.

    The link may be a session that outlived its process, or that of one that hangs: what nobody sends for a while is
    tried as by any provider that is away, so that the next channel has its turn.
    """

    def __init__(self, database: Database, log: Log, routing: Routing) -> None:
        self._database, self._routing, self._watch = database, routing, _Watch(database, log)

    async def without(self, cases: Sequence[Case], now: datetime) -> list[Case]:
        """The cases without the nudges that are left: no attempt at them is made, nor counted."""
        there = [each for each in cases if self._routing.is_elsewhere(each)] if self._routing.any_elsewhere else []
        if not there:
            return list(cases)
        await asyncio.to_thread(self._watch.look, now)
        left = {case.nudge.intent.id: case.nudge for case in there if not self._is_unattended(case, now)}
        work = partial(claims.leave, found=left.values(), until=micros(now + MEANWHILE))
        await asyncio.to_thread(self._database.write, work, Priority.DISPATCH)
        return [case for case in cases if case.nudge.intent.id not in left]

    def _is_unattended(self, case: Case, now: datetime) -> bool:
        """Whether it was due, and its provider took nothing over, for so long; or it would expire meanwhile."""
        due = case.nudge.to(case.recipient.pseudonym).due or now
        expires = case.nudge.intent.expires
        since = max(due, self._watch.idle_since(self._routing.likely(case)))
        return now >= since + UNATTENDED or (expires is not None and now >= expires - 2 * MEANWHILE)


class _Watch:
    """Reads from the log, while anything is left to others, since when nobody sends by a provider."""

    def __init__(self, database: Database, log: Log) -> None:
        self._database, self._log = database, log
        self._begun = self._looked = ALWAYS
        self._upto = 0
        self._took: dict[str, datetime] = {}

    def look(self, now: datetime) -> None:
        """See what was taken over since the last look; where that was too long ago, begin anew."""
        with self._database.reading() as connection:
            upto = self._log.facts.last_position(connection)
        if now - self._looked > UNATTENDED:
            self._begun = now
        else:
            pages = self._log.scan(self._upto, upto, (NudgeSent.TOPIC,))
            sent = (each.fact for page in pages for each in page)
            self._took |= {fact.provider: now for fact in sent if isinstance(fact, NudgeSent)}
        self._looked, self._upto = now, upto

    def idle_since(self, provider: str) -> datetime:
        """Since when it took nothing over that was seen here."""
        return max(self._begun, self._took.get(provider, self._begun))
