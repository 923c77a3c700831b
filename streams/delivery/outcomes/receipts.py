"""Receipts: reports of providers and readers become facts of the nudge."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from msgspec import Struct, field
from sqlalchemy import Connection

from domain.facts.facts import (
    NudgeDelivered,
    NudgeFact,
    NudgeFailed,
    NudgeOpened,
    NudgeResolved,
    NudgeSent,
    NudgeUnknown,
)
from domain.facts.receipts import ReceiptStatus
from domain.nudges.nudge import Nudge, evolve
from notifiers.port.interface import Report
from notifiers.port.message_names import named
from projections import handed_over, nudges
from projections.handed_over import AttemptId
from streams.delivery.outcomes import early_receipts
from streams.delivery.outcomes.early_receipts import Early
from streams.delivery.outcomes.references import Parts, find_own, find_parts, keep_parts, own_names_of
from streams.log.appending import record
from streams.log.log import Log
from streams.storage.database import Database, Priority


class Receipt(Struct, frozen=True):
    """A report about an attempt; `reason`: of a failure, such as `bounced`."""

    nudge: UUID
    recipient: str
    attempt: int
    heard: ReceiptStatus
    reason: str = ""

    @property
    def attempt_id(self) -> AttemptId:
        """Return the attempt that it is about."""
        return AttemptId(self.nudge, self.recipient, self.attempt)


class Outcomes(Struct, frozen=True):
    """Facts that record outcomes, with the providers' names for the `parts` of long messages.

    `told` is False if the provider never reports by our own name, so that no early receipt needs to be looked for
    after a `NudgeSent`. After a `NudgeUnknown` it always is.
    """

    facts: Sequence[tuple[UUID, NudgeFact]]
    parts: Parts = field(default_factory=dict)
    told: bool = True

    @property
    def ends(self) -> list[tuple[AttemptId, NudgeSent | NudgeFailed | NudgeUnknown]]:
        """Return the outcomes by attempt."""
        return [
            (AttemptId(nudge, fact.recipient, fact.attempt), fact)
            for nudge, fact in self.facts
            if isinstance(fact, NudgeSent | NudgeFailed | NudgeUnknown)
        ]

    @property
    def attempts(self) -> list[AttemptId]:
        """Return the attempts whose outcomes they are."""
        return [attempt for attempt, _ in self.ends]


class Brought(NamedTuple):
    """By whom a file of receipts was brought, and why they say it is right."""

    by: str
    why: str


class UnknownNudge(LookupError):
    """Raised when a receipt is about a nudge that does not exist."""

    def __init__(self) -> None:
        super().__init__("No nudge has this id; the receipt was for another platform, or its id was cut.")


class _News(NamedTuple):
    """A receipt that says something new, as a fact; `moves`: it changes the state of the delivery."""

    receipt: Receipt
    fact: NudgeFact
    moves: bool


class Receipts:
    """Takes receipts in, in any order; the same one again changes nothing."""

    def __init__(self, database: Database, log: Log, clock: Callable[[], datetime]) -> None:
        self._database, self._log, self._clock = database, log, clock

    def take(self, receipt: Receipt) -> bool:
        """Append the receipt as a fact; return whether it said anything new.

        Raises:
            UnknownNudge: no nudge has its id.
        """
        with self._database.reading() as connection:
            found = nudges.by_id(connection, [receipt.nudge]).get(receipt.nudge)
        if found is None:
            raise UnknownNudge
        return bool(self._database.write(lambda connection: self._take(connection, [receipt]), Priority.DISPATCH))

    def reported(self, provider: str, reports: Sequence[Report]) -> list[Receipt]:
        """Append a provider's reports about messages that it accepted; return the new ones.

        A report by a name that the platform does not know yet is kept, see `record_early`; also a report whose name
        the provider may have reused for a newer message. An outcome may be committed between our look and `keep`: it
        did not see our row, so we look again. That is a transaction of its own, as it may lock nudges, which come
        before the append lock. A process that is killed between the two has not acknowledged the report: it comes
        again.
        """
        new, waiting = self._database.write(
            lambda connection: self._reported(connection, provider, reports), Priority.DISPATCH
        )
        if not waiting:
            return new
        return new + self._database.write(
            lambda connection: self._match_after_commit(connection, provider, waiting), Priority.DISPATCH
        )

    def look(self, provider: str, reports: Sequence[Report]) -> tuple[list[Report], list[Receipt]]:
        """Return the reports by names that no attempt by the provider has, and the receipts that would be new."""
        with self._database.reading() as connection:
            attempts, receipts, reusable = self._matched(connection, provider, reports)
            found = nudges.by_id(connection, {receipt.nudge for receipt in receipts})
            news = self._news(found, receipts, reusable)
        return [each for each in reports if each.reference not in attempts], [change.receipt for change in news]

    def bring(self, provider: str, reports: Sequence[Report], brought: Brought) -> list[Receipt]:
        """Append the reports that an operator brought, each new one with who brought it; return the new ones.

        Reports by names that no attempt by the provider has are left out, and not kept as early ones.
        """
        return self._database.write(
            lambda connection: self._bring(connection, provider, reports, brought), Priority.DISPATCH
        )

    def _bring(
        self, connection: Connection, provider: str, reports: Sequence[Report], brought: Brought
    ) -> list[Receipt]:
        _, receipts, reusable = self._matched(connection, provider, reports)
        news = self._held_news(connection, receipts, reusable)
        facts = [(change.receipt.nudge, fact) for change in news for fact in (_brought(change, brought), change.fact)]
        record(connection, self._log, facts)
        return [change.receipt for change in news]

    def _matched(
        self, connection: Connection, provider: str, reports: Sequence[Report]
    ) -> tuple[dict[str, AttemptId], list[Receipt], set[AttemptId]]:
        """Return the attempts by reference, the receipts, and the attempts matched by a name that may be reused."""
        attempts = self._known(connection, provider, [each.reference for each in reports])
        known = [(attempts[report.reference], report) for report in reports if report.reference in attempts]
        reusable = {about for about, report in known if _has_providers_name(report)}
        return attempts, _receipts((about, report.heard, _reason(report)) for about, report in known), reusable

    def _reported(
        self, connection: Connection, provider: str, reports: Sequence[Report]
    ) -> tuple[list[Receipt], Mapping[str, AttemptId | None]]:
        """Return the new receipts, and the names of the reports that wait, with the attempts known by them."""
        attempts, receipts, reusable = self._matched(connection, provider, reports)
        news = self._held_news(connection, receipts, reusable)
        new = self._record(connection, news)
        moved = {change.receipt for change in news if change.moves}
        settled = early_receipts.settled(connection, {attempt for attempt in attempts.values() if attempt.part})
        waiting = [each for each in reports if _waits(each, attempts.get(each.reference), moved, settled)]
        if waiting:
            early_receipts.keep(connection, provider, waiting, self._clock())
        return new, {report.reference: attempts.get(report.reference) for report in waiting}

    def _known(self, connection: Connection, provider: str, names: Sequence[str]) -> dict[str, AttemptId]:
        """Return the attempts by the provider's name for the message or a part, or by ours, which it always knows."""
        attempts = handed_over.find(connection, provider, names)
        attempts |= find_own(connection, self._log, provider, set(names).difference(attempts))
        return attempts | find_parts(connection, self._log, provider, names, attempts)

    def _match_after_commit(
        self, connection: Connection, provider: str, waiting: Mapping[str, AttemptId | None]
    ) -> list[Receipt]:
        found = self._known(connection, provider, list(waiting))
        known = {(provider, name): attempt_id for name, attempt_id in found.items() if attempt_id != waiting[name]}
        return self._record_early(
            connection, early_receipts.waiting(connection, sorted(name for _, name in known)), known
        )

    def record_early(self, connection: Connection, outcomes: Outcomes) -> list[Receipt]:
        """Append the early receipts of messages that these outcomes make known, in the outcomes' transaction.

        The names of their parts are stored.
        """
        keep_parts(connection, outcomes.parts, self._clock())
        sent = dict(outcomes.parts) | {
            (fact.provider, fact.reference): AttemptId(nudge, fact.recipient, fact.attempt)
            for nudge, fact in outcomes.facts
            if isinstance(fact, NudgeSent) and fact.reference
        }
        ours = set(own_names_of(outcomes.facts, sent=outcomes.told))
        rows = list(early_receipts.waiting(connection, sorted(ours.union(reference for _, reference in sent))))
        for provider, reference in sorted({row[:2] for row in rows if row.reference in ours}):
            attempts = find_own(connection, self._log, provider, [reference])
            sent |= {(provider, name): attempt for name, attempt in attempts.items()}
        return self._record_early(connection, rows, sent)

    def _record_early(
        self, connection: Connection, rows: Iterable[Early], sent: Mapping[tuple[str, str], AttemptId]
    ) -> list[Receipt]:
        theirs = [(row, sent[row[:2]]) for row in rows if row[:2] in sent]
        if not theirs:
            return []
        since = early_receipts.reportable_since(connection, self._log, {attempt_id for _, attempt_id in theirs})
        news = self._held_news(
            connection,
            _receipts(
                (attempt_id, ReceiptStatus(row.heard), row.reason or "")
                for row, attempt_id in theirs
                if named(row.reference) is not None or row.at >= since[attempt_id]
            ),
        )
        early_receipts.drop(connection, (row for row, _ in theirs))
        return self._record(connection, news)

    def tidy(self, connection: Connection) -> None:
        """Delete early receipts of messages that never became known."""
        early_receipts.tidy(connection, self._clock())

    def _take(self, connection: Connection, receipts: Sequence[Receipt]) -> list[Receipt]:
        return self._record(connection, self._held_news(connection, receipts))

    def _record(self, connection: Connection, news: Sequence[_News]) -> list[Receipt]:
        record(connection, self._log, [(change.receipt.nudge, change.fact) for change in news])
        return [change.receipt for change in news]

    def _held_news(
        self, connection: Connection, receipts: Sequence[Receipt], reusable: AbstractSet[AttemptId] = frozenset()
    ) -> list[_News]:
        """Return what is new, and hold the nudges; `reusable`: attempts whose name another message may have."""
        return self._news(nudges.held(connection, {receipt.nudge for receipt in receipts}), receipts, reusable)

    def _news(
        self, found: dict[UUID, Nudge], receipts: Sequence[Receipt], reusable: AbstractSet[AttemptId]
    ) -> list[_News]:
        """Return what is new to these nudges."""
        news: list[_News] = []
        for receipt in receipts:
            nudge = found.get(receipt.nudge)
            if nudge is None or not _attempted(nudge, receipt) or _gave_up_already(nudge, receipt):
                continue
            if receipt.attempt_id in reusable and _had_arrived(nudge, receipt):
                continue
            fact = _fact_of(receipt, nudge, self._clock())
            after = evolve(nudge, receipt.nudge, nudge.version, fact)
            if after != nudge:
                found[receipt.nudge] = after
                moves = after.to(receipt.recipient).state is not nudge.to(receipt.recipient).state
                news.append(_News(receipt, fact, moves))
        return news


