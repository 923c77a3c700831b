"""Email over SMTP (RFC 5321), on a few connections that stay open."""

import asyncio
from collections import deque
from collections.abc import Callable, Sequence
from datetime import datetime

from notifiers.email.config import Limits, SmtpOptions
from notifiers.email.mime import Letter, Letterhead, UnsendableError
from notifiers.email.smtp_dial import dial
from notifiers.email.smtp_pool import Pool
from notifiers.email.smtp_session import Session
from notifiers.port.interface import GiveUp, Message, Outcome, Reason, RetryLater
from notifiers.port.kinds import Kind
from notifiers.port.links import NoLinkError
from notifiers.port.standing import Standing

_WORTH_A_SESSION = 8
"""Letters: a smaller batch leaves the other connections to other batches."""


class _Batch:
    """Messages on their way out, as sessions take them; none is begun after `until` (loop time), or if `closed`."""

    def __init__(
        self,
        messages: Sequence[Message],
        until: float,
        write: Callable[[Message], Letter],
        closed: Callable[[], bool],
    ) -> None:
        self.until = until
        self.waiting = deque(range(len(messages)))
        self._messages, self._write, self._closed = messages, write, closed
        self._time = asyncio.get_running_loop().time
        self.outcomes: list[Outcome | None] = [None] * len(messages)

    def take(self) -> tuple[int, Letter] | None:
        """Return the next letter, written now; what cannot be written is given up."""
        while self.waiting and not self._closed() and self._time() <= self.until:
            number = self.waiting.popleft()
            try:
                return number, self._write(self._messages[number])
            except UnsendableError as error:
                self.outcomes[number] = GiveUp(error.reason)
        return None

    def outcomes_or(self, otherwise: Outcome) -> list[Outcome]:
        """Return the outcomes in the order of the messages; those that still wait get `otherwise`."""
        return [outcome or otherwise for outcome in self.outcomes]


class EmailNotifier:
    """The email channel. SMTP knows no doubles, so an unknown outcome must not be repeated blindly.

    `clock` dates the letters; it must give aware times. `limits` are those of the options unless given. Raises
    ValueError for TLS files that cannot be used.
    """

    channel = "email"
    removes_doubles = False
    reports = False

    def __init__(self, options: SmtpOptions, clock: Callable[[], datetime], limits: Limits | None = None) -> None:
        self._limits = limits = limits or options.limits
        self.longest = limits.send
        self._clock = clock
        self._connections, standing = options.connections, Standing()
        self._letterhead = Letterhead(options)
        tls = options.tls()
        self._pool = Pool(lambda: dial(options, limits, tls(), standing), options.connections)

    def reaches(self, address: str) -> bool:  # noqa: ARG002  (an email address is one kind)
        """Return True for any address of the email channel."""
        return True

    async def start(self) -> None:
        """Do nothing: a mail server reports by mail (`notifiers.email.bounces`)."""

    async def ready(self) -> RetryLater | None:
        """Wait until a connection to the mail server is open; return why there is none."""
        try:
            await self._pool.ready(asyncio.get_running_loop().time() + self._limits.begin)
        except NoLinkError as error:
            return _retry_later(error)
        return None

    async def send(self, messages: Sequence[Message]) -> Sequence[Outcome]:
        """Send a batch within `limits.send` seconds; what is not begun after `limits.begin` is put off."""
        until = asyncio.get_running_loop().time() + self._limits.begin
        batch = _Batch(messages, until, self._written, lambda: self._pool.closed)
        hands = min(self._connections, -(-len(messages) // _WORTH_A_SESSION))
        async with asyncio.TaskGroup() as group:
            workers = [group.create_task(self._work(batch)) for _ in range(hands)]
        stops = [stop for worker in workers if (stop := worker.result())]
        return batch.outcomes_or(otherwise=stops[0] if stops else RetryLater(None, Reason.NO_TIME))

    async def aclose(self) -> None:
        """Close the connections; what is being sent is finished before."""
        await self._pool.aclose()

    def _written(self, message: Message) -> Letter:
        return self._letterhead.write(message, self._clock())

    async def _work(self, batch: _Batch) -> RetryLater | None:
        """Deliver until nothing waits, or until there is no connection: then return why."""
        try:
            while batch.waiting:
                async with self._pool.session(batch.until) as session:
                    await _deliver(batch, session)
        except NoLinkError as error:
            return _retry_later(error)
        return None


async def _deliver(batch: _Batch, session: Session) -> None:
    """Send letters until none is left to begin, or the session has ended."""
    while taken := batch.take():
        number, letter = taken
        if (outcome := await session.send(letter, batch.until)) is None:
            batch.waiting.appendleft(number)
        else:
            batch.outcomes[number] = outcome
        if not session.alive:
            return


def _retry_later(error: NoLinkError) -> RetryLater:
    return RetryLater(None, error.reason, error.detail, everybody=error.reason is Reason.BUSY)


KIND = Kind("email", SmtpOptions, lambda options, tools: EmailNotifier(options, tools.clock))
