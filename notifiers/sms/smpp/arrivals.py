"""Messages from an SMS centre to us: each is answered only after the platform has kept it."""

import asyncio
import logging
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import timedelta
from hashlib import blake2b
from typing import Final

from smpp34 import DeliverSm, SmppError, decode

from domain.facts.receipts import ReceiptStatus
from notifiers.port.interface import Inbound, Incoming, Piece, Report
from notifiers.sms.phone import written
from notifiers.sms.smpp import pdus
from notifiers.sms.smpp.bounded_memory import Memory
from notifiers.sms.smpp.config import SmppOptions
from notifiers.sms.smpp.content import carried, joint_of
from notifiers.sms.smpp.encoding import Joint, read
from notifiers.sms.smpp.link import Link
from notifiers.sms.smpp.receipts import UnreadableError, is_receipt, report
from notifiers.sms.smpp.status import NEVER, OK, TRY_AGAIN

_MOST_WAITING: Final = 1000
_MOST_REMEMBERED: Final = 10_000
_MOST_UNSURE: Final = 1000
_FEW: Final = 10
_GATHER: Final = 0.05
"""Where fewer wait, more are waited for so many seconds: each batch is a transaction. (Centres wait for the answers
to ten or so, then send no more: these are never waited for.)"""

log = logging.getLogger("habarshy")


@dataclass(frozen=True, slots=True)
class Arrival:
    """A deliver_sm that has not been answered; `digest` is the same when it is sent again."""

    content: DeliverSm
    sequence: int
    link: Link
    digest: bytes

    def answer(self, status: int) -> bool:
        """Acknowledge it; return False if the link is gone: then it comes again."""
        return self.link.write(pdus.delivered(self.sequence, status))


