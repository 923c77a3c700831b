"""The demo's mailroom: where the fakes of all channels hand over, and how the invented citizens react."""

import heapq
import itertools
from collections.abc import Callable, Collection
from datetime import datetime, timedelta
from itertools import islice
from random import Random
from uuid import UUID

from msgspec import Struct

from domain.facts.receipts import ReceiptStatus
from notifiers.port.interface import Message, Reason
from streams.delivery.outcomes.receipt_facts import Receipt
from streams.delivery.send.fake_outbox import FakeOutbox

_OPENS = {"push": 0.7, "sms": 0.0, "email": 0.6}
"""Channel -> the share of its messages whose opening is reported; nothing reports that of an SMS."""
_BOUNCES = {"push": 0.0, "sms": 0.02, "email": 0.04}
_ARRIVES_WITHIN = timedelta(seconds=40)
_OPENED_WITHIN = timedelta(hours=20)


class HandedOver(Struct, frozen=True):
    """A message that was handed over; its words are in the box."""

    nudge: UUID
    recipient: str
    channel: str


class Mailroom:
    """Keeps every message in the box, in the order of handing over, and plays the providers' reports.

    `reachable`: those whose messages never bounce.
    """

    def __init__(
        self, box: FakeOutbox, clock: Callable[[], datetime], random: Random, reachable: Collection[str]
    ) -> None:
        self._box, self._clock, self._random, self._reachable = box, clock, random, reachable
        self._reports: list[tuple[datetime, int, Receipt]] = []
        self._order = itertools.count()
        self.handed: list[HandedOver] = []

    def keep(self, message: Message) -> None:
        """Take a message over: the sink of the fakes."""
        self._box.keep(message)
        self.handed.append(HandedOver(message.nudge, message.recipient, message.channel))
        arrives = self._clock() + _ARRIVES_WITHIN * self._random.random()
        if self._random.random() < _BOUNCES[message.channel] and message.recipient not in self._reachable:
            self._report(arrives, message, ReceiptStatus.FAILED, Reason.UNDELIVERED)
            return
        self._report(arrives, message, ReceiptStatus.DELIVERED)
        if self._random.random() < _OPENS[message.channel]:
            self._report(arrives + _OPENED_WITHIN * self._random.random() ** 2, message, ReceiptStatus.OPENED)

    def _report(self, at: datetime, message: Message, heard: ReceiptStatus, reason: str = "") -> None:
        receipt = Receipt(message.nudge, message.recipient, message.attempt, heard, reason)
        heapq.heappush(self._reports, (at, next(self._order), receipt))

    def next_report(self) -> datetime | None:
        """Return the time of the next report."""
        return self._reports[0][0] if self._reports else None

    def reports(self, now: datetime) -> list[Receipt]:
        """Return the reports that have come in by now; each is given once."""
        due: list[Receipt] = []
        while self._reports and self._reports[0][0] <= now:
            due.append(heapq.heappop(self._reports)[2])
        return due

    def latest(self, channel: str | None, limit: int) -> list[HandedOver]:
        """Return the messages handed over last on that channel (None: any), the newest first."""
        return list(islice((each for each in reversed(self.handed[:]) if channel in (None, each.channel)), limit))
