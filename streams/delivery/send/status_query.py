"""Asking first: a provider that can be asked says what became of an attempt without an outcome, before more follows.

Such an attempt is due when its provider is to be asked (`NudgeUnknown.ask_at`), so a claim keeps it in one hand, and
whoever dies over it is followed by another. What the provider tells is an outcome like any that comes late.
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
from notifiers.port.interface import (
    Accepted,
    Inquiry,
    NeverCame,
    Reason,
    Report,
    RetryLater,
    Told,
    Unknown,
)
from notifiers.port.message_names import numbered
from notifiers.port.routes import Provider
from projections import claims
from projections.tables import micros
from streams.delivery.outcomes import outcomes
from streams.delivery.outcomes.late_answers import LateAnswers
from streams.delivery.outcomes.receipts import Receipts
from streams.delivery.outcomes.recording import Recording
from streams.delivery.outcomes.suppression import Refusals
from streams.delivery.send.concurrency import Telling, UnderWay
from streams.delivery.send.routing import Routing
from streams.planning import histories
from streams.rules.context import Books
from streams.rules.in_force import Rules
from streams.storage.database import Priority

AGAIN, AT_MOST = timedelta(seconds=30), timedelta(seconds=60)
"""How long after a provider that could not tell is asked again, and for how long in all."""
AT_ONCE, BEGUN_WITHIN = 16, 60.0
"""How many questions are on their way, and the seconds within which one is begun: its claim is not for ever."""


class _Doubt(Struct, frozen=True):
    """An attempt with the provider that may have it, and what that is asked."""

    case: Settlement
    provider: Provider
    inquiry: Inquiry


class Asking:
    """Asks providers about attempts of which nobody knows the outcome, beside everything else."""

    def __init__(
        self,
        books: Books,
        routing: Routing,
        receipts: Receipts,
        refusals: Refusals,
        recording: Recording,
        under_way: UnderWay,
    ) -> None:
        self._database, self._log, self._names, self._clock = books.database, books.log, books.names, books.clock
        self._routing, self._receipts, self._refusals, self._recording = routing, receipts, refusals, recording
        self._late, self._under_way = LateAnswers(books, receipts), under_way
        self._free, self.stopping = asyncio.Semaphore(AT_ONCE), False

    async def begin(self, asked: Sequence[Settlement], rules: Rules, *, waits: bool) -> None:
        """Ask about these; `waits`: until all is known."""
        if asked:
            parts: list[Telling[None]] = [partial(self._ask_each, asked, rules)]
            await (self._under_way.ended_of(parts) if waits else self._under_way.told(parts))

    async def _ask_each(self, asked: Sequence[Settlement], rules: Rules, telling: asyncio.Future[None]) -> None:
        telling.set_result(None)
        until = asyncio.get_running_loop().time() + BEGUN_WITHIN
        await asyncio.gather(*(self._ask(case, rules, until) for case in asked))

    async def _ask(self, case: Settlement, rules: Rules, until: float) -> None:
        """Ask about one, unless there is no time left: then its claim runs out, and it is somebody's next turn."""
        async with self._free:
            if self.stopping or asyncio.get_running_loop().time() > until:
                return
            doubt = await asyncio.to_thread(self._doubt, case, rules)
            told = Unknown(Reason.CLOSED) if doubt is None else await doubt.provider.ask(doubt.inquiry)
        await asyncio.to_thread(self._keep, case, doubt, told)

    def _doubt(self, case: Settlement, rules: Rules) -> _Doubt | None:
        """None where nobody can be asked any more: that provider or address is not there."""
        delivery = case.nudge.to(case.person.pseudonym)
        provider, channel = self._routing.provider(delivery), delivery.channel or ""
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
        return _Doubt(case, provider, inquiry) if address else None

    def _address(self, connection: Connection, case: Settlement, rules: Rules) -> str | None:
        """Where it went: of an address that is another by now, nobody has ever heard."""
        delivery = case.nudge.to(case.person.pseudonym)
        tried = (delivery.recipient, delivery.attempt)
        [at] = [
            each.position
            for each in self._log.streams(connection, [case.nudge.intent.id], [NudgeAttempted.TOPIC])
            if isinstance(each.fact, NudgeAttempted) and (each.fact.recipient, each.fact.attempt) == tried
        ]
        then = histories.persons(connection, self._log, [delivery.recipient], rules.rulebook, at)
        address: str | None = then[delivery.recipient].get(ADDRESS_OF[delivery.channel or ""])
        return address

    def _keep(self, case: Settlement, doubt: _Doubt | None, told: Told) -> None:
        """Keep what was told; what says nothing new leaves it unknown, for a while or for good."""
        if doubt is not None and isinstance(told, Accepted | Report):
            self._known(doubt, told)
        elif doubt is not None and isinstance(told, Unknown) and self._is_early(case):
            until = micros(self._clock() + AGAIN)
            self._database.write(lambda connection: claims.leave(connection, [case.nudge], until), Priority.DISPATCH)
            return
        self._recording.decided([(case.nudge, self._ended(case, doubt, told))], self._names)

    def _known(self, doubt: _Doubt, told: Accepted | Report) -> None:
        """It came there, so this is a late outcome or a receipt of the attempt, by our own name for it."""
        provider, name = doubt.provider, numbered(doubt.inquiry.key, doubt.inquiry.attempt)
        if isinstance(told, Accepted):
            reports = provider.notifier.reports
            self._refusals.learn(self._late.accepted(provider.name, name, told, reports=reports))
        else:
            report = Report(name, told.heard, told.reason, told.detail)
            self._refusals.learn(self._receipts.reported(provider.name, [report]))

    def _is_early(self, case: Settlement) -> bool:
        first = case.nudge.to(case.person.pseudonym).ask_at
        return first is not None and self._clock() < first + AT_MOST

    def _ended(self, case: Settlement, doubt: _Doubt | None, told: Told) -> NudgeFact:
        """What follows where the provider never had it, or where nobody will ever know; if nothing else came."""
        now, delivery = self._clock(), case.nudge.to(case.person.pseudonym)
        tried = outcomes.Tried(case, delivery, doubt.provider if doubt else self._routing.provider(delivery))
        if isinstance(told, NeverCame):
            return outcomes.fact_of(tried, RetryLater(None, Reason.NEVER_CAME), now)
        return outcomes.unknown(tried, delivery.reason or Reason.TIMED_OUT.value, now, asked=True)