class Arrivals:
    """Keeps what comes in, in its order: receipts that wait together are kept together.

    `new_id` names a message that a person wrote; the same until it could be answered. `names` has, for each part
    before the last of a message, our own name of the attempt: whoever gave out the message knows its parts only with
    the last answer, and by our name a receipt counts also where that never comes.
    """

    def __init__(self, options: SmppOptions, inbound: Inbound, new_id: Callable[[], str]) -> None:
        self._limits = options.limits
        self._region = options.region
        self._decimal = options.decimal
        self._inbound = inbound
        self._new_id = new_id
        self._waiting: deque[Arrival] = deque()
        self._some = asyncio.Event()
        self._at_rest = asyncio.Event()
        self._at_rest.set()
        self._ids = Memory(_MOST_REMEMBERED, self._limits.again)
        self._done = Memory(_MOST_REMEMBERED, self._limits.again)
        self._acknowledged: dict[Link, deque[tuple[float, bytes]]] = {}
        self._names = Memory(_MOST_REMEMBERED, options.validity.total_seconds())
        self._task: asyncio.Task[None] | None = None

    def take(self, pdu: pdus.Pdu, link: Link) -> None:
        """Keep it for its turn; refuse it for now if too many wait, for good if it is no deliver_sm."""
        try:
            content = decode(pdu.whole)
        except SmppError:
            content = None
        if not isinstance(content, DeliverSm):
            link.write(pdus.delivered(pdu.sequence, NEVER))
        elif len(self._waiting) >= _MOST_WAITING:
            link.write(pdus.delivered(pdu.sequence, TRY_AGAIN))
        else:
            digest = blake2b(pdu.whole[pdus.HEADER :], digest_size=16).digest()
            self._waiting.append(Arrival(content, pdu.sequence, link, digest))
            self._some.set()
            self._at_rest.clear()
        if self._task is None:
            self._task = asyncio.get_running_loop().create_task(self._work())

    def part_taken(self, part: str, name: str) -> None:
        """A failure of this part is that of the attempt with our `name`."""
        self._names.keep(part.encode(), name)

    def whole_taken(self, reference: str) -> None:
        """A whole message has that id: an earlier part had it before, or all its parts have the same."""
        self._names.forget(reference.encode())

    async def wait_answered(self) -> None:
        """Wait until all that came is kept and answered, at most `limits.response` seconds."""
        with suppress(TimeoutError):
            async with asyncio.timeout(self._limits.response):
                await self._at_rest.wait()

    async def aclose(self) -> None:
        """Stop. Unanswered messages come again."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.wait([self._task])

    async def _work(self) -> None:
        while True:
            await self._some.wait()
            if len(self._waiting) < _FEW:
                await asyncio.sleep(_GATHER)
            self._some.clear()
            arrivals, self._waiting = list(self._waiting), deque()
            await self._report([arrival for arrival in arrivals if is_receipt(arrival.content)])
            for arrival in arrivals:
                if not is_receipt(arrival.content):
                    await self._receive(arrival)
            if not self._waiting:
                self._at_rest.set()

    async def _report(self, receipts: Sequence[Arrival]) -> None:
        reports: list[Report] = []
        readable: list[Arrival] = []
        for arrival in receipts:
            try:
                found = report(arrival.content, decimal=self._decimal)
            except UnreadableError:
                arrival.answer(NEVER)
                continue
            readable.append(arrival)
            whole = None if found is None else self._of_the_whole(found)
            if whole is not None:
                reports.append(whole)
        status = await self._kept(self._inbound.reported(reports)) if reports else OK
        for arrival in readable:
            arrival.answer(status)

    def _of_the_whole(self, found: Report) -> Report | None:
        """Return the report as one on the whole message; of an earlier part, only a failure counts."""
        name = self._names.get(found.reference.encode())
        if name is None:
            return found
        return replace(found, reference=name) if found.status is ReceiptStatus.FAILED else None

    async def _receive(self, arrival: Arrival) -> None:
        """Keep a message, or a part of one. The database knows to which message a part belongs, not this link."""
        content = arrival.content
        try:
            words, joint = read(carried(content), content.data_coding, content.esm_class)
        except ValueError:
            arrival.answer(NEVER)
            return
        joint = joint or joint_of(content)
        if joint is not None and joint.total > 1:
            arrival.answer(await self._kept(self._inbound.received_piece(self._piece(content, joint, words))))
        elif arrival.digest in self._done or await self._keep(arrival, words):
            self._answer(arrival)

    def _piece(self, content: DeliverSm, joint: Joint, words: str) -> Piece:
        limits = self._limits
        return Piece(
            sender=self._sender(content),
            receiver=content.destination_addr,
            reference=joint.reference,
            total=joint.total,
            number=joint.number,
            text=words,
            patience=timedelta(seconds=limits.incomplete),
            again=timedelta(seconds=limits.again),
        )

    def _sender(self, content: DeliverSm) -> str:
        return written(content.source_addr, international=content.source_addr_ton == 1, region=self._region)

    async def _keep(self, arrival: Arrival, text: str) -> bool:
        """Keep a message. After a failure the centre sends it again, and it is tried under the same id."""
        name = self._ids.get(arrival.digest) or self._new_id()
        status = await self._kept(self._inbound.received(Incoming(name, self._sender(arrival.content), text)))
        if status == OK:
            self._ids.forget(arrival.digest)
            return True
        self._ids.keep(arrival.digest, name)
        arrival.answer(status)
        return False

    def _answer(self, arrival: Arrival) -> None:
        """Acknowledge a kept message; if that cannot be sent, it will come again."""
        if self._acknowledge(arrival):
            self._done.forget(arrival.digest)
        else:
            self._done.keep(arrival.digest, "")

    def _acknowledge(self, arrival: Arrival) -> bool:
        """Answer the message; return True if that could be written.

        What was written just before a link is lost may not arrive.
        """
        link = arrival.link
        if not arrival.answer(OK):
            return False
        if link not in self._acknowledged:
            self._acknowledged[link] = deque(maxlen=_MOST_UNSURE)
            link.lost.add_done_callback(lambda _: self._unsure(link))
        self._acknowledged[link].append((asyncio.get_running_loop().time(), arrival.digest))
        return True

    def _unsure(self, link: Link) -> None:
        """The centre may not have read what was written since it could last be known to be there."""
        since = asyncio.get_running_loop().time() - self._limits.enquire - self._limits.response
        for at, digest in self._acknowledged.pop(link, ()):
            if at >= since:
                self._done.keep(digest, "")

    async def _kept(self, keeping: Awaitable[None]) -> int:
        """Return the status to answer with, once the platform has returned."""
        try:
            async with asyncio.timeout(self._limits.response):
                await keeping
        except OSError:  # a TimeoutError is one
            return TRY_AGAIN
        except Exception as defect:  # noqa: BLE001  a defect of the platform must not end the link's other traffic
            log.error("what an SMS centre sent could not be kept: %s", type(defect).__name__)  # noqa: TRY400  no words
            return TRY_AGAIN
        return OK
