"""Admission: may this provider get this case now? Read it from top to bottom.

A case passes in the time for which its decision holds. One that gets no slot by then is released, to be claimed and
decided on again; one without a permit keeps its claim, and is claimed again as soon as there is one.
"""

import asyncio
from collections.abc import Callable, Coroutine, Sequence
from datetime import datetime, timedelta
from functools import partial
from itertools import chain, takewhile
from typing import Any

from msgspec import Struct

from domain.nudges.delivery import Due
from streams.delivery.admission.concurrency import Bulkhead, Bulkheads, Permits
from streams.delivery.admission.exclusive_links import ExclusiveLinks
from streams.delivery.admission.fair_ordering import FairOrdering, is_emergency, is_urgent
from streams.delivery.admission.routing import Routing
from streams.delivery.admission.task_group import TaskGroup
from streams.delivery.decide.case import Case
from streams.delivery.outcomes.attempts import RoutedCase
from streams.delivery.outcomes.unconfirmed import UnconfirmedCommits
from streams.rules.context import WriteContext

DECISION_HOLDS = timedelta(seconds=2)
"""The time that a decision holds while it waits: meanwhile people stop messages, move, and go to sleep."""
NotSent = asyncio.Future[Sequence[Case]]
"""The cases of a group that were not sent."""
Release = Callable[[Sequence[Due]], None]
"""Releases the claims on deliveries, so that they can be claimed again at once."""


class Admitted(Struct, frozen=True):
    """Cases that may be sent now, each at its slot; `permits`: of their provider, to be released."""

    routed: Sequence[RoutedCase]
    slots: Sequence[datetime]
    permits: Permits

    def slot(self, case: Case) -> datetime:
        """Return the time from which on the case may be handed over."""
        return next(slot for routed, slot in zip(self.routed, self.slots, strict=True) if routed.case is case)


class Terms(Struct, frozen=True):
    """The terms of an admission: when cases were decided on, how long they wait for permits, and how they are sent.

    `patience`: seconds; None: as long as it takes, and until the group has ended.
    """

    decided_at: datetime
    patience: float | None
    deliver: Callable[[Admitted], Coroutine[Any, Any, None]]

    @property
    def decisions_hold_until(self) -> datetime:
        """Return the time until which the decisions hold."""
        return self.decided_at + DECISION_HOLDS


