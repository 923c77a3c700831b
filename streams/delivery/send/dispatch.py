"""Dispatch: take deliveries from due to their recorded outcome.

Claim what is due, decide on it, and wait until it may be sent. Render the messages, commit the attempts, hand them to
their providers, and record the outcomes. An attempt is in the log before its message leaves: if the process dies
in between, the outcome is unknown, and nothing is sent twice unnoticed.
"""

import asyncio
from collections.abc import Awaitable, Mapping, Sequence
from contextlib import suppress
from datetime import datetime, timedelta
from uuid import UUID

from msgspec import Struct
from msgspec.structs import replace

from domain.facts.facts import NudgeAttempted, NudgeFact, NudgeWithheld
from domain.nudges.settle import Reason, Send, Settlement
from notifiers.port.interface import Outcome
from notifiers.port.routes import is_for_another
from projections import nudges
from projections.nudges import Due
from streams.delivery.decide.case import Case
from streams.delivery.decide.decision_inputs import DecisionInputs
from streams.delivery.decide.restore_doubt import lost_before
from streams.delivery.decide.settling import decide, read_claim, unsent
from streams.delivery.outcomes import conversations, outcome_facts
from streams.delivery.outcomes.attempts import Attempt, Intention, Routed, handed_back, outcomes_of
from streams.delivery.outcomes.group_commit import Answers, Intended
from streams.delivery.outcomes.recording import Recorder
from streams.delivery.outcomes.suppression import refused_by
from streams.delivery.send.admission import Admission, Admitted, Terms
from streams.delivery.send.claiming import Claims, Lane
from streams.delivery.send.concurrency import IN_FLIGHT, Budgets, Permits
from streams.delivery.send.message import MessageBuilder
from streams.delivery.send.metrics import AttemptMetrics
from streams.delivery.send.routing import Routing
from streams.delivery.send.status_query import StatusQueries
from streams.delivery.send.task_group import TaskGroup
from streams.planning.planning import RulesMoved
from streams.rules.context import WriteContext
from streams.rules.in_force import Rules
from streams.storage.errors import UNAVAILABLE_ERRORS
from templates.words.rendering import WordsFailed

BATCH = 256
LEASE = timedelta(minutes=3)
"""How long an attempt may stay without an outcome; every notifier's send limit is less than a third of it."""
PAUSE = 1.0
"""Seconds until an outcome is committed again after the database was away."""


class Claimant(Struct, frozen=True):
    """The name under which a dispatcher claims, for how long, and how many attempts it may have open."""

    name: str
    lease: timedelta = LEASE
    in_flight: int = IN_FLIGHT


