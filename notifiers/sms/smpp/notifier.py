"""SMS over SMPP 3.4: one session with an SMS centre, many messages under way at a time."""

import asyncio
from collections.abc import Callable, Sequence
from contextlib import suppress
from datetime import UTC, datetime
from functools import lru_cache
from typing import Final
from uuid import uuid4

from smpp34 import SubmitSm

from notifiers.port.interface import GiveUp, Message, Outcome, Reason, RetryLater, Unknown
from notifiers.port.kinds import Kind, Tools
from notifiers.port.message_names import numbered
from notifiers.sms.phone import e164
from notifiers.sms.smpp.arrivals import Arrivals
from notifiers.sms.smpp.config import SmppOptions
from notifiers.sms.smpp.dial import Keeper
from notifiers.sms.smpp.encoding import wire
from notifiers.sms.smpp.late_answers import LateAnswers
from notifiers.sms.smpp.outbox import Batch, Part, Sending

_AT_ONCE: Final = 32
"""The messages prepared before the link gets its turn again."""

_LAST_PART, _OTHER_PARTS, _NONE = 0x01, 0x02, 0x00
"""registered_delivery (SMPP 3.4, 5.2.17): a receipt in any case, a receipt of a failure, none."""


class SmppNotifier:
    """The SMS channel over SMPP. An SMS centre knows no doubles, so an unknown outcome must not be repeated blindly.

    A message in parts is known by its last part, whose receipt tells for all; a receipt is asked of the other parts
    only if they fail. `clock` gives aware times; `new_id` names what people write; `jitter` spreads the rests between
    attempts to connect.
    """

    channel = "sms"
    removes_doubles = False

    def __init__(
        self,
        options: SmppOptions,
        tools: Tools,
        *,
        new_id: Callable[[], str] = lambda: uuid4().hex,
        jitter: Callable[[float], float] = lambda seconds: seconds,
    ) -> None:
        self._options = options
        self.longest = options.limits.send
        self._clock = tools.clock
        self._source = options.source
        self._arrivals = Arrivals(options, tools.inbound, new_id)
        self._late = LateAnswers(tools.inbound, options.limits.rest, reports=options.receipts)
        self._keeper = Keeper(options, options.context(), self._arrivals, jitter)

    @property
    def reports(self) -> bool:
        """Return True if receipts are asked for."""
        return self._options.receipts

    @property
    def elsewhere(self) -> bool:
        """Return True if another process has the only link that the account may have."""
        return self._keeper.elsewhere

    def reaches(self, address: str) -> bool:  # noqa: ARG002  (a telephone number is one kind)
        """Return True for any address of the SMS channel."""
        return True

    async def start(self) -> None:
        """Connect, and stay connected: receipts and answers come by the same link."""
        self._keeper.begin()

    async def ready(self) -> RetryLater | None:
        """Wait until the link to the centre is open; return why there is none."""
        return await self._keeper.ready()

    async def send(self, messages: Sequence[Message]) -> Sequence[Outcome]:
        """Send a batch within `longest` seconds; what is not written after `limits.begin` is put off."""
        if not messages:
            return []
        until = asyncio.get_running_loop().time() + self._options.limits.begin
        nothing: list[Outcome | None] = [None] * len(messages)
        batch = Batch(until, nothing, self._part_taken, self._late.take, waiting=len(messages))
        longest = self._clock() + self._options.validity
        for first in range(0, len(messages), _AT_ONCE):
            sendings = enumerate(messages[first : first + _AT_ONCE], first)
            self._give(batch, [Sending(batch, number, message) for number, message in sendings], longest)
            await asyncio.sleep(0)
        await self._settled(batch)
        return [outcome or Unknown(Reason.TIMED_OUT) for outcome in batch.outcomes]

    async def aclose(self) -> None:
        """Wait for the answers under way, then unbind; unanswered arrivals come again."""
        await self._arrivals.wait_answered()
        await self._keeper.aclose()
        await self._arrivals.aclose()
        await self._late.aclose()

    def _give(self, batch: Batch, sendings: Sequence[Sending], longest: datetime) -> None:
        parts: list[Part] = []
        for sending in sendings:
            pdus = self._written(sending.message, longest)
            if isinstance(pdus, GiveUp):
                batch.settle(sending, pdus)
            else:
                sending.open = len(pdus)
                parts += (Part(pdu, sending, last=number == len(pdus)) for number, pdu in enumerate(pdus, start=1))
        batch.parts += parts
        self._keeper.put(parts)

    def _part_taken(self, message: Message, part: str, whole: bool) -> None:  # noqa: FBT001  (of a callback)
        if whole:
            self._arrivals.whole_taken(part)
        else:
            self._arrivals.part_taken(part, numbered(message.key, message.attempt))

    async def _settled(self, batch: Batch) -> None:
        try:
            async with asyncio.timeout_at(batch.until):
                await batch.done.wait()
        except TimeoutError:
            batch.expire()
            with suppress(TimeoutError):
                async with asyncio.timeout(self._options.limits.response):
                    await batch.done.wait()
        finally:
            batch.expire()

    def _written(self, message: Message, longest: datetime) -> list[bytes] | GiveUp:
        """Return the submit_sm of each part. The centre may try until `longest`, or until the message expires."""
        options = self._options
        receiver = e164(message.address, options.region)
        if receiver is None:
            return GiveUp(Reason.BAD_ADDRESS)
        try:
            content = wire(message.text, message.nudge.int, options.most_parts)
        except UnicodeError:
            return GiveUp(Reason.BAD_CONTENT)
        if content is None:
            return GiveUp(Reason.TOO_LARGE)
        source, ton, npi = self._source
        until = longest if message.expires is None else min(message.expires, longest)
        last = len(content.parts) - 1
        return [
            SubmitSm(
                source,
                receiver,
                part,
                source_addr_ton=ton,
                source_addr_npi=npi,
                dest_addr_ton=options.receiver_ton,
                dest_addr_npi=options.receiver_npi,
                esm_class=content.esm_class,
                validity_period=_absolute(until),
                registered_delivery=self._receipt(last=number == last),
                data_coding=content.data_coding,
            ).encode()
            for number, part in enumerate(content.parts)
        ]

    def _receipt(self, *, last: bool) -> int:
        if not self._options.receipts:
            return _NONE
        return _LAST_PART if last else _OTHER_PARTS


@lru_cache(maxsize=256)
def _absolute(time: datetime) -> str:
    """Return an absolute time (SMPP 3.4, 7.1.1)."""
    return f"{time.astimezone(UTC):%y%m%d%H%M%S}000+"


KIND = Kind("sms", SmppOptions, SmppNotifier)
