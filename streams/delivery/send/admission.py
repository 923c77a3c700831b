"""Admission: when a case may be sent, by the rates of its agency and provider and by the provider's open attempts."""

import asyncio
from collections.abc import Callable, Coroutine, Sequence
from datetime import datetime, timedelta
from functools import partial
from itertools import chain, takewhile
from typing import Any
from uuid import UUID

from msgspec import Struct

from streams.delivery.decide.case import Case
from streams.delivery.outcomes.attempts import RoutedCase
from streams.delivery.outcomes.unconfirmed import UnconfirmedCommits
from streams.delivery.send.claiming import Claims
from streams.delivery.send.concurrency import Bulkhead, Bulkheads, Permits
from streams.delivery.send.fair_ordering import FairOrdering, is_urgent
from streams.delivery.send.message import Messages
from streams.delivery.send.routing import ExclusiveLinks, Routing
from streams.delivery.send.task_group import TaskGroup
from streams.rules.context import WriteContext
from streams.rules.in_force import Rules

FRESH = timedelta(seconds=2)
"""The time that a decision holds while it waits: meanwhile people stop messages, move, and go to sleep."""
Back = asyncio.Future[Sequence[Case]]
"""The cases of a group that were not sent."""


class Terms(Struct, frozen=True):
    """The rules by which cases were decided, when, their messages, and how long a group waits for permits.

    `patience`: seconds; None: as long as it takes, and until the group has ended.
    """

    rules: Rules
    messages: Messages
    decided_at: datetime
    patience: float | None

    @property
    def until(self) -> datetime:
        """Return the time until which the decisions hold."""
        return self.decided_at + FRESH


class Admitted(Struct, frozen=True):
    """Cases that may be sent now, each at its slot; `permits`: of their provider, to be released."""

    routed: Sequence[RoutedCase]
    slots: Sequence[datetime]
    terms: Terms
    permits: Permits

    def slot(self, case: Case) -> datetime:
        """Return the time from which on the case may be handed over."""
        return next(slot for routed, slot in zip(self.routed, self.slots, strict=True) if routed.case is case)


class Admission:
    """Admits cases in small groups, several at a time for each provider; `deliver` sends what is admitted."""

    def __init__(
        self,
        context: WriteContext,
        routing: Routing,
        claims: Claims,
        unconfirmed: UnconfirmedCommits,
        tasks: TaskGroup,
        deliver: Callable[[Admitted], Coroutine[Any, Any, None]],
    ) -> None:
        self._clock, self._routing, self._claims, self._unconfirmed = context.clock, routing, claims, unconfirmed
        self._tasks, self._deliver = tasks, deliver
        self._exclusive = ExclusiveLinks(context.database, context.log, routing)
        self._ordering = FairOrdering(routing.is_limited)
        self.stopping = False

    async def send(self, cases: Sequence[Case], terms: Terms, bulkheads: Bulkheads) -> list[Case]:
        """Send the cases; return those for which there was no time or no permit.

        With `patience`, this returns as soon as no case waits; what providers have is not waited for.
        """
        with self._unconfirmed.watching(_ids(cases)):
            cases = await self._exclusive.without(cases, terms.decided_at)
        cases = (
            self._ordering.ordered(cases) if self._routing.rates.any else cases
        )  # one that waits holds up the next
        works = [
            partial(self._send_group, bulkhead, group, terms)
            for bulkhead, group in bulkheads.groups(cases, self._routing.likely)
        ]
        back = await (self._tasks.ended_of(works) if terms.patience is None else self._tasks.reported(works))
        return [*chain(*back)]

    async def _send_group(self, bulkhead: Bulkhead, cases: Sequence[Case], terms: Terms, back: Back) -> None:
        deliveries: list[asyncio.Task[None]] = []
        try:
            await self._admit(bulkhead, cases, terms, back, deliveries)
        finally:
            await asyncio.gather(*deliveries)

    async def _admit(
        self,
        bulkhead: Bulkhead,
        cases: Sequence[Case],
        terms: Terms,
        back: Back,
        deliveries: list[asyncio.Task[None]],
    ) -> None:
        """Admit a group as it gets slots and permits; give back what waited until its decision is stale."""
        left = [RoutedCase(case, self._routing.chosen(case)) for case in cases]
        limited = {
            waiting.case.nudge.intent.id for waiting in left if self._routing.limits(waiting.case, waiting.provider)
        }
        left.sort(key=lambda each: each.case.nudge.intent.id in limited)
        while left:
            if limited and not await self._has_permit(bulkhead, terms):  # nobody else can use a slot once it is taken
                self._set_aside(bulkhead, left, back)
                return
            with self._unconfirmed.watching(_ids([each.case for each in left])):
                slots = [] if self._is_over(terms) else await self._slots(left, terms.until)
            granted = await bulkhead.acquire(len(slots), terms.patience) if slots and not self.stopping else None
            if granted == 0:
                self._set_aside(bulkhead, left, back)
                return
            permits = Permits(bulkhead, granted or 0)
            if granted is None or self._is_over(terms):
                permits.release()
                ids = _ids([waiting.case for waiting in left])
                with self._unconfirmed.watching(ids):
                    await asyncio.to_thread(self._claims.release, ids)
                back.set_result([waiting.case for waiting in left])
                return
            admitted, left = Admitted(left[:granted], slots[:granted], terms, permits), left[granted:]
            if not left:
                back.set_result([])
            self._ordering.note([one.case for one in admitted.routed])
            deliveries.append(self._tasks.begin(self._deliver(admitted)))

    def _is_over(self, terms: Terms) -> bool:
        """Return whether nothing more is begun by these decisions."""
        return self.stopping or self._clock() > terms.until

    async def _has_permit(self, bulkhead: Bulkhead, terms: Terms) -> bool:
        """Return whether the bulkhead has a free permit, now or within the patience."""
        granted = await bulkhead.acquire(1, terms.patience)
        Permits(bulkhead, granted).release()
        return bool(granted)

    def _set_aside(self, bulkhead: Bulkhead, left: Sequence[RoutedCase], back: Back) -> None:
        bulkhead.set_aside(waiting.case.nudge.intent.id for waiting in left)
        back.set_result([waiting.case for waiting in left])

    async def _slots(self, routed: Sequence[RoutedCase], until: datetime) -> list[datetime]:
        """Return the slots of the first cases: of all without a rate, else of those as urgent as the first one."""
        limits = [self._routing.limits(one.case, one.provider) for one in routed]
        if not any(limits):
            return [self._clock()] * len(limits)
        urgent = is_urgent(routed[0].case)
        alike = takewhile(lambda each: is_urgent(each[0].case) is urgent, zip(routed, limits, strict=True))
        return await self._routing.rates.take(
            [limits_of_one for _, limits_of_one in alike], urgent=urgent, until=until
        )


def _ids(cases: Sequence[Case]) -> list[UUID]:
    return [case.nudge.intent.id for case in cases]
