"""Email over SMTP (RFC 5321), on a few connections that stay open."""

import asyncio
import ssl
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from notifiers.email_config import EmailConfig, Security
from notifiers.mime import Letter, Letterhead, UnsendableError
from notifiers.port import GiveUp, Message, Outcome, Reason, RetryLater
from notifiers.smtp_link import Link, NoLinkError
from notifiers.smtp_pool import Pool

_WORTH_A_NEW_LINK = {Reason.LINK_LOST, Reason.BUSY}


@dataclass(slots=True)
class _Batch:
    """The letters that wait, numbered, and what became of the others; none is begun after `until` (loop time)."""

    until: float
    waiting: deque[tuple[int, Letter]] = field(default_factory=deque)
    outcomes: dict[int, Outcome] = field(default_factory=dict)

    def settled(self, otherwise: Outcome) -> list[Outcome]:
        """The outcomes in the order of the messages; those that still wait get `otherwise`."""
        self.outcomes.update((number, otherwise) for number, _ in self.waiting)
        return [outcome for _, outcome in sorted(self.outcomes.items(), key=lambda item: item[0])]


class EmailNotifier:
    """The email channel. SMTP knows no doubles, so an unknown outcome must not be repeated blindly.

    `clock` dates the letters; it must give aware times.
    """

    channel = "email"
    removes_doubles = False
    reports = False

    def __init__(self, config: EmailConfig, clock: Callable[[], datetime]) -> None:
        self._config = config
        self._clock = clock
        self._letterhead = Letterhead(config)
        tls = config.tls or (None if config.security is Security.NONE else ssl.create_default_context())
        self._pool = Pool(lambda: Link.dial(config, tls), config.connections)

    def reaches(self, address: str) -> bool:  # noqa: ARG002  (an email address is one kind)
        """Whatever is given for the email channel."""
        return True

    async def start(self) -> None:
        """A mail server reports nothing by the link that we send on."""

    async def send(self, messages: Sequence[Message]) -> Sequence[Outcome]:
        """Send a batch within `limits.send` seconds; what is not begun after `limits.begin` is put off."""
        batch = self._written(messages, asyncio.get_running_loop().time() + self._config.limits.begin)
        async with asyncio.TaskGroup() as group:
            hands = min(self._config.connections, len(batch.waiting))
            workers = [group.create_task(self._work(batch)) for _ in range(hands)]
        stops = [stop for worker in workers if (stop := worker.result())]
        return batch.settled(otherwise=stops[0] if stops else RetryLater(None, Reason.NO_TIME))

    async def aclose(self) -> None:
        """Close the connections; what is being sent is finished before."""
        await self._pool.aclose()

    def _written(self, messages: Sequence[Message], until: float) -> _Batch:
        batch = _Batch(until)
        for number, message in enumerate(messages):
            try:
                batch.waiting.append((number, self._letterhead.write(message, self._clock())))
            except UnsendableError as error:
                batch.outcomes[number] = GiveUp(error.reason)
        return batch

    async def _work(self, batch: _Batch) -> RetryLater | None:
        """Deliver until nothing waits, or until there is no link: then say why."""
        try:
            while batch.waiting:
                async with self._pool.link(batch.until) as link:
                    if batch.waiting:  # another worker may have been quicker
                        await self._deliver(link, batch)
        except NoLinkError as error:
            return RetryLater(None, error.reason, error.detail)
        return None

    @staticmethod
    async def _deliver(link: Link, batch: _Batch) -> None:
        """Deliver the next letter; if a kept link proves to be closed at the other end, it waits on."""
        kept = link.used
        number, letter = batch.waiting.popleft()
        outcome = await link.deliver(letter)
        stale = kept and not link.alive and isinstance(outcome, RetryLater) and outcome.reason in _WORTH_A_NEW_LINK
        if stale:
            batch.waiting.appendleft((number, letter))
        else:
            batch.outcomes[number] = outcome
