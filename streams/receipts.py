"""Receipts: what providers and readers report back becomes facts of the nudge, in our vocabulary."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from typing import NamedTuple
from uuid import UUID

from msgspec import Struct, field
from sqlalchemy import Connection, delete, select

from domain.facts import NudgeDelivered, NudgeFact, NudgeFailed, NudgeOpened, NudgeSent
from domain.nudge import Nudge, evolve
from domain.receipts import Heard
from notifiers.port import Report
from projections import nudges, references
from projections.bulk import insert_rows
from projections.lookup import Lookup
from projections.references import Tried
from projections.tables import micros
from streams import own_names, sent_parts
from streams.appending import record
from streams.database import Database, Priority
from streams.log import Log
from streams.recorder import APPEND_LOCK, take_turns
from streams.sent_parts import Parts
from streams.tables import early_receipts

KEPT_EARLY = timedelta(days=7)
"""How long a receipt waits for its message to be known by the name that the receipt has."""


class Receipt(Struct, frozen=True):
    """A report about an attempt; `reason` of a failure in our words (bounced, refused, expired there)."""

    nudge: UUID
    recipient: str
    attempt: int
    heard: Heard
    reason: str = ""


class Outcomes(Struct, frozen=True):
    """What became of attempts, with the `parts` that providers have of them.

    `told`: whether what was sent may have been reported by our own name before; what is unknown always may.
    """

    facts: Sequence[tuple[UUID, NudgeFact]]
    parts: Parts = field(default_factory=dict)
    told: bool = True


class UnknownNudge(LookupError):
    """No nudge has this id; the receipt was for another platform, or its id was cut."""

    def __init__(self) -> None:
        super().__init__(type(self).__doc__)


class _Early(NamedTuple):
    """A receipt by a name that the platform did not know when it came."""

    provider: str
    reference: str
    heard: str
    reason: str | None


_EARLY = Lookup(select(*(early_receipts.c[name] for name in _Early._fields)), early_receipts.c.reference)


def _early(connection: Connection, names: Sequence[str]) -> Iterator[_Early]:
    return map(_Early._make, _EARLY.rows(connection, names))


class Receipts:
    """Takes receipts in: idempotent, and safe in any order."""

    def __init__(self, database: Database, log: Log, clock: Callable[[], datetime]) -> None:
        self._database, self._log, self._clock = database, log, clock

    def take(self, receipt: Receipt) -> bool:
        """Append what the receipt says, if it says anything new.

        Raises:
            UnknownNudge: nothing has that id.
        """
        with self._database.reading() as connection:
            found = nudges.by_id(connection, [receipt.nudge]).get(receipt.nudge)
        if found is None:
            raise UnknownNudge
        return bool(self._database.write(lambda connection: self._take(connection, [receipt]), Priority.DISPATCH))

    def reported(self, provider: str, reports: Sequence[Report]) -> list[Receipt]:
        """Append what a provider reports about what it took over; gives what was new.

        What it reports before the platform knows the message by that name is kept, see `catch_up`. What became known
        while that was committed has caught up already, and is looked at once more.
        """
        new, early = self._database.write(
            lambda connection: self._reported(connection, provider, reports), Priority.DISPATCH
        )
        if not early:
            return new
        return new + self._database.write(
            lambda connection: self._meanwhile(connection, provider, early), Priority.DISPATCH
        )

    def _reported(
        self, connection: Connection, provider: str, reports: Sequence[Report]
    ) -> tuple[list[Receipt], list[str]]:
        tried = self._known(connection, provider, [each.reference for each in reports])
        early = [each for each in reports if each.reference not in tried]
        now = micros(self._clock())
        rows = [(provider, each.reference, each.heard.value, each.reason, now) for each in early]
        insert_rows(connection, early_receipts, list({row[:3]: row for row in rows}.values()), ignore=True)
        new = self._take(connection, _receipts(
            (tried[each.reference], each.heard, each.reason.value if each.reason else "")
            for each in reports if each.reference in tried
        ))  # fmt: skip
        if early:  # an outcome is committed before this, and is seen afterwards, or after this, and sees it
            take_turns(connection, APPEND_LOCK)
        return new, sorted({each.reference for each in early})

    def _known(self, connection: Connection, provider: str, names: Sequence[str]) -> dict[str, Tried]:
        """By the provider's name for it or a part of it, or by our own, which one that never answered knows, too."""
        tried = references.find(connection, provider, names)
        tried |= own_names.find(connection, self._log, provider, set(names).difference(tried))
        return tried | sent_parts.find(connection, self._log, provider, names, tried)

    def _meanwhile(self, connection: Connection, provider: str, early: Sequence[str]) -> list[Receipt]:
        found = self._known(connection, provider, early)
        known = {(provider, reference): tried for reference, tried in found.items()}
        return self._caught_up(connection, _early(connection, sorted(found)), known)

    def catch_up(self, connection: Connection, outcomes: Outcomes) -> list[Receipt]:
        """Append what was reported early about messages that are known since these outcomes, in their transaction.

        Their parts are known from now on.
        """
        sent_parts.keep(connection, outcomes.parts, self._clock())
        sent = dict(outcomes.parts) | {
            (fact.provider, fact.reference): Tried(nudge, fact.recipient, fact.attempt)
            for nudge, fact in outcomes.facts
            if isinstance(fact, NudgeSent) and fact.reference
        }
        ours = set(own_names.of_outcomes(outcomes.facts, sent=outcomes.told))
        rows = list(_early(connection, sorted(ours.union(reference for _, reference in sent))))
        for provider, reference in sorted({row[:2] for row in rows if row.reference in ours}):
            tried = own_names.find(connection, self._log, provider, [reference])
            sent |= {(provider, name): each for name, each in tried.items()}
        return self._caught_up(connection, rows, sent)

    def _caught_up(
        self, connection: Connection, early: Iterable[_Early], sent: Mapping[tuple[str, str], Tried]
    ) -> list[Receipt]:
        table, rows = early_receipts, [row for row in early if (row.provider, row.reference) in sent]
        for row in rows:
            one = (table.c.provider == row.provider, table.c.reference == row.reference, table.c.heard == row.heard)
            connection.execute(delete(table).where(*one))
        return self._take(connection, _receipts(
            (sent[row.provider, row.reference], Heard(row.heard), row.reason or "") for row in rows
        ))  # fmt: skip

    def forget(self, connection: Connection) -> None:
        """Let go of early receipts of messages that never became known: they were another platform's."""
        old = micros(self._clock() - KEPT_EARLY)
        connection.execute(delete(early_receipts).where(early_receipts.c.at < old))

    def _take(self, connection: Connection, receipts: Sequence[Receipt]) -> list[Receipt]:
        found = nudges.held(connection, {receipt.nudge for receipt in receipts})
        new: list[tuple[Receipt, NudgeFact]] = []
        for receipt in receipts:
            nudge = found.get(receipt.nudge)
            if nudge is None or not _attempted(nudge, receipt) or _gave_up_already(nudge, receipt):
                continue
            fact = _fact_of(receipt, nudge, self._clock())
            after = evolve(nudge, receipt.nudge, nudge.version, fact)
            if after != nudge:
                found[receipt.nudge] = after
                new.append((receipt, fact))
        record(connection, self._log, [(receipt.nudge, fact) for receipt, fact in new])
        return [receipt for receipt, _ in new]


