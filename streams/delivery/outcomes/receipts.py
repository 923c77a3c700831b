"""Receipts: reports of providers and readers become facts of the nudge, in whichever order they come.

A report is matched to its attempt (references), says something new or not (receipt_facts), and waits where the
outcome of its attempt is not committed yet (early_receipts).
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from datetime import datetime
from typing import NamedTuple

from sqlalchemy import Connection

from domain.facts.facts import NudgeResolved, NudgeSent
from domain.facts.receipts import ReceiptStatus
from notifiers.port.interface import Report
from notifiers.port.message_names import named
from projections import handed_over, nudges
from projections.handed_over import AttemptId
from streams.delivery.outcomes import early_receipts
from streams.delivery.outcomes.early_receipts import EarlyReceipt
from streams.delivery.outcomes.outcome_facts import Outcomes
from streams.delivery.outcomes.receipt_facts import (
    NewReceipt,
    Receipt,
    has_providers_name,
    may_be_about_another,
    new_receipts,
    reason_of,
    receipts_of,
)
from streams.delivery.outcomes.references import find_own, find_parts, keep_parts, own_names_of
from streams.log.appending import record
from streams.log.log import Log
from streams.storage.database import Database, Priority


class Brought(NamedTuple):
    """By whom a file of receipts was brought, and why they say it is right."""

    by: str
    why: str


class UnknownNudge(LookupError):
    """Raised when a receipt is about a nudge that does not exist."""

    def __init__(self) -> None:
        super().__init__("No nudge has this id; the receipt was for another platform, or its id was cut.")


class Receipts:
    """Takes receipts in, in any order; the same one again changes nothing."""

    def __init__(self, database: Database, log: Log, clock: Callable[[], datetime]) -> None:
        self._database, self._log, self._clock = database, log, clock

    def record(self, receipt: Receipt) -> bool:
        """Append the receipt as a fact; return whether it said anything new.

        Raises:
            UnknownNudge: no nudge has its id.
        """
        with self._database.reading() as connection:
            found = nudges.by_id(connection, [receipt.nudge]).get(receipt.nudge)
        if found is None:
            raise UnknownNudge

        def work(connection: Connection) -> bool:
            return bool(self._record(connection, self._held_new(connection, [receipt])))

        return self._database.write(work, Priority.DISPATCH)

    def record_reports(self, provider: str, reports: Sequence[Report]) -> list[Receipt]:
        """Append a provider's reports about messages that it accepted; return the new ones.

        A report by a name that the platform does not know yet is kept, see `record_early`; also a report whose name
        the provider may have reused for a newer message. An outcome may be committed between our look and `keep`: it
        did not see our row, so we look again. That is a transaction of its own, as it may lock nudges, which come
        before the append lock. A process that is killed between the two has not acknowledged the report: it comes
        again.
        """
        new, waiting = self._database.write(
            lambda connection: self._record_reports(connection, provider, reports), Priority.DISPATCH
        )
        if not waiting:
            return new
        return new + self._database.write(
            lambda connection: self._match_after_commit(connection, provider, waiting), Priority.DISPATCH
        )

    def preview(self, provider: str, reports: Sequence[Report]) -> tuple[list[Report], list[Receipt]]:
        """Return the reports by names that no attempt by the provider has, and the receipts that would be new."""
        with self._database.reading() as connection:
            attempts, receipts, reusable = self._matched(connection, provider, reports)
            found = nudges.by_id(connection, {receipt.nudge for receipt in receipts})
            news = new_receipts(receipts, found, reusable, self._clock())
        return [each for each in reports if each.reference not in attempts], [change.receipt for change in news]

    def record_brought(self, provider: str, reports: Sequence[Report], brought: Brought) -> list[Receipt]:
        """Append the reports that an operator brought, each new one with who brought it; return the new ones.

        Reports by names that no attempt by the provider has are left out, and not kept as early ones.
        """
        return self._database.write(
            lambda connection: self._record_brought(connection, provider, reports, brought), Priority.DISPATCH
        )

    def _record_brought(
        self, connection: Connection, provider: str, reports: Sequence[Report], brought: Brought
    ) -> list[Receipt]:
        _, receipts, reusable = self._matched(connection, provider, reports)
        news = self._held_new(connection, receipts, reusable)
        facts = [(change.receipt.nudge, fact) for change in news for fact in (_brought(change, brought), change.fact)]
        record(connection, self._log, facts)
        return [change.receipt for change in news]

    def _matched(
        self, connection: Connection, provider: str, reports: Sequence[Report]
    ) -> tuple[dict[str, AttemptId], list[Receipt], set[AttemptId]]:
        """Return the attempts by reference, the receipts, and the attempts matched by a name that may be reused."""
        attempts = self._attempts_by_name(connection, provider, [each.reference for each in reports])
        known = [(attempts[report.reference], report) for report in reports if report.reference in attempts]
        reusable = {about for about, report in known if has_providers_name(report)}
        return attempts, receipts_of((about, report.status, reason_of(report)) for about, report in known), reusable

    def _record_reports(
        self, connection: Connection, provider: str, reports: Sequence[Report]
    ) -> tuple[list[Receipt], Mapping[str, AttemptId | None]]:
        """Return the new receipts, and the names of the reports that wait, with the attempts known by them."""
        attempts, receipts, reusable = self._matched(connection, provider, reports)
        news = self._held_new(connection, receipts, reusable)
        new = self._record(connection, news)
        moved = {change.receipt for change in news if change.moves}
        settled = early_receipts.settled(connection, {attempt for attempt in attempts.values() if attempt.part})
        waiting = [
            each for each in reports if may_be_about_another(each, attempts.get(each.reference), moved, settled)
        ]
        if waiting:
            early_receipts.keep(connection, provider, waiting, self._clock())
        return new, {report.reference: attempts.get(report.reference) for report in waiting}

    def _attempts_by_name(self, connection: Connection, provider: str, names: Sequence[str]) -> dict[str, AttemptId]:
        """Return the attempts by the provider's name for the message or a part, or by ours, which it always knows."""
        attempts = handed_over.find(connection, provider, names)
        attempts |= find_own(connection, self._log, provider, set(names).difference(attempts))
        return attempts | find_parts(connection, self._log, provider, names, attempts)

    def _match_after_commit(
        self, connection: Connection, provider: str, waiting: Mapping[str, AttemptId | None]
    ) -> list[Receipt]:
        found = self._attempts_by_name(connection, provider, list(waiting))
        known = {(provider, name): attempt_id for name, attempt_id in found.items() if attempt_id != waiting[name]}
        return self._record_early(
            connection, early_receipts.waiting(connection, sorted(name for _, name in known)), known
        )

    def record_early(self, connection: Connection, outcomes: Outcomes) -> list[Receipt]:
        """Append the early receipts of messages that these outcomes make known, in the outcomes' transaction.

        The names of their parts are stored.
        """
        keep_parts(connection, outcomes.part_names, self._clock())
        sent = dict(outcomes.part_names) | {
            (fact.provider, fact.reference): AttemptId(nudge, fact.recipient, fact.attempt)
            for nudge, fact in outcomes.facts
            if isinstance(fact, NudgeSent) and fact.reference
        }
        ours = set(own_names_of(outcomes.facts, sent=outcomes.may_be_reported_early))
        rows = list(early_receipts.waiting(connection, sorted(ours.union(reference for _, reference in sent))))
        for provider, reference in sorted({row[:2] for row in rows if row.reference in ours}):
            attempts = find_own(connection, self._log, provider, [reference])
            sent |= {(provider, name): attempt for name, attempt in attempts.items()}
        return self._record_early(connection, rows, sent)

    def _record_early(
        self, connection: Connection, rows: Iterable[EarlyReceipt], sent: Mapping[tuple[str, str], AttemptId]
    ) -> list[Receipt]:
        theirs = [(row, sent[row[:2]]) for row in rows if row[:2] in sent]
        if not theirs:
            return []
        since = early_receipts.reportable_since(connection, self._log, {attempt_id for _, attempt_id in theirs})
        news = self._held_new(
            connection,
            receipts_of(
                (attempt_id, ReceiptStatus(row.heard), row.reason or "")
                for row, attempt_id in theirs
                if named(row.reference) is not None or row.at >= since[attempt_id]
            ),
        )
        early_receipts.drop(connection, (row for row, _ in theirs))
        return self._record(connection, news)

    def _record(self, connection: Connection, news: Sequence[NewReceipt]) -> list[Receipt]:
        record(connection, self._log, [(change.receipt.nudge, change.fact) for change in news])
        return [change.receipt for change in news]

    def _held_new(
        self, connection: Connection, receipts: Sequence[Receipt], reusable: AbstractSet[AttemptId] = frozenset()
    ) -> list[NewReceipt]:
        """Return what is new, and hold the nudges; `reusable`: attempts whose name another message may have."""
        found = nudges.held(connection, {receipt.nudge for receipt in receipts})
        return new_receipts(receipts, found, reusable, self._clock())


def _brought(change: NewReceipt, brought: Brought) -> NudgeResolved:
    receipt = change.receipt
    return NudgeResolved(change.fact.at, receipt.recipient, receipt.attempt, "receipt", *brought)
