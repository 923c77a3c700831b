"""Dispatch: claim what is due, settle, and give what is to be sent to Sending."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from collections.abc import Set as AbstractSet
from contextlib import suppress
from datetime import datetime, timedelta
from itertools import compress
from typing import NamedTuple

from domain.facts.facts import NudgeFact
from domain.nudges.settle import Controls, Send, Settlement
from projections import claims, nudges
from projections.front import Front
from projections.lanes import Shares
from projections.nudges import Due
from projections.tables import micros
from streams.delivery.decide.case import Case
from streams.delivery.decide.digesting import Decided
from streams.delivery.decide.rendering import readable
from streams.delivery.decide.restore_doubt import is_in_doubt, lost_before, presumed
from streams.delivery.decide.settling import Looking, look
from streams.delivery.outcomes import outcomes
from streams.delivery.outcomes.attempts import still_stopped, unsent
from streams.delivery.send.concurrency import IN_FLIGHT, Budgets, Rooms
from streams.delivery.send.sending import Sending
from streams.log.log import Log
from streams.rules.in_force import Rules
from streams.rules.library import Library
from streams.storage.database import Database, Priority
from streams.storage.errors import UNAVAILABLE_ERRORS

BATCH = 256
WOKEN_EVERY = timedelta(hours=1)
LEASE = timedelta(minutes=3)
"""How long an attempt may stay without an outcome; every notifier's send limit is less than a third of it."""