def _brought(change: _News, brought: Brought) -> NudgeResolved:
    receipt = change.receipt
    return NudgeResolved(change.fact.at, receipt.recipient, receipt.attempt, "receipt", *brought)


def _receipts(told: Iterable[tuple[AttemptId, ReceiptStatus, str]]) -> list[Receipt]:
    """Return the receipts; a part counts only if it failed, and then the whole message has failed."""
    return [
        Receipt(attempt_id.nudge, attempt_id.recipient, attempt_id.attempt, heard, reason)
        for attempt_id, heard, reason in told
        if not attempt_id.part or heard is ReceiptStatus.FAILED
    ]


def _waits(
    report: Report, attempt_id: AttemptId | None, moved: AbstractSet[Receipt], settled: AbstractSet[AttemptId]
) -> bool:
    """Return whether it may be about a message that is not known by that name yet.

    Providers reuse their names. So a report that changes nothing may be about the next message of that name, whose
    outcome is not committed. Centres report delivered parts unasked, so one waits only if its message is `settled`.
    A name of ours is never reused.
    """
    if attempt_id is None or not _has_providers_name(report):
        return attempt_id is None
    about = _receipts([(attempt_id, report.heard, _reason(report))])
    return moved.isdisjoint(about) if about else attempt_id in settled


