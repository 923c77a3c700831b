"""Receipts as facts: what a receipt says of its nudge that is new, and which reports may be about another message."""

from collections.abc import Iterable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from msgspec import Struct

from domain.facts.facts import NudgeDelivered, NudgeFact, NudgeFailed, NudgeOpened
from domain.facts.receipts import ReceiptStatus
from domain.nudges.nudge import Nudge, evolve
from notifiers.port.interface import Report
from notifiers.port.message_names import named
from projections.handed_over import AttemptId


class Receipt(Struct, frozen=True):
    """A report about an attempt; `reason`: of a failure, such as `bounced`."""

    nudge: UUID
    recipient: str
    attempt: int
    status: ReceiptStatus
    reason: str = ""

    @property
    def attempt_id(self) -> AttemptId:
        """Return the attempt that it is about."""
        return AttemptId(self.nudge, self.recipient, self.attempt)


class NewReceipt(NamedTuple):
    """A receipt that says something new, as a fact; `moves`: it changes the state of the delivery."""

    receipt: Receipt
    fact: NudgeFact
    moves: bool


def new_receipts(
    receipts: Sequence[Receipt], found: Mapping[UUID, Nudge], reusable: AbstractSet[AttemptId], now: datetime
) -> list[NewReceipt]:
    """Return what the receipts say that is new to these nudges, each to its nudge as the earlier ones leave it.

    `reusable`: attempts that were matched by a name which another message may have.
    """
    nudges = dict(found)
    news: list[NewReceipt] = []
    for receipt in receipts:
        nudge = nudges.get(receipt.nudge)
        if nudge is None or not _attempted(nudge, receipt) or _gave_up_already(nudge, receipt):
            continue
        if receipt.attempt_id in reusable and _had_arrived(nudge, receipt):
            continue
        fact = _fact_of(receipt, nudge, now)
        after = evolve(nudge, receipt.nudge, nudge.version, fact)
        if after != nudge:
            nudges[receipt.nudge] = after
            moves = after.to(receipt.recipient).state is not nudge.to(receipt.recipient).state
            news.append(NewReceipt(receipt, fact, moves))
    return news


def receipts_of(reported: Iterable[tuple[AttemptId, ReceiptStatus, str]]) -> list[Receipt]:
    """Return the receipts; a part counts only if it failed, and then the whole message has failed."""
    return [
        Receipt(attempt_id.nudge, attempt_id.recipient, attempt_id.attempt, heard, reason)
        for attempt_id, heard, reason in reported
        if not attempt_id.part or heard is ReceiptStatus.FAILED
    ]


def may_be_about_another(
    report: Report, attempt_id: AttemptId | None, moved: AbstractSet[Receipt], settled: AbstractSet[AttemptId]
) -> bool:
    """Return whether it may be about a message that is not known by that name yet.

    Providers reuse their names. So a report that changes nothing may be about the next message of that name, whose
    outcome is not committed. Centres report delivered parts unasked, so one waits only if its message is `settled`.
    A name of ours is never reused.
    """
    if attempt_id is None or not has_providers_name(report):
        return attempt_id is None
    about = receipts_of([(attempt_id, report.status, reason_of(report))])
    return moved.isdisjoint(about) if about else attempt_id in settled


def has_providers_name(report: Report) -> bool:
    """Return whether the report has a name of the provider's, which it may use again."""
    return named(report.reference) is None


def _had_arrived(nudge: Nudge, receipt: Receipt) -> bool:
    """Return whether the only accepted attempt has arrived, so that a failure is about another message."""
    delivery = nudge.to(receipt.recipient)
    return receipt.status is ReceiptStatus.FAILED and delivery.arrived and set(delivery.accepted) <= {receipt.attempt}


def reason_of(report: Report) -> str:
    """Return the reason of a failure; empty where there is none."""
    return "" if report.reason is None else report.reason.value


def _attempted(nudge: Nudge, receipt: Receipt) -> bool:
    """Return whether there was such an attempt; a report about any other is a mistake."""
    known = any(one.recipient == receipt.recipient for one in nudge.deliveries)
    return known and 1 <= receipt.attempt <= nudge.to(receipt.recipient).attempt


def _gave_up_already(nudge: Nudge, receipt: Receipt) -> bool:
    """Return whether the attempt is known to have failed for good, so that nothing follows again."""
    delivery = nudge.to(receipt.recipient)
    last = receipt.attempt == delivery.attempt and receipt.status is ReceiptStatus.FAILED
    return last and delivery.channel in delivery.exhausted


def _fact_of(receipt: Receipt, nudge: Nudge, now: datetime) -> NudgeFact:
    match receipt.status:
        case ReceiptStatus.DELIVERED:
            return NudgeDelivered(now, receipt.recipient, receipt.attempt)
        case ReceiptStatus.OPENED:
            return NudgeOpened(now, receipt.recipient, receipt.attempt)
        case ReceiptStatus.FAILED:
            delivery = nudge.to(receipt.recipient)
            more = set(nudge.intent.channels).difference(delivery.exhausted, {delivery.channel})
            again = now if more else None
            return NudgeFailed(now, receipt.recipient, receipt.attempt, receipt.reason, again, gave_up=True)
