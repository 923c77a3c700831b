"""Status queries: a provider that can be asked tells what became of an attempt without an outcome.

Such an attempt is due when its provider is to be asked (`NudgeUnknown.ask_at`). So a claim keeps it with one
dispatcher, and another follows if that one dies. The answer is recorded like any late outcome.
"""

import asyncio
from collections.abc import Sequence
from datetime import timedelta
from functools import partial

from msgspec import Struct
from sqlalchemy import Connection

from domain.facts.facts import NudgeAttempted, NudgeFact
from domain.nudges.settle import Settlement
from domain.persons.channels import ADDRESS_OF
from notifiers.port.interface import Accepted, Inquiry, NeverCame, Reason, Report, RetryLater, StatusAnswer, Unknown
from notifiers.port.message_names import numbered
from notifiers.port.routes import Provider
from projections import claims
from projections.tables import micros
from streams.delivery.admission.routing import Routing
from streams.delivery.admission.task_group import Reporting, TaskGroup
from streams.delivery.decide.case import key_of
from streams.delivery.outcomes import outcome_facts
from streams.delivery.outcomes.late_acceptances import LateAcceptances
from streams.delivery.outcomes.recording import Recorder
from streams.planning import histories
from streams.rules.context import WriteContext
from streams.rules.in_force import Rules
from streams.storage.database import Priority

ASK_AGAIN_AFTER, ASK_FOR = timedelta(seconds=30), timedelta(seconds=60)
"""After how long a provider that could not tell is asked again, and for how long in all."""
PARALLEL, BEGUN_WITHIN = 16, 60.0
"""How many questions are open at a time, and the seconds within which one is begun: later its claim would end."""


class _Query(Struct, frozen=True):
    """An attempt, the provider that may have it, and the question."""

    case: Settlement
    provider: Provider
    inquiry: Inquiry


class StatusQueries:
    """Asks providers about attempts without an outcome, while everything else goes on."""

    def __init__(self, context: WriteContext, routing: Routing, recorder: Recorder, tasks: TaskGroup) -> None:
        self._database, self._log, self._clock = context.database, context.log, context.clock
        self._routing, self._recorder, self._tasks = routing, recorder, tasks
        self._late = LateAcceptances(context, recorder.receipts)
        self._free, self.stopping = asyncio.Semaphore(PARALLEL), False

    async def begin(self, asked: Sequence[Settlement], rules: Rules, *, waits: bool) -> None:
        """Ask about these; `waits`: return once all have their answer."""
        if asked:
            works: list[Reporting[None]] = [partial(self._ask_all, asked, rules)]
            await (self._tasks.gather_ended(works) if waits else self._tasks.gather_reported(works))

    async def _ask_all(self, asked: Sequence[Settlement], rules: Rules, begun: asyncio.Future[None]) -> None:
        begun.set_result(None)
        until = asyncio.get_running_loop().time() + BEGUN_WITHIN
        await asyncio.gather(*(self._ask(case, rules, until) for case in asked))

    async def _ask(self, case: Settlement, rules: Rules, until: float) -> None:
        """Ask about one, unless there is no time left: then its claim runs out, and another dispatcher asks."""
        async with self._free:
            if self.stopping or asyncio.get_running_loop().time() > until:
                return
            with self._recorder.unconfirmed.remembering([key_of(case)]):
                query = await asyncio.to_thread(self._query, case, rules)
            told = Unknown(Reason.CLOSED) if query is None else await query.provider.ask(query.inquiry)
        with self._recorder.unconfirmed.remembering([key_of(case)]):
            await asyncio.to_thread(self._record, case, query, told)

    def _query(self, case: Settlement, rules: Rules) -> _Query | None:
        """Return the query; None if the provider cannot be asked, or the provider or the address is gone."""
        delivery = case.nudge.to(case.person.pseudonym)
        provider, channel = self._routing.last_provider(delivery), delivery.channel or ""
        if provider is None or provider.ask_after is None:
            return None
        with self._database.reading() as connection:
            address = self._address(connection, case, rules)
        inquiry = Inquiry(
            nudge=case.nudge.intent.id,
            attempt=delivery.attempt,
            channel=channel,
            recipient=delivery.recipient,
            address=address or "",
        )
        return _Query(case, provider, inquiry) if address else None

    def _address(self, connection: Connection, case: Settlement, rules: Rules) -> str | None:
        """Return the address to which it went: the provider does not know the present one if it has changed."""
        delivery = case.nudge.to(case.person.pseudonym)
        tried = (delivery.recipient, delivery.attempt)
        [at] = [
            entry.position
            for entry in self._log.streams(connection, [case.nudge.intent.id], [NudgeAttempted.TOPIC])
            if isinstance(entry.fact, NudgeAttempted) and (entry.fact.recipient, entry.fact.attempt) == tried
        ]
        then = histories.persons(connection, self._log, [delivery.recipient], rules.rulebook, at)
        address: str | None = then[delivery.recipient].get(ADDRESS_OF[delivery.channel or ""])
        return address

    def _record(self, case: Settlement, query: _Query | None, answer: StatusAnswer) -> None:
        """Record the answer; one that says nothing new leaves the outcome unknown, for a while or for good."""
        if query is not None and isinstance(answer, Accepted | Report):
            self._record_known(query, answer)
        elif query is not None and isinstance(answer, Unknown) and self._is_early(case):
            until = micros(self._clock() + ASK_AGAIN_AFTER)
            self._database.write(
                lambda connection: claims.postpone(connection, [key_of(case)], until), Priority.DISPATCH
            )
            return
        self._recorder.append_decisions([(case.nudge, self._ended(case, query, answer))])

    def _record_known(self, query: _Query, answer: Accepted | Report) -> None:
        """The provider has it: record a late outcome or a receipt of the attempt, by our own name for it."""
        provider, name = query.provider, numbered(query.inquiry.key, query.inquiry.attempt)
        if isinstance(answer, Accepted):
            reports = provider.notifier.reports
            self._recorder.suppression.suppress_reported(
                self._late.record(provider.name, name, answer, reports=reports)
            )
        else:
            report = Report(name, answer.status, answer.reason, answer.detail)
            self._recorder.suppression.suppress_reported(
                self._recorder.receipts.record_reports(provider.name, [report])
            )

    def _is_early(self, case: Settlement) -> bool:
        first = case.nudge.to(case.person.pseudonym).ask_at
        return first is not None and self._clock() < first + ASK_FOR

    def _ended(self, case: Settlement, query: _Query | None, answer: StatusAnswer) -> NudgeFact:
        """Return the outcome if the provider never got the message, or if it will never be known."""
        now, delivery = self._clock(), case.nudge.to(case.person.pseudonym)
        provider = query.provider if query else self._routing.last_provider(delivery)
        attempted = outcome_facts.Attempted(case, delivery, provider)
        if isinstance(answer, NeverCame):
            return outcome_facts.fact_of(attempted, RetryLater(None, Reason.NEVER_CAME), now)
        return outcome_facts.unknown_fact(attempted, delivery.reason or Reason.TIMED_OUT.value, now, asked=True)
