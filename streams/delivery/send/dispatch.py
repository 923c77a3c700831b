"""Dispatch: take deliveries from due to their recorded outcome. Read it from top to bottom.

An attempt is in the log before its message leaves. If the process dies in between, the outcome is unknown, and
nothing is sent twice unnoticed.
"""

import asyncio
from collections.abc import Sequence
from contextlib import suppress
from functools import partial

from msgspec.structs import replace

from domain.nudges.delivery import Due
from streams.delivery.admission.admission import DECISION_HOLDS, Admission, Admitted, Terms
from streams.delivery.admission.concurrency import MOST_WITH_JOURNAL, Budgets, ProviderPlaces
from streams.delivery.admission.routing import Routing
from streams.delivery.admission.task_group import TaskGroup, wait_for_both
from streams.delivery.decide.case import key_of
from streams.delivery.outcomes.attempts import Attempt
from streams.delivery.outcomes.group_commit import IntendedAttempts
from streams.delivery.outcomes.recording import Recorder
from streams.delivery.send.claiming import Claimant, Claims, DispatchLane
from streams.delivery.send.deciding import Batch, Decider
from streams.delivery.send.hand_over import HandOver
from streams.delivery.send.message import AttemptWriter, MessageBuilder
from streams.delivery.send.recovery import Recovery
from streams.delivery.send.status_query import StatusQueries
from streams.planning.person_plans import RulesMoved
from streams.rules.context import WriteContext
from streams.storage.errors import UNAVAILABLE_ERRORS

BATCH = 256