def _has_providers_name(report: Report) -> bool:
    """Return whether the report has a name of the provider's, which it may use again."""
    return named(report.reference) is None


def _had_arrived(nudge: Nudge, receipt: Receipt) -> bool:
    """Return whether the only accepted attempt has arrived, so that a failure is about another message."""
    delivery = nudge.to(receipt.recipient)
    return receipt.heard is ReceiptStatus.FAILED and delivery.arrived and set(delivery.accepted) <= {receipt.attempt}


def _reason(report: Report) -> str:
    return "" if report.reason is None else report.reason.value


def _attempted(nudge: Nudge, receipt: Receipt) -> bool:
    """Return whether there was such an attempt; a report about any other is a mistake."""
    known = any(one.recipient == receipt.recipient for one in nudge.deliveries)
    return known and 1 <= receipt.attempt <= nudge.to(receipt.recipient).attempt


def _gave_up_already(nudge: Nudge, receipt: Receipt) -> bool:
    """Return whether the attempt is known to have failed for good, so that nothing follows again."""
    delivery = nudge.to(receipt.recipient)
    last = receipt.attempt == delivery.attempt and receipt.heard is ReceiptStatus.FAILED
    return last and delivery.channel in delivery.exhausted


def _fact_of(receipt: Receipt, nudge: Nudge, now: datetime) -> NudgeFact:
    match receipt.heard:
        case ReceiptStatus.DELIVERED:
            return NudgeDelivered(now, receipt.recipient, receipt.attempt)
        case ReceiptStatus.OPENED:
            return NudgeOpened(now, receipt.recipient, receipt.attempt)
        case ReceiptStatus.FAILED:
            delivery = nudge.to(receipt.recipient)
            more = set(nudge.intent.channels).difference(delivery.exhausted, {delivery.channel})
            again = now if more else None
            return NudgeFailed(now, receipt.recipient, receipt.attempt, receipt.reason, again, gave_up=True)