def _receipts(told: Iterable[tuple[Tried, Heard, str]]) -> list[Receipt]:
    """Of a part only its failure says something, and that of the whole."""
    return [
        Receipt(tried.nudge, tried.recipient, tried.attempt, heard, reason)
        for tried, heard, reason in told if not tried.part or heard is Heard.FAILED
    ]  # fmt: skip


def _attempted(nudge: Nudge, receipt: Receipt) -> bool:
    """Whether there was such an attempt: a report about any other is somebody's mistake."""
    known = any(one.recipient == receipt.recipient for one in nudge.deliveries)
    return known and 1 <= receipt.attempt <= nudge.to(receipt.recipient).attempt


def _gave_up_already(nudge: Nudge, receipt: Receipt) -> bool:
    """Whether it is known that this attempt failed for good: what followed from that is not to begin again."""
    delivery = nudge.to(receipt.recipient)
    last = receipt.attempt == delivery.attempt and receipt.heard is Heard.FAILED
    return last and delivery.channel in delivery.exhausted


def _fact_of(receipt: Receipt, nudge: Nudge, now: datetime) -> NudgeFact:
    match receipt.heard:
        case Heard.DELIVERED:
            return NudgeDelivered(now, receipt.recipient, receipt.attempt)
        case Heard.OPENED:
            return NudgeOpened(now, receipt.recipient, receipt.attempt)
        case Heard.FAILED:
            delivery = nudge.to(receipt.recipient)
            more = set(nudge.intent.channels).difference(delivery.exhausted, {delivery.channel})
            again = now if more else None
            return NudgeFailed(now, receipt.recipient, receipt.attempt, receipt.reason, again, gave_up=True)
