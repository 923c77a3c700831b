"""A bound connection to an SMS centre (SMPP 3.4), with many messages under way at a time."""

import asyncio
import socket
import ssl
from collections.abc import Callable
from contextlib import suppress
from typing import Final, Protocol, cast

from notifiers.port.interface import Accepted, Outcome, Reason, Unknown
from notifiers.sms.smpp import pdus
from notifiers.sms.smpp.config import SmppOptions
from notifiers.sms.smpp.outbox import Outbox, Part, UnderWay
from notifiers.sms.smpp.pace import Pace
from notifiers.sms.smpp.status import INVALID_COMMAND, NOT_BOUND, OK, THROTTLED, refusal

_QUICK: Final[int | None] = getattr(socket, "TCP_QUICKACK", None)  # Linux only


class Arrivals(Protocol):
    """Takes each deliver_sm, and has it answered by the link."""

    def take(self, pdu: pdus.Pdu, link: "Link") -> None:
        """Never blocks."""


class Link(asyncio.Protocol):
    """A bound session: writes what waits, as far as window and pace allow; `proved`: it has lived for a while."""

    def __init__(self, options: SmppOptions, outbox: Outbox, pace: Pace, arrivals: Arrivals) -> None:
        self._loop = asyncio.get_running_loop()
        self._options = options
        self._limits = options.limits
        self._outbox = outbox
        self._pace = pace
        self._arrivals = arrivals
        self._transport: asyncio.Transport | None = None
        self._frames = pdus.Frames()
        self._sequence = 0
        self._flying = UnderWay(self._limits.response)
        self._asked: dict[int, asyncio.Future[pdus.Pdu]] = {}
        self._timer: asyncio.TimerHandle | None = None
        self._opening: asyncio.TimerHandle | None = None
        self._ready: list[bytes] = []
        self._bound = False
        self._open = False
        self._blocked = False
        self._probe: asyncio.Task[None] | None = None
        self._heard = self._since = 0.0
        self.proved = False
        self.lost: asyncio.Future[Reason] = self._loop.create_future()
        self._idle = asyncio.Event()
        self._idle.set()

    def _begin(self) -> None:
        """The bind is done; the centre's first message may be right behind its answer."""
        self._bound = self._open = True
        self._since = self._heard
        self._look_by(self._heard + self._limits.enquire)

    # What the transport tells

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """The connection stands."""
        self._transport = cast("asyncio.Transport", transport)

    def data_received(self, data: bytes) -> None:
        """Handle all that is complete, then write what there is room for, in one go."""
        try:
            for pdu in self._frames.feed(data):
                self._handle(pdu)
        except pdus.GarbledError:
            self.end(Reason.GARBLED)
        self.pump()
        if not self._ready and not self.lost.done():
            self._acknowledge()

    def _acknowledge(self) -> None:
        """Acknowledge received bytes now: a centre that waits for that (Nagle) would hold the next answers back."""
        if _QUICK is not None and self._transport is not None:
            self._transport.get_extra_info("socket").setsockopt(socket.IPPROTO_TCP, _QUICK, 1)

    def connection_lost(self, exc: Exception | None) -> None:
        """The connection is gone."""
        self.end(Reason.NOT_ADMITTED if isinstance(exc, ssl.SSLError) else Reason.LINK_LOST)

    def pause_writing(self) -> None:
        """The centre reads too slowly."""
        self._blocked = True

    def resume_writing(self) -> None:
        """The centre reads again."""
        self._blocked = False
        self.pump()

    # What the centre says

    def _handle(self, pdu: pdus.Pdu) -> None:
        self._heard = self._loop.time()
        self.proved = self._bound and self._heard >= self._since + self._limits.rest
        answers = pdu.command in {pdus.SUBMIT_SM_RESP, pdus.GENERIC_NACK}
        if answers and (part := self._flying.take(pdu.sequence)):
            self._answered(part, pdu)
        elif answers and (part := self._flying.take_overdue(pdu.sequence)):
            if pdu.status not in THROTTLED:
                part.sending.answered_late(self._outcome(pdu), last=part.last)
        elif pdu.command & pdus.RESPONSE:
            if pdu.command == pdus.BIND_TRANSCEIVER_RESP and pdu.status == OK and not self._bound:
                self._begin()
            asked = self._asked.pop(pdu.sequence, None)
            if asked is not None and not asked.done():
                asked.set_result(pdu)
        else:
            self._requested(pdu)

    def _answered(self, part: Part, pdu: pdus.Pdu) -> None:
        if pdu.status in THROTTLED:
            part.throttled = THROTTLED[pdu.status]
            self._pace.throttled(self._heard)
            self._outbox.back(part)
        else:
            part.settle(self._outcome(pdu))
        if pdu.status == NOT_BOUND:
            self.end(Reason.NOT_ADMITTED)
        if not self._flying:
            self._idle.set()

    def _outcome(self, pdu: pdus.Pdu) -> Outcome:
        if pdu.status != OK:
            return refusal(pdu.status)
        reference = pdus.message_id(pdu, decimal=self._options.decimal)
        if reference is None:
            return Unknown(Reason.GARBLED)
        self._pace.taken()
        return Accepted(reference)

    def _requested(self, pdu: pdus.Pdu) -> None:
        match pdu.command:
            case pdus.DELIVER_SM if self._bound:
                self._arrivals.take(pdu, self)
            case pdus.ENQUIRE_LINK:
                self.write(pdus.bare(pdus.ENQUIRE_LINK_RESP, pdu.sequence))
            case pdus.UNBIND:
                self.write(pdus.bare(pdus.UNBIND_RESP, pdu.sequence))
                self.end(Reason.LINK_LOST, abruptly=False)
            case pdus.ALERT_NOTIFICATION | pdus.OUTBIND:
                pass  # neither has an answer
            case _:
                self.write(pdus.bare(pdus.GENERIC_NACK, pdu.sequence, INVALID_COMMAND))

    # What we write

    def write(self, data: bytes) -> bool:
        """Write with whatever else is to be written now; False if the link is gone."""
        if self.lost.done() or self._transport is None:
            return False
        if not self._ready:
            self._loop.call_soon(self._flush)
        self._ready.append(data)
        return True

    def _flush(self) -> None:
        ready, self._ready = self._ready, []
        if ready and self._transport is not None and not self._transport.is_closing():
            self._transport.write(b"".join(ready))

    def pump(self) -> None:
        """Write what waits, as far as there is room."""
        if not self._open or self._blocked or self._probe is not None:
            return
        now = self._loop.time()
        if now < self._pace.opens:
            self._pump_at(self._pace.opens)
            return
        room = int(self._pace.allowed) - len(self._flying)
        while room > 0 and (part := self._outbox.next(now)):
            self._sequence = pdus.following(self._sequence)
            self._flying.put(self._sequence, part, now)
            self.write(pdus.numbered(part.pdu, self._sequence))
            room -= 1
        if self._flying:
            self._idle.clear()
            self._look_by(now + self._limits.response)

    def _pump_at(self, when: float) -> None:
        if self._opening is None:
            self._opening = self._loop.call_at(when, self._pump_now)

    def _pump_now(self) -> None:
        self._opening = None
        self.pump()

    async def ask(self, pdu: Callable[[int], bytes]) -> pdus.Pdu | None:
        """Write a request and wait for its answer; None if the link is lost before."""
        self._sequence = pdus.following(self._sequence)
        answer = self._asked[self._sequence] = self._loop.create_future()
        self.write(pdu(self._sequence))
        await asyncio.wait([answer, self.lost], return_when=asyncio.FIRST_COMPLETED)
        return answer.result() if answer.done() else None

    # Whether the centre is there

    def _look(self) -> None:
        """Give up on answers that are overdue; ask whether the centre is there, if it has been silent."""
        now = self._loop.time()
        overdue = self._flying.give_up(Unknown(Reason.TIMED_OUT), now)
        if not self._flying:
            self._idle.set()
        if (overdue or now >= self._heard + self._limits.enquire) and self._probe is None:
            self._probe = self._loop.create_task(self._enquire())
        self._timer = None
        self._look_by(min(self._flying.due(), now + self._limits.enquire))

    def _look_by(self, when: float) -> None:
        if self._timer is None or when < self._timer.when():
            if self._timer is not None:
                self._timer.cancel()
            self._timer = self._loop.call_at(when, self._look)

    async def _enquire(self) -> None:
        """Probe the link; nothing more is written until the centre has answered, because it might all be lost."""
        try:
            async with asyncio.timeout(self._limits.response):
                await self.ask(lambda sequence: pdus.bare(pdus.ENQUIRE_LINK, sequence))
        except TimeoutError:
            self.end(Reason.LINK_LOST)
        self._probe = None
        self.pump()

    # The end

    async def leave(self) -> None:
        """Wait for what is under way, then unbind; each at most `limits.response` seconds."""
        self._open = False
        with suppress(TimeoutError):
            async with asyncio.timeout(self._limits.response):
                await self._idle.wait()
        with suppress(TimeoutError):
            async with asyncio.timeout(self._limits.response):
                await self.ask(lambda sequence: pdus.bare(pdus.UNBIND, sequence))
        self.end(Reason.CLOSED)

    def end(self, reason: Reason, *, abruptly: bool = True) -> None:
        """End the link: of what is under way nobody knows any more."""
        if self.lost.done():
            return
        self.lost.set_result(reason)
        self._open = False
        for timer in (self._timer, self._opening):
            if timer is not None:
                timer.cancel()
        if self._probe is not None and self._probe is not asyncio.current_task():
            self._probe.cancel()
        if not abruptly:
            self._flush()
        if self._transport is not None:
            (self._transport.abort if abruptly else self._transport.close)()
        self._flying.give_up(Unknown(Reason.GARBLED if reason is Reason.GARBLED else Reason.LINK_LOST))
        self._idle.set()