class Admission:
    """Admits cases in small groups, several at a time for each provider, and has the admitted ones sent."""

    def __init__(
        self,
        context: WriteContext,
        routing: Routing,
        unconfirmed: UnconfirmedCommits,
        tasks: TaskGroup,
        release: Release,
    ) -> None:
        self._clock, self._routing, self._unconfirmed = context.clock, routing, unconfirmed
        self._tasks, self._release = tasks, release
        self._exclusive = ExclusiveLinks(context.database, context.log, routing)
        self._ordering = FairOrdering(routing.is_limited)
        self.stopping = False

    async def send(self, cases: Sequence[Case], terms: Terms, bulkheads: Bulkheads) -> list[Case]:
        """Send the cases; return those for which there was no time or no permit.

        With `patience`, this returns as soon as no case waits; what providers have is not waited for.
        """
        with self._unconfirmed.remembering(_keys(cases)):
            cases = await self._exclusive.leave_to_others(cases, terms.decided_at)
        if self._routing.rates.has_any:  # one that waits holds up the next
            cases = self._ordering.ordered(cases)
        works = [
            partial(self._send_group, bulkhead, group, terms)
            for bulkhead, group in bulkheads.groups(cases, self._routing.likely_provider)
        ]
        not_sent = await (
            self._tasks.gather_ended(works) if terms.patience is None else self._tasks.gather_reported(works)
        )
        return [*chain(*not_sent)]

    async def _send_group(self, bulkhead: Bulkhead, cases: Sequence[Case], terms: Terms, not_sent: NotSent) -> None:
        deliveries: list[asyncio.Task[None]] = []
        try:
            await self._admit(bulkhead, cases, terms, not_sent, deliveries)
        finally:
            await asyncio.gather(*deliveries)

    async def _admit(
        self,
        bulkhead: Bulkhead,
        cases: Sequence[Case],
        terms: Terms,
        not_sent: NotSent,
        deliveries: list[asyncio.Task[None]],
    ) -> None:
        """Admit a group as it gets slots and permits, those without a rate first; give back what does not pass."""
        routed = [RoutedCase(case, self._routing.choose_provider(case)) for case in cases]
        left, limited = self._limited_last(routed)
        while left:
            if limited and not await self._has_permit(bulkhead, terms):  # nobody else can use a slot once it is taken
                self._set_aside(bulkhead, left, not_sent)
                return
            slots = await self._slots(left, terms)
            granted = await bulkhead.acquire(len(slots), terms.patience) if slots and not self.stopping else None
            if granted == 0:
                self._set_aside(bulkhead, left, not_sent)
                return
            permits = Permits(bulkhead, granted or 0)
            if granted is None or self._begins_no_more(terms):
                permits.release()
                await self._give_back(left, not_sent)
                return
            admitted, left = Admitted(left[:granted], slots[:granted], permits), left[granted:]
            if not left:
                not_sent.set_result([])
            self._ordering.note_sent([one.case for one in admitted.routed])
            deliveries.append(self._tasks.begin(terms.deliver(admitted)))

    def _limited_last(self, routed: Sequence[RoutedCase]) -> tuple[list[RoutedCase], bool]:
        """Return the cases, those of nudges under a rate last, and whether there are any of these."""
        limited = {one.case.nudge.intent.id for one in routed if self._routing.limits(one.case, one.provider)}
        return sorted(routed, key=lambda one: one.case.nudge.intent.id in limited), bool(limited)

    def _begins_no_more(self, terms: Terms) -> bool:
        """Return whether nothing more is begun by these decisions."""
        return self.stopping or self._clock() > terms.decisions_hold_until

    async def _has_permit(self, bulkhead: Bulkhead, terms: Terms) -> bool:
        """Return whether the bulkhead has a free permit, now or within the patience."""
        granted = await bulkhead.acquire(1, terms.patience)
        Permits(bulkhead, granted).release()
        return bool(granted)

    async def _slots(self, routed: Sequence[RoutedCase], terms: Terms) -> list[datetime]:
        """Return the slots of the first cases: of all without a rate, else of those as urgent as the first one.

        An empty list once the decisions do not hold any more.
        """
        if self._begins_no_more(terms):
            return []
        limits = [self._routing.limits(one.case, one.provider) for one in routed]
        if not any(limits):
            return [self._clock()] * len(limits)
        urgent = is_urgent(routed[0].case)
        alike = takewhile(lambda each: is_urgent(each[0].case) is urgent, zip(routed, limits, strict=True))
        wanted = [limits_of_one for _, limits_of_one in alike]
        if not any(wanted):
            return [self._clock()] * len(wanted)
        with self._unconfirmed.remembering(_keys([one.case for one in routed])):
            return await self._routing.rates.take_slots(wanted, urgent=urgent, until=terms.decisions_hold_until)

    def _set_aside(self, bulkhead: Bulkhead, left: Sequence[RoutedCase], not_sent: NotSent) -> None:
        """Keep the claims of cases for which there is no permit, until there is one."""
        cases = [waiting.case for waiting in left]
        bulkhead.set_aside(_keys(cases), first=any(map(is_emergency, cases)))  # an emergency is claimed alone
        not_sent.set_result(cases)

    async def _give_back(self, left: Sequence[RoutedCase], not_sent: NotSent) -> None:
        """Release the claims of cases whose decision is stale."""
        cases = [waiting.case for waiting in left]
        with self._unconfirmed.remembering(_keys(cases)):
            await asyncio.to_thread(self._release, _keys(cases))
        not_sent.set_result(cases)


def _keys(cases: Sequence[Case]) -> list[Due]:
    return [case.key for case in cases]
