"""Receipts: what providers and readers report back becomes facts of the nudge, in our vocabulary."""

from collections.abc import Callable
from datetime import datetime
from uuid import UUID

from msgspec import Struct

from domain.facts import NudgeDelivered, NudgeFact, NudgeFailed, NudgeOpened
from domain.nudge import Nudge, evolve
from domain.receipts import Heard
from projections import nudges
from streams.appending import record
from streams.database import Database, Priority
from streams.log import Log


class Receipt(Struct, frozen=True):
    """A report about an attempt; `reason` of a failure in our words (bounced, refused, expired there)."""

    nudge: UUID
    recipient: str
    attempt: int
    heard: Heard
    reason: str = ""


class UnknownNudge(LookupError):
    """No nudge has this id; the receipt was for another platform, or its id was cut."""

    def __init__(self) -> None:
        super().__init__(type(self).__doc__)


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
        if not _attempted(found, receipt):
            return False
        fact = _fact_of(receipt, found, self._clock())
        if evolve(found, receipt.nudge, found.version, fact) == found:
            return False
        self._database.write(
            lambda connection: record(connection, self._log, [(receipt.nudge, fact)]), Priority.DISPATCH
        )
        return True


def _attempted(nudge: Nudge, receipt: Receipt) -> bool:
    """Whether there was such an attempt: a report about any other is somebody's mistake."""
    known = any(one.recipient == receipt.recipient for one in nudge.deliveries)
    return known and 1 <= receipt.attempt <= nudge.to(receipt.recipient).attempt


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