class Dispatcher:
    """Dispatches what is due. Several may run at once: a claim keeps each delivery with one of them."""

    def __init__(
        self,
        context: WriteContext,
        routing: Routing,
        messages: MessageBuilder,
        recorder: Recorder,
        claimant: Claimant,
    ) -> None:
        self._routing, self._recorder, self._tasks = routing, recorder, TaskGroup()
        self._claims = Claims(context, claimant.name, claimant.lease, fair=routing.rates.has_any)
        self._recovery = Recovery(context, routing, recorder, self._claims)
        self._decider = Decider(context, recorder, self._claims, self._recovery)
        self._unconfirmed = recorder.unconfirmed
        self._admission = Admission(context, routing, self._unconfirmed, self._tasks, self._claims.release)
        self._intentions = AttemptWriter(context, messages, claimant.lease)
        places = ProviderPlaces(Budgets(routing.removes_doubles, claimant.in_flight, bulkheads_per_provider=1))
        self._hand_over = HandOver(routing, recorder, places, context.clock, claimant.lease)
        self._status_queries = StatusQueries(context, routing, recorder, self._tasks)
        budgets = Budgets(
            routing.removes_doubles,
            claimant.in_flight,
            lambda: MOST_WITH_JOURNAL if recorder.journal.is_kept else claimant.in_flight,
        )
        self._lane, self._urgent = DispatchLane(budgets, urgent=False), DispatchLane(budgets, urgent=True)
        self._next_batch: Batch | None = None
        self._stopping = False
        self._clock = context.clock
        self.collectors = self._hand_over.collectors

    async def drain(self, batch: int = BATCH, patience: float | None = None) -> int:
        """Dispatch until nothing is due; return how many deliveries were claimed.

        While a batch is sent, the next one is claimed and decided on. With `patience` providers are not waited for,
        and permits so many seconds at most: a delivery without one keeps its claim. The batch with the last
        of what is due is then the end: what becomes due meanwhile is for the next call, by a signal or the timetable.
        """
        self._tasks.raise_failure()
        done, ready = 0, self._take_next() or await self._prepare(self._lane, batch)
        while ready is not None:
            done += ready.claimed
            ready = await self._send_and_prepare(ready, batch, patience)
        return done

    async def drain_urgent(self, patience: float | None = None) -> int:
        """Dispatch urgent deliveries until none is due; run beside `drain`, no mass mailing holds them up."""
        done = 0
        while (ready := await self._prepare(self._urgent, BATCH)) is not None:
            await self._send(self._urgent, ready, patience)
            done += ready.claimed
            if patience is not None and self._urgent.front.found_all:
                break
        return done

    async def drain_batch(self, limit: int = BATCH) -> int:
        """Dispatch one batch of what is due now; return how many deliveries were claimed."""
        ready = await self._prepare(self._lane, limit)
        if ready is None:
            return 0
        await self._send(self._lane, ready)
        return ready.claimed

    def release_postponed(self) -> None:
        """Let messages that wait for a plan be claimed again at once, because more was planned."""
        self._claims.release_postponed()

    async def _prepare(self, lane: DispatchLane, limit: int) -> Batch | None:
        """Claim what is due, decide on it and write messages; None if nothing is due, or nothing more is begun."""
        if self._stopping:
            return None
        await self._hand_over.record_late()
        if ready_again := lane.bulkheads.take_ready():
            with self._unconfirmed.remembering(ready_again):
                await asyncio.to_thread(self._claims.release, ready_again)
        claimed = await asyncio.to_thread(self._decider.claim, lane, limit)
        with self._unconfirmed.remembering(claimed):
            return await asyncio.to_thread(self._decide_and_write, claimed) if claimed else None

    def _decide_and_write(self, claimed: Sequence[Due]) -> Batch:
        batch = self._decider.decide(claimed)
        return replace(batch, messages=self._intentions.write_messages(batch.cases, batch.rules))

    async def _send(self, lane: DispatchLane, batch: Batch, patience: float | None = None) -> None:
        """Admit the cases by rates and permits, which calls `_deliver`; then ask providers about unknown outcomes."""
        terms = Terms(batch.decided_at, patience, partial(self._deliver, batch))
        with self._unconfirmed.remembering([key_of(case) for case in batch.questions]):
            not_sent = await self._admission.send(batch.cases, terms, lane.bulkheads)
        lane.claim_less_of(not_sent)
        await self._status_queries.begin(batch.questions, batch.rules, waits=patience is None)

    async def _deliver(self, batch: Batch, admitted: Admitted) -> None:
        """Have links opened, commit the attempts, and hand them over, each call at its slot."""
        permits, claimed = admitted.permits, [each.case.key for each in admitted.routed]
        try:
            begun = self._clock()
            no_links = await self._routing.unready_providers(
                each.provider for each in admitted.routed if each.provider
            )
            if not no_links and self._clock() > begun + DECISION_HOLDS:
                with self._unconfirmed.remembering(claimed):
                    await asyncio.to_thread(self._claims.release, claimed)  # to be decided on again
                return
            with self._unconfirmed.remembering(claimed):
                intended = self._intentions.attempts_of(admitted.routed, batch.rules, batch.messages)
            attempts = await self._commit(intended)
            permits.release(len(claimed) - len(attempts))
            with self._unconfirmed.remembering(claimed, attempts):
                await self._routing.reserve_pieces(attempts)
            calls = [(call, permits.split_off(len(call))) for call in self._routing.calls(attempts)]
            await self._tasks.gather(
                self._hand_over.send(
                    call, admitted.slot(call[0].case), its_permits, no_links.get(call[0].provider.name)
                )
                for call, its_permits in calls
            )
        finally:
            permits.release()

    async def _commit(self, intended: IntendedAttempts) -> list[Attempt]:
        """Commit the attempts; return those that may be handed over: none if the rules have changed."""
        try:
            return await self._recorder.commit_attempts(intended)
        except RulesMoved:
            with self._unconfirmed.remembering(intended.claimed):
                await asyncio.to_thread(self._claims.release, intended.claimed)
            return []

    async def _send_and_prepare(self, batch: Batch, limit: int, patience: float | None) -> Batch | None:
        """Send this batch and return the next one, claimed meanwhile if no rate applies and more is due already."""
        is_last = batch.claimed < limit and self._lane.front.found_all
        sending = self._send(self._lane, batch, patience)
        await (
            sending if is_last or self._routing.rates.has_any else wait_for_both(sending, self._prepare_next(limit))
        )
        self._tasks.raise_failure()
        if is_last and patience is not None:
            return None
        return self._take_next() or await self._prepare(self._lane, limit)

    async def _prepare_next(self, limit: int) -> None:
        """Prepare the next batch; if the sending fails meanwhile, the next drain begins with it."""
        self._next_batch = await self._prepare(self._lane, limit)

    def _take_next(self) -> Batch | None:
        ahead, self._next_batch = self._next_batch, None
        return ahead

    def stop(self) -> None:
        """Begin nothing more; what was handed to a provider is still waited for."""
        self._stopping = self._admission.stopping = self._status_queries.stopping = self._hand_over.stopping = True

    async def wait_ended(self) -> None:
        """Wait until nothing is with a provider, also of a drain that failed."""
        await self._tasks.wait_ended()
        await self._hand_over.wait_ended()
        with suppress(*UNAVAILABLE_ERRORS):  # then the journal has them
            await self._hand_over.record_late()
        self._recorder.journal.close()
        left = [each for lane in (self._lane, self._urgent) for each in lane.bulkheads.take_ready(every=True)]
        with suppress(*UNAVAILABLE_ERRORS):  # then their claims run out
            await asyncio.to_thread(self._claims.release, left)

    def take_over(self) -> int:
        """End the attempts and claims of all others, which are dead; return how many attempts there were."""
        return self._recovery.take_over()

    def recover(self) -> int:
        """End the attempts of dead processes of this machine; return how many there were."""
        return self._recovery.recover()
