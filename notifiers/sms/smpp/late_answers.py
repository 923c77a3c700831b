"""Answers of an SMS centre to messages that were given up, handed on until the platform has kept them."""

import asyncio
import logging
from collections import deque
from typing import Final

from domain.facts.receipts import ReceiptStatus
from notifiers.port.interface import Accepted, GiveUp, Inbound, Message, Outcome, Report
from notifiers.port.message_names import numbered

log = logging.getLogger("habarshy")
_MOST: Final = 10_000


class LateAnswers:
    """Tells the platform; `reports`: whether the centre says what becomes of a message; `pause`: where that fails."""

    def __init__(self, inbound: Inbound, pause: float, *, reports: bool) -> None:
        self._inbound, self._pause, self._reports = inbound, pause, reports
        self._waiting: deque[tuple[Message, Outcome]] = deque(maxlen=_MOST)
        self._task: asyncio.Task[None] | None = None

    def take(self, message: Message, outcome: Outcome) -> None:
        """Hand this on; never blocks."""
        self._waiting.append((message, outcome))
        if self._task is None or self._task.done():
            self._task = asyncio.get_running_loop().create_task(self._work())

    async def aclose(self) -> None:
        """Stop. Outcomes that are not kept by now stay unknown."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.wait([self._task])

    async def _work(self) -> None:
        while self._waiting:
            message, outcome = self._waiting.popleft()
            try:
                await self._tell(message, outcome)
            except Exception as error:  # noqa: BLE001  whatever it is, the others are told, and this one again
                if not isinstance(error, OSError):
                    log.error("a late answer could not be kept: %s", type(error).__name__)  # noqa: TRY400  no words
                self._waiting.append((message, outcome))
                await asyncio.sleep(self._pause)

    async def _tell(self, message: Message, outcome: Outcome) -> None:
        name = numbered(message.key, message.attempt)
        match outcome:
            case Accepted() as taken:
                await self._inbound.accepted(name, taken, reports=self._reports)
            case GiveUp(reason, detail):
                await self._inbound.reported([Report(name, ReceiptStatus.FAILED, reason, detail)])
            case _:
                pass  # it may be tried again, as what is unknown is
