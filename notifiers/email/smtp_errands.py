"""Letters under way on a link: where it takes them from, what it says for them, what is certain when it ends."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from notifiers.email.mime import Letter
from notifiers.email.smtp_replies import Stage
from notifiers.port.blame import Standing
from notifiers.port.interface import GiveUp, Outcome, Reason, RetryLater, Unknown

ENVELOPE = (Stage.MAIL, Stage.RCPT, Stage.DATA)
_WORTH_A_NEW_LINK = {Reason.LINK_LOST, Reason.BUSY}


class Work(Protocol):
    """A source of letters for links, which receives the outcome of each: a link settles every one or puts it back."""

    @property
    def until(self) -> float:
        """Return the loop time after which no letter is begun."""

    @property
    def standing(self) -> Standing:
        """Return the server's replies to earlier recipients, by whichever link."""

    def take(self) -> tuple[int, Letter] | None:
        """Return the next letter with its number, if there is one to begin."""

    def settle(self, number: int, outcome: Outcome) -> None:
        """Record the outcome of a letter."""

    def put_back(self, number: int) -> None:
        """Put a letter back that has not gone through no fault of its own: it may go over another link."""


@dataclass(slots=True, eq=False)
class Errand:
    """A letter under way. `first`: nothing was sent on its link before it."""

    work: Work
    number: int
    letter: Letter
    first: bool
    refused: RetryLater | GiveUp | None = None
    no_recipient: bool = False
    handed_over: bool = False

    def envelope(self, *, size: bool) -> bytes:
        """Return the commands of `ENVELOPE`, one a line.

        `size`: the server wants to know it (RFC 1870, section 6).
        """
        letter = self.letter
        octets = b" SIZE=%d" % len(letter.content) if size else b""
        path, recipient = letter.return_path.encode(), letter.recipient.encode()
        return b"MAIL FROM:<%b>%b\r\nRCPT TO:<%b>\r\nDATA\r\n" % (path, octets, recipient)

    def refuse(self, stage: Stage, answer: RetryLater | GiveUp) -> None:
        """A command of its envelope was refused; what is said to those behind it follows from that."""
        if self.refused is None:
            self.refused = self._judged(answer) if stage is Stage.RCPT else answer
        self.no_recipient |= stage is Stage.RCPT

    def _judged(self, answer: RetryLater | GiveUp) -> RetryLater | GiveUp:
        """A recipient who is refused without a word about their address: perhaps nothing is relayed for us."""
        if answer.reason is Reason.REJECTED and self.work.standing.refused():
            return RetryLater(None, Reason.NOT_ADMITTED, answer.detail)
        return answer

    def cut_off(self, why: RetryLater, *, unwritten: bool, behind: bool) -> None:
        """Settle the letter when its link has ended. `behind`: the trouble was that of the letter before it."""
        if self.refused:
            self.work.settle(self.number, self.refused)
        elif self.handed_over and not unwritten:
            self.work.settle(self.number, Unknown(why.reason, why.detail))
        elif behind or (why.reason in _WORTH_A_NEW_LINK and not self.first):
            self.work.put_back(self.number)
        else:
            self.work.settle(self.number, why)


class Deadline:
    """Calls `passed` once the time that was set last is over. To set it later, again and again, is cheap."""

    def __init__(self, passed: Callable[[], None]) -> None:
        self._passed = passed
        self._loop = asyncio.get_running_loop()
        self._timer: asyncio.TimerHandle | None = None
        self._at = 0.0

    def set(self, at: float) -> None:
        """Move the deadline to this loop time."""
        self._at = at
        if self._timer is None or self._timer.when() > at:
            self._watch()

    def clear(self) -> None:
        """There is none."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _watch(self) -> None:
        self.clear()
        self._timer = self._loop.call_at(self._at, self._look)

    def _look(self) -> None:
        if self._loop.time() < self._at:
            self._watch()
        else:
            self._passed()
