"""Soft bounces: an address whose emails bounce in a row, for days, is suppressed like a bad one."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, timedelta

from msgspec import Struct
from sqlalchemy import Connection

from domain.facts.facts import (
    NudgeAttempted,
    NudgeDelivered,
    NudgeFailed,
    NudgeOpened,
    NudgeSent,
    NudgeUnknown,
)
from domain.facts.receipts import ReceiptStatus
from notifiers.port.interface import Reason
from projections import inbox
from projections.references import AttemptId
from streams.delivery.outcomes.receipts import Receipt
from streams.log.log import Log
from streams.log.mapper import Entry

SOFT = frozenset({Reason.EXPIRED_THERE.value, Reason.MAILBOX_FULL.value, Reason.UNDELIVERED.value})
CHANNEL, LOOKED_AT = "email", 50
"""LOOKED_AT: of the person's last messages. A message delivered, or sent and not reported, ends a row."""


class Endurance(Struct, frozen=True):
    """The threshold of suppression: emails that bounce in a row, and the days that they must span."""

    bounces: int
    days: int


def soft_among(receipts: Sequence[Receipt]) -> list[Receipt]:
    """Return the receipts of soft bounces: not delivered, without a word against the address."""
    return [each for each in receipts if each.heard is ReceiptStatus.FAILED and each.reason in SOFT]


def row_before(connection: Connection, log: Log, receipt: Receipt, endurance: Endurance) -> list[Entry]:
    """Return the attempts of the row that the receipt completes, its own last; none if the row is not long enough."""
    shown = inbox.page(connection, receipt.recipient, None, LOOKED_AT)
    entries = log.streams(connection, [each.nudge for each in shown])
    letters = sorted(_letters(entries, receipt.recipient), key=_at)
    own = [number for number, each in enumerate(letters) if _attempt_id(each) == _attempt_of(receipt)]
    row = letters[: own[-1] + 1][-endurance.bounces :] if own else []
    failed = _failed_softly(entries)
    if len(row) < endurance.bounces or not all(_attempt_id(each) in failed for each in row):
        return []
    long = failed[_attempt_id(row[-1])] - failed[_attempt_id(row[0])] >= timedelta(days=endurance.days)
    return row if long else []


def _letters(entries: Sequence[Entry], recipient: str) -> Iterator[Entry]:
    """Yield the attempts by email that a server may have accepted."""
    gone = {_attempt_id(each) for each in entries if isinstance(each.fact, NudgeSent | NudgeUnknown)}
    for each in entries:
        fact = each.fact
        letter = isinstance(fact, NudgeAttempted) and (fact.channel, fact.recipient) == (CHANNEL, recipient)
        if letter and _attempt_id(each) in gone:
            yield each


def _failed_softly(entries: Sequence[Entry]) -> Mapping[AttemptId, datetime]:
    """Return when each was first reported as a soft bounce: the end of the cascade repeats the report later."""
    arrived = {_attempt_id(each) for each in entries if isinstance(each.fact, NudgeDelivered | NudgeOpened)}
    return {
        _attempt_id(each): each.fact.at
        for each in reversed(entries)
        if isinstance(each.fact, NudgeFailed) and each.fact.reason in SOFT and _attempt_id(each) not in arrived
    }


def _at(entry: Entry) -> datetime:
    assert isinstance(entry.fact, NudgeAttempted)
    return entry.fact.at


def _attempt_id(entry: Entry) -> AttemptId:
    fact = entry.fact
    assert isinstance(fact, NudgeAttempted | NudgeSent | NudgeUnknown | NudgeDelivered | NudgeOpened | NudgeFailed)
    return AttemptId(entry.originator_id, fact.recipient, fact.attempt)


def _attempt_of(receipt: Receipt) -> AttemptId:
    return AttemptId(receipt.nudge, receipt.recipient, receipt.attempt)