class Batch(Struct, frozen=True):
    """Deliveries that were claimed and decided on: how many; the cases to send; the questions to ask providers."""

    claimed: int
    cases: list[Case]
    questions: list[Settlement]
    rules: Rules
    decided_at: datetime


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
        self._database, self._log, self._library, self._names = (
            context.database,
            context.log,
            context.library,
            context.names,
        )
        self._clock, self._lease = context.clock, claimant.lease
        self._routing, self._messages, self._recorder = routing, messages, recorder
        self._tasks, self._metrics = TaskGroup(), AttemptMetrics()
        self._claims = Claims(context, claimant.name, claimant.lease, fair=routing.rates.any)
        self._admission = Admission(context, routing, self._claims, self._tasks, self._deliver)
        self._questions = StatusQueries(context, routing, recorder, self._tasks)
        budgets = Budgets(routing.providers, claimant.in_flight)
        self._lane, self._urgent = Lane(budgets, urgent=False), Lane(budgets, urgent=True)
        self._ahead: Batch | None = None
        self._stopping = False
        self.collectors = self._metrics.collectors

    async def drain(self, batch: int = BATCH, patience: float | None = None) -> int:
        """Dispatch until nothing is due; return how many deliveries were claimed.

        While a batch is sent, the next one is claimed and decided on. With `patience` providers are not waited for,
        and permits so many seconds at most: a delivery without one keeps its claim.
        """
        self._tasks.raise_failure()
        done, ready = 0, self._take_ahead() or await self._prepare(self._lane, batch)
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
        return done

    async def turn(self, limit: int = BATCH) -> int:
        """Dispatch one batch of what is due now; return how many deliveries were claimed."""
        ready = await self._prepare(self._lane, limit)
        if ready is None:
            return 0
        await self._send(self._lane, ready)
        return ready.claimed

    def stop(self) -> None:
        """Begin nothing more; what was handed to a provider is still waited for."""
        self._stopping = self._admission.stopping = self._questions.stopping = True

    async def ended(self) -> None:
        """Wait until nothing is with a provider, also of a drain that failed."""
        await self._tasks.ended()
        left = [id_ for lane in (self._lane, self._urgent) for id_ in lane.bulkheads.ready_again(every=True)]
        with suppress(*UNAVAILABLE_ERRORS):  # then their claims run out
            await asyncio.to_thread(self._claims.release, left)

    # Claim and decide.

    async def _prepare(self, lane: Lane, limit: int) -> Batch | None:
        """Claim what is due and decide on it; None where nothing is due, or nothing more is begun."""
        if self._stopping:
            return None
        if ready_again := lane.bulkheads.ready_again():
            await asyncio.to_thread(self._claims.release, ready_again)
        claimed = await asyncio.to_thread(self._claim, lane, limit)
        return await asyncio.to_thread(self._decide, claimed) if claimed else None

    def _claim(self, lane: Lane, limit: int) -> Sequence[Due]:
        self._recorder.settle_unconfirmed()
        return self._claims.claim(lane, limit)

    def _decide(self, due: Sequence[Due]) -> Batch:
        """Decide; what is not sent gets its fact at once, if the rules still hold by then."""
        now, rules = self._clock(), self._library.rules()
        with self._database.reading() as connection:
            claimed = read_claim(connection, self._log, rules, due, now)
        decisions = decide(claimed, rules, now)
        facts = [*((case.nudge, self._lost(case, rules, now)) for case in claimed.lost), *decisions.facts]
        if facts:
            try:
                self._recorder.decisions(facts, rules.position)
            except RulesMoved:
                self._claims.release([nudge.intent.id for nudge, _ in facts])
        self._claims.release(claimed.moved_on)
        return Batch(len(due), decisions.cases, decisions.questions, rules, self._clock())

    def _lost(self, case: Settlement, rules: Rules, now: datetime) -> NudgeFact:
        """Return the outcome of an attempt whose lease ran out: the process that made it has died."""
        if (before := lost_before(case, rules.governed.doubt_until, now)) is not None:
            return before
        delivery = case.nudge.to(case.person.pseudonym)
        attempted = outcome_facts.Attempted(case, delivery, self._routing.provider(delivery))
        return outcome_facts.unknown(attempted, "no_outcome", now)

    # Send: `Admission` calls `_deliver` with cases as soon as they may go.

    async def _send(self, lane: Lane, batch: Batch, patience: float | None = None) -> None:
        back = await self._admission.send(batch.cases, Terms(batch.rules, batch.decided_at, patience), lane.bulkheads)
        lane.learn(back)
        await self._questions.begin(batch.questions, batch.rules, waits=patience is None)

    async def _send_and_prepare(self, batch: Batch, limit: int, patience: float | None) -> Batch | None:
        """Send this batch and return the next one, claimed meanwhile if no rate applies."""
        sending = self._send(self._lane, batch, patience)
        await (sending if self._routing.rates.any else _both(sending, self._look_ahead(limit)))
        self._tasks.raise_failure()
        return self._take_ahead() or await self._prepare(self._lane, limit)

    async def _look_ahead(self, limit: int) -> None:
        """Prepare the next batch; if the sending fails meanwhile, the next drain begins with it."""
        self._ahead = await self._prepare(self._lane, limit)

    def _take_ahead(self) -> Batch | None:
        ahead, self._ahead = self._ahead, None
        return ahead

    async def _deliver(self, admitted: Admitted) -> None:
        """Render the messages, commit the attempts, and hand them over, each call at its slot."""
        permits = admitted.permits
        try:
            intended = await asyncio.to_thread(self._render, admitted.routed, admitted.rules)
            attempts = await self._commit(intended)
            permits.release(len(admitted.routed) - len(attempts))
            await self._routing.reserve_pieces(attempts)
            calls = [(call, permits.part(len(call))) for call in self._routing.calls(attempts)]
            await self._tasks.all(
                self._hand_over(call, admitted.slot(call[0].case), its_permits) for call, its_permits in calls
            )
        finally:
            permits.release()

    # Render.

    def _render(self, routed: Sequence[Routed], rules: Rules) -> Intended:
        now = self._clock()
        cases = [each.case for each in routed]
        marks: Mapping[tuple[UUID, str], str] = {}
        if asking := [case for case in cases if conversations.asks(case)]:
            with self._database.reading() as connection:
                marks = conversations.marks(connection, self._log, rules, self._names, asking, now)
        return Intended(cases, [self._intention(each, rules, now, marks) for each in routed], rules)

    def _intention(
        self, routed: Routed, rules: Rules, now: datetime, marks: Mapping[tuple[UUID, str], str]
    ) -> Intention:
        case, provider = routed.case, routed.provider
        if not isinstance(case.decision, Send):
            return unsent(case, now)
        if provider is None:
            return outcome_facts.not_again(case.settlement, now)
        recipient, channel = case.recipient.pseudonym, case.decision.channel
        number = case.nudge.to(recipient).attempt + 1
        mark = marks.get((case.nudge.intent.id, recipient), "")
        try:
            message = self._messages.build(case, rules, number, now, mark)
        except WordsFailed:
            return NudgeWithheld(now, recipient, Reason.UNREADABLE.value)
        until = now + self._lease
        fact = NudgeAttempted(now, recipient, number, channel, provider.name, until, message.language)
        return Attempt(case, message, fact, provider, mark)

    # Commit the attempts.

    async def _commit(self, intended: Intended) -> list[Attempt]:
        """Commit the attempts; return those that may be handed over: none if the rules have changed."""
        try:
            return await self._recorder.attempts(intended)
        except RulesMoved:
            await asyncio.to_thread(self._claims.release, intended.ids)
            return []

    # Hand over and record.

    async def _hand_over(self, attempts: Sequence[Attempt], slot: datetime, permits: Permits) -> None:
        """Hand attempts to their provider in one call, and record what came of it.

        An attempt is handed back where the call could outlast its lease.
        """
        provider = attempts[0].provider
        try:
            await self._routing.wait(attempts[0], slot)
            latest = self._clock() + self._lease * 2 / 3
            safe = [attempt for attempt in attempts if attempt.fact.until > latest]
            late = [attempt for attempt in attempts if attempt.fact.until <= latest]
            back = [(attempt.nudge, handed_back(attempt, self._clock())) for attempt in late]
            results = await provider.send([attempt.message for attempt in safe]) if safe else ()
            outcomes = outcomes_of([*back, *self._facts(safe, results)], safe, results)
            known = {attempt.nudge: attempt.committed for attempt in attempts if attempt.committed is not None}
            await self._record(Answers(outcomes, known), attempts[0].fact.until, permits)
        finally:
            permits.release()
        if refused := refused_by(provider, (attempt.message for attempt in safe), results):
            await asyncio.to_thread(self._recorder.suppression.keep, refused)

    def _facts(self, attempts: Sequence[Attempt], results: Sequence[Outcome]) -> list[tuple[UUID, NudgeFact]]:
        """Return the facts that record the outcomes."""
        now, facts = self._clock(), list[tuple[UUID, NudgeFact]]()
        for attempt, result in zip(attempts, results, strict=True):
            free = is_for_another(result) and not attempt.case.is_bound
            others = self._routing.others(attempt) if free else ()
            attempted = outcome_facts.Attempted(attempt.case.settlement, attempt.delivery, attempt.provider, others)
            facts.append((attempt.nudge, outcome_facts.fact_of(attempted, result, now)))
        for attempt, (_, fact) in zip(attempts, facts, strict=True):
            self._metrics.note(attempt, fact, now)
        return facts

    async def _record(self, answers: Answers, until: datetime, permits: Permits) -> None:
        """Record outcomes as soon as the database answers, unless the lease has ended by then.

        The permits are released first: an attempt that takes them is committed with these outcomes, or later.
        """
        count = permits.left
        while True:
            permits.release()
            try:
                return await self._recorder.outcomes(answers)
            except UNAVAILABLE_ERRORS:
                permits.take_back(count)
                if self._clock() >= until:
                    raise
                await self._routing.rates.sleep(PAUSE)
                answers = replace(answers, again=True)

    # After a crash.

    def take_over(self) -> int:
        """End the attempts and claims of a process that is known to be dead; return how many attempts there were."""
        now, rules = self._clock(), self._library.rules()
        with self._database.reading() as connection:
            rows = nudges.attempted(connection)
            found = nudges.by_id(connection, [row.nudge for row in rows])
            open_ = [(found[row.nudge], row.recipient) for row in rows]
            lost = DecisionInputs(connection, self._log, rules, now).settlements(open_)
        facts = [(case.nudge.intent.id, self._lost(case, rules, now)) for case in lost]
        self._claims.release_all()
        self._recorder.facts(facts)
        return len(facts)


async def _both(first: Awaitable[None], second: Awaitable[None]) -> None:
    """Wait until both have ended; a failure is raised only then."""
    for failure in await asyncio.gather(first, second, return_exceptions=True):
        if isinstance(failure, BaseException):
            raise failure
