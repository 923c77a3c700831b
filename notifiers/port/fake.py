"""The shipped fake: a notifier for any channel that keeps its messages instead of sending them."""

import asyncio
import re
from collections.abc import Awaitable, Callable, Iterable, MutableSequence, Sequence
from inspect import isawaitable

from notifiers.port.interface import Accepted, GiveUp, Message, Outcome, Reason, RetryLater, Unknown

Sink = MutableSequence[Message] | Callable[[Message], Awaitable[None] | None]

_ADDRESS = re.compile(r"[^\s\x00-\x1f\x7f]+")


class FakeNotifier:
    """Puts into `sink` whatever a real notifier would have handed over.

    `script` gives the first outcomes in order, afterwards everything is accepted. What is scripted as Unknown is
    kept as well: it is the message that nobody knows to have gone. With `removes_doubles`, a key that was accepted
    is accepted again, but not kept again. With `reports`, its silence means something. `limit` is the longest that
    the sink may take for a batch, in seconds. `calls` counts the sends. A sink that raises OSError plays a provider
    that cannot be reached; any other exception of it is a defect and comes through.
    """

    def __init__(
        self,
        channel: str,
        sink: Sink,
        *,
        script: Iterable[Outcome] = (),
        removes_doubles: bool = False,
        reports: bool = False,
        limit: float = 5.0,
    ) -> None:
        self.channel = channel
        self.removes_doubles = removes_doubles
        self.reports = reports
        self.calls = 0
        self._keep = sink.append if isinstance(sink, MutableSequence) else sink
        self._script = iter(script)
        self.longest = limit
        self._known: set[str] = set()
        self._closed = False

    def reaches(self, address: str) -> bool:  # noqa: ARG002  (any kind)
        """Return True for every address."""
        return True

    async def start(self) -> None:
        """Do nothing: the fake reports nothing by itself."""

    async def send(self, messages: Sequence[Message]) -> Sequence[Outcome]:
        """Keep a batch, message by message."""
        self.calls += 1
        until = asyncio.get_running_loop().time() + self.longest
        return [await self._answer(message, until) for message in messages]

    async def aclose(self) -> None:
        """Keep nothing from now on."""
        self._closed = True

    async def _answer(self, message: Message, until: float) -> Outcome:
        if self._closed:
            return RetryLater(None, Reason.CLOSED)
        if not _ADDRESS.fullmatch(message.address):
            return GiveUp(Reason.BAD_ADDRESS)
        outcome = next(self._script, None) or Accepted(f"fake:{message.key}")
        if isinstance(outcome, RetryLater | GiveUp) or message.key in self._known:
            return outcome
        return await self._handed_over(message, until) or outcome

    async def _handed_over(self, message: Message, until: float) -> Outcome | None:
        """Give the message to the sink; an outcome only if that failed."""
        if asyncio.get_running_loop().time() >= until:
            return RetryLater(None, Reason.NO_TIME)
        try:
            async with asyncio.timeout_at(until):
                kept = self._keep(message)
                if isawaitable(kept):
                    await kept
        except TimeoutError:
            return Unknown(Reason.TIMED_OUT)
        except OSError:
            return RetryLater(None, Reason.UNREACHABLE)
        if self.removes_doubles:
            self._known.add(message.key)
        return None