class Dispatcher:
    """Takes nudges from due to their end. Several may run at once: a claim keeps each delivery in one hand."""

    def __init__(
        self,
        database: Database,
        log: Log,
        library: Library,
        sending: Sending,
        clock: Callable[[], datetime],
        *,
        holder: str,
        lease: timedelta = LEASE,
        in_flight: int = IN_FLIGHT,
    ) -> None:
        self._database, self._log, self._library, self._sending = database, log, library, sending
        self.collectors = (sending.outcomes, sending.sent_after)
        self._clock, self._holder, self._lease = clock, holder, lease
        self._stopping = False
        self._waking = _Waking()
        self._front, self._urgent_front = Front(), Front()
        self._shares, self._urgent_shares = Shares(), Shares()
        budgets = Budgets(sending.routing.providers, in_flight)
        self._rooms, self._urgent_rooms = Rooms(budgets), Rooms(budgets)
        self._ahead: _Ready | None = None

    def stop(self) -> None:
        """Begin nothing more; what was handed to a provider is still waited for."""
        self._stopping = True
        self._sending.stop()

    async def ended(self) -> None:
        """Until nothing is with a provider, also of what a drain that failed has left behind."""
        await self._sending.under_way.ended()
        left = self._rooms.wanted(every=True) + self._urgent_rooms.wanted(every=True)
        with suppress(*UNAVAILABLE_ERRORS):  # then their claims run out
            await asyncio.to_thread(self._sending.release, left)

    async def drain(self, batch: int = BATCH, patience: float | None = None) -> int:
        """Dispatch until nothing is due; returns how many deliveries were looked at.

        While some are sent, the next are claimed and decided on, as another process might. With `patience` providers
        are not waited for, and room with one so many seconds at most: what there is none for keeps its claim.
        """
        self._sending.under_way.raise_failure()
        done, ready = 0, self._taken() or await self._prepare(batch)
        while ready is not None:
            done += ready.claimed
            ready = await self._send_and_prepare(ready, batch, patience)
        return done

    async def drain_urgent(self, patience: float | None = None) -> int:
        """Dispatch what is urgent until none is due: beside the other drain, so that no mass mailing is in front."""
        done = 0
        while not self._stopping and (claimed := await self._claimed_urgent()):
            ready = await asyncio.to_thread(self._settle, claimed)
            await self._send(ready, self._urgent_rooms, self._urgent_shares, patience)
            done += len(claimed)
        return done

    async def _claimed_urgent(self) -> list[Due]:
        await self._take_back(self._urgent_rooms)
        return await asyncio.to_thread(self._claim, BATCH, urgent=True)

    async def _take_back(self, rooms: Rooms) -> None:
        """What there is room for by now can be claimed again."""
        if wanted := rooms.wanted():
            await asyncio.to_thread(self._sending.release, wanted)

    async def turn(self, limit: int = BATCH) -> int:
        """One round over what is due now; returns how many deliveries it took."""
        ready = await self._prepare(limit)
        if ready is None:
            return 0
        await self._send(ready, self._rooms, self._shares)
        return ready.claimed

    async def _prepare(self, limit: int) -> "_Ready | None":
        """Claim what is due and decide on it; None where nothing is, or nothing is to be begun."""
        if self._stopping:
            return None
        await self._take_back(self._rooms)
        claimed = await asyncio.to_thread(self._claim, limit) or await asyncio.to_thread(self._claim_stopped, limit)
        return await asyncio.to_thread(self._settle, claimed) if claimed else None

    async def _send(self, ready: "_Ready", rooms: Rooms, shares: Shares, patience: float | None = None) -> None:
        back = await self._sending.send(ready.cases, ready.rules, ready.at, rooms, patience)
        shares.learn(nudges.lane(case.nudge.intent) for case in back)
        await self._sending.asking.begin(ready.asked, ready.rules, waits=patience is None)

    async def _send_and_prepare(self, ready: "_Ready", batch: int, patience: float | None) -> "_Ready | None":
        """Send these; gives the next, prepared meanwhile where no rate binds; or what was let go of in sending."""
        sending = self._send(ready, self._rooms, self._shares, patience)
        await _both(sending, _nothing() if self._sending.paced else self._look_ahead(batch))
        self._sending.under_way.raise_failure()
        return self._taken() or await self._prepare(batch)

    async def _look_ahead(self, batch: int) -> None:
        """Prepare the next; if the sending fails meanwhile, the next drain begins with them."""
        self._ahead = await self._prepare(batch)

    def _taken(self) -> "_Ready | None":
        ahead, self._ahead = self._ahead, None
        return ahead

    def take_over(self) -> int:
        """End the attempts and claims of a process that is known to be dead; returns how many attempts there were."""
        now, rules = self._clock(), self._library.rules()
        with self._database.reading() as connection:
            rows = nudges.attempted(connection)
            found = nudges.by_id(connection, [row.nudge for row in rows])
            open_ = [(found[row.nudge], row.recipient) for row in rows]
            lost = Looking(connection, self._log, rules, now).settlements(open_)
        facts = [(each.nudge.intent.id, self._lost(each, rules, now)) for each in lost]
        self._database.write(nudges.release_all, Priority.DISPATCH)
        self._sending.record(facts)
        return len(facts)

    def _claim(self, limit: int, *, stopped: bool = False, urgent: bool = False) -> list[Due]:
        self._sending.unanswered.settle()
        now = self._clock()
        front = None if stopped else self._urgent_front if urgent else self._front
        shares = None if not self._sending.paced else self._urgent_shares if urgent else self._shares
        return self._database.write(
            lambda connection: claims.claim(
                connection,
                now=micros(now),
                until=micros(now + self._lease),
                holder=self._holder,
                limit=limit,
                stopped=stopped,
                urgent=urgent,
                front=front,
                shares=shares,
            ),
            Priority.DISPATCH,
        )

    def _claim_stopped(self, limit: int) -> list[Due]:
        """What kill switches hold back, when it is time to look whether they still do; each once."""
        if self._waking.begins(self._library.rules().controls, self._clock()):
            self._database.write(nudges.release_stopped, Priority.DISPATCH)
        claimed = self._claim(limit, stopped=True) if self._waking.running else []
        self._waking.running = bool(claimed)
        return claimed

    def _settle(self, claimed: Sequence[Due]) -> "_Ready":
        """Decide; what is not sent gets its fact at once, what is sent is returned."""
        now, rules = self._clock(), self._library.rules()
        with self._database.reading() as connection:
            turn = look(connection, self._log, rules, claimed, now)
        every = [readable(case, rules, now) for case in turn.cases]
        doubtful = [is_in_doubt(case, rules.governed.doubt_until) for case in every]
        cases = [case for case, doubt in zip(every, doubtful, strict=True) if not doubt]
        sending = {case.nudge.intent.id for case in cases if isinstance(case.decision, Send)}
        decided: list[Decided]
        decided = [(each.nudge, self._lost(each, rules, now)) for each in turn.lost]
        before = {each.nudge.intent.id: lost_before(each, rules.governed.doubt_until, now) for each in turn.asked}
        decided += [(each.nudge, fact) for each in turn.asked if (fact := before[each.nudge.intent.id]) is not None]
        decided += presumed(compress(every, doubtful), now)
        decided += [(each.nudge, unsent(each, now)) for case in cases for each in case.leaving]
        said = [case for case in cases if not still_stopped(case, now)]
        decided += [(case.nudge, unsent(case, now)) for case in said if case.nudge.intent.id not in sending]
        self._commit(decided, rules)
        self._sending.release(turn.moved_on)
        going = [case for case in said if case.nudge.intent.id in sending]
        asked = [each for each in turn.asked if before[each.nudge.intent.id] is None]
        return _Ready(len(claimed), going, rules, self._clock(), asked)

    def _lost(self, case: Settlement, rules: Rules, now: datetime) -> NudgeFact:
        """An attempt whose lease ran out without an outcome: whoever made it has died."""
        if (before := lost_before(case, rules.governed.doubt_until, now)) is not None:
            return before
        delivery = case.nudge.to(case.person.pseudonym)
        return outcomes.unknown(
            outcomes.Tried(case, delivery, self._sending.routing.provider(delivery)), "no_outcome", now
        )

    def _commit(self, decided: Sequence[Decided], rules: Rules) -> None:
        """Append facts about nudges that have not moved since they were read."""
        if decided:
            self._sending.decide(decided, rules)


async def _both(first: Awaitable[None], second: Awaitable[None]) -> None:
    """Until both have ended; what one failed with is raised only then."""
    for failure in await asyncio.gather(first, second, return_exceptions=True):
        if isinstance(failure, BaseException):
            raise failure


async def _nothing() -> None:
    """Prepared nothing."""


class _Ready(NamedTuple):
    """What was claimed and decided on: how many deliveries it was, and what is to be sent, by which rules; when.

    `asked`: what providers are to be asked about.
    """

    claimed: int
    cases: list[Case]
    rules: Rules
    at: datetime
    asked: list[Settlement]


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
