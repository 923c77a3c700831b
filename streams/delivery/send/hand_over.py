"""Handing over: give committed attempts to their provider in one call, and record the outcomes."""

import asyncio
from collections import deque
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from itertools import chain
from uuid import UUID

from msgspec.structs import replace

from domain.facts.facts import NudgeFact
from notifiers.port.interface import Accepted, GiveUp, Message, Outcome, RetryLater, Unknown
from notifiers.port.routes import Provider, is_for_another
from streams.delivery.admission.concurrency import Permits, ProviderPlaces
from streams.delivery.admission.routing import Routing
from streams.delivery.admission.task_group import TaskGroup
from streams.delivery.outcomes import outcome_facts
from streams.delivery.outcomes.attempts import Attempt, not_handed_over, outcomes_of
from streams.delivery.outcomes.group_commit import AttemptOutcomes
from streams.delivery.outcomes.recording import Recorder
from streams.delivery.outcomes.suppression import refused_by
from streams.delivery.send.metrics import AttemptMetrics
from streams.storage.errors import UNAVAILABLE_ERRORS

RETRY_SECONDS = 1.0
"""Seconds until an outcome is committed again after the database was away."""
_BEST = (Accepted, Unknown, RetryLater, GiveUp)


class HandOver:
    """Hands attempts over and records their outcomes. `lease`: the time that an attempt may stay without one.

    Not more attempts than there are `places` are with providers: so many may be unknown after a kill.
    """

    def __init__(
        self,
        routing: Routing,
        recorder: Recorder,
        places: ProviderPlaces,
        clock: Callable[[], datetime],
        lease: timedelta,
    ) -> None:
        self._routing, self._recorder, self._clock, self._lease = routing, recorder, clock, lease
        self._places, self._tasks, self._metrics = places, TaskGroup(), AttemptMetrics()
        self._late, self._recording_late = deque[AttemptOutcomes](), asyncio.Lock()
        self.collectors = self._metrics.collectors
        self.stopping = False

    async def send(
        self, attempts: Sequence[Attempt], slot: datetime, permits: Permits, no_link: RetryLater | None = None
    ) -> None:
        """Hand attempts to their provider at the slot, in one call if there are places, and record the outcomes.

        An attempt is handed back if the call could outlast its lease, or if the dispatcher stops. `no_link`: why no
        link to the provider could be opened; then it is the outcome, and nothing is handed over.
        """
        try:
            await self._routing.wait_for_turn(attempts[0], slot)
            await self._call_in_places(attempts, permits, no_link)
        finally:
            permits.release()

    async def _call_in_places(
        self, attempts: Sequence[Attempt], permits: Permits, no_link: RetryLater | None
    ) -> None:
        places = await self._places.acquire(attempts[0].provider.name, len(attempts))
        now, left = attempts[: places.left], attempts[places.left :]
        others = [self._tasks.begin(self._call_in_places(left, permits, no_link))] if left else []
        try:
            await self._call(now, permits.split_off(len(now)), places, no_link)
        finally:
            await asyncio.gather(*others)

    async def _call(
        self, attempts: Sequence[Attempt], permits: Permits, places: Permits, no_link: RetryLater | None
    ) -> None:
        provider, latest = attempts[0].provider, self._clock() + self._lease * 2 / 3
        try:
            late = [attempt for attempt in attempts if self.stopping or attempt.fact.until <= latest]
            safe = [attempt for attempt in attempts if not self.stopping and attempt.fact.until > latest]
            back = [(attempt.nudge, not_handed_over(attempt, self._clock())) for attempt in late]
            with self._recorder.expecting_outcomes():
                copies = [attempt.copies for attempt in safe]
                messages = [*chain.from_iterable(copies)]
                answers = await self._results(provider, safe, messages, no_link) if safe else ()
            left = iter(answers)
            results = [best_outcome([next(left) for _ in each]) for each in copies]
            outcomes = outcomes_of([*back, *self._facts(safe, results)], safe, results)
            self._recorder.journal.note_answered(attempts, outcomes)
            places.release()
            known = {attempt.nudge: attempt.committed for attempt in attempts if attempt.committed is not None}
            await self._record(AttemptOutcomes(outcomes, known), attempts[0].fact.until, permits)
        finally:
            places.release()
            permits.release()
        if refused := refused_by(provider, messages, answers):
            await asyncio.to_thread(self._recorder.suppression.suppress, refused)

    async def record_late(self) -> None:
        """Record the outcomes that the database did not take before their lease was over.

        Call it before each claim, which would take such an attempt for one whose process has died.
        """
        async with self._recording_late:
            while self._late:
                answers = self._late.popleft()
                try:
                    await self._recorder.commit_outcomes(answers)
                except UNAVAILABLE_ERRORS:
                    self._late.appendleft(answers)
                    raise

    async def wait_ended(self) -> None:
        """Wait until nothing is with a provider."""
        await self._tasks.wait_ended()

    async def _results(
        self, provider: Provider, attempts: Sequence[Attempt], messages: Sequence[Message], no_link: RetryLater | None
    ) -> Sequence[Outcome]:
        if no_link is not None:
            return provider.retry_later(messages, no_link)
        self._recorder.journal.note_handed_over(attempts)
        return await provider.send(messages)

    def _facts(self, attempts: Sequence[Attempt], results: Sequence[Outcome]) -> list[tuple[UUID, NudgeFact]]:
        """Return the facts that record the outcomes."""
        now, facts = self._clock(), list[tuple[UUID, NudgeFact]]()
        for attempt, result in zip(attempts, results, strict=True):
            free = is_for_another(result) and not attempt.case.is_bound
            others = self._routing.other_providers(attempt) if free else ()
            attempted = outcome_facts.Attempted(attempt.case.settlement, attempt.delivery, attempt.provider, others)
            facts.append((attempt.nudge, outcome_facts.fact_of(attempted, result, now)))
        for attempt, (_, fact) in zip(attempts, facts, strict=True):
            self._metrics.note(attempt, fact, now)
        return facts

    async def _record(self, answers: AttemptOutcomes, until: datetime, permits: Permits) -> None:
        """Record outcomes as soon as the database answers; once the lease has ended, before the next claim.

        The permits are released first: an attempt that takes them is committed with these outcomes, or later.
        """
        count = permits.left
        while True:
            permits.release()
            try:
                return await self._recorder.commit_outcomes(answers)
            except UNAVAILABLE_ERRORS:
                permits.reclaim(count)
                answers = replace(answers, may_be_recorded=True)
                if self._clock() >= until:
                    self._late.append(answers)
                    raise
                await self._routing.rates.sleep(RETRY_SECONDS)


def best_outcome(outcomes: Sequence[Outcome]) -> Outcome:
    """Return the outcome of an attempt that went to several devices.

    One device that has it is enough: a retry would show it there again. What perhaps arrived is not repeated blindly
    because another device was busy.
    """
    return min(outcomes, key=lambda outcome: _BEST.index(type(outcome)))
