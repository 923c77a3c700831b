"""An open conversation with a mail server: letter after letter, pipelined where it offers that (RFC 2920).

Pipelined, the envelope of the next letter goes out together with the words of the one before, so a letter costs one
round trip. Elsewhere every command waits for the answer to the one before.
"""

import asyncio
from collections import deque
from collections.abc import Callable

from notifiers.email.config import Limits
from notifiers.email.smtp_errands import ENVELOPE, Deadline, Errand, Work
from notifiers.email.smtp_reader import NoReplyError, Replies
from notifiers.email.smtp_replies import Stage, refusal
from notifiers.port.interface import Accepted, Outcome, Reason, RetryLater

_CLOSING = 421  # RFC 5321, section 3.8: the server ends the conversation after it
_DOT = b".\r\n"
_ALONE = 32_768  # what is longer may be stuck halfway: nothing follows it before it has left


class Link(asyncio.Protocol):
    """A signed-in connection, used by one batch at a time.

    Until its last dot is written, a fault means that a letter has not gone; after that, that nobody knows. A
    conversation that ends in the middle ends the link: `alive` turns false.
    """

    def __init__(
        self, transport: asyncio.WriteTransport, limits: Limits, *, pipelining: bool = False, size: bool = False
    ) -> None:
        self._transport, self._limits, self._pipelining, self._size = transport, limits, pipelining, size
        self._time: Callable[[], float] = asyncio.get_running_loop().time
        self._replies = Replies()
        self._awaited: deque[tuple[Stage, Errand]] = deque()
        self._unsent: deque[tuple[Stage, bytes]] = deque()  # commands that wait for an answer, without pipelining
        self._flying: deque[Errand] = deque()
        self._work: Work | None = None
        self._done: asyncio.Future[None] | None = None
        self._deadline = Deadline(lambda: self._end(Reason.TIMED_OUT))
        self._used = self._over = self._stuck = self._held = self._transaction = False
        self._last = 0.0  # loop time at which the delivery ends
        self._after_dot = 0  # octets written behind the last dot
        transport.set_write_buffer_limits(high=1, low=0)  # so that what has left is known, even when the link is lost
        transport.set_protocol(self)

    @property
    def alive(self) -> bool:
        """Return True if another letter may be handed over."""
        return not (self._over or self._transport.is_closing())

    async def deliver(self, work: Work) -> None:
        """Hand over letters until `work` has none to begin, or the link ends.

        It ends at the latest `limits.connect`, `.envelope` and `.final` together after `work.until`.
        """
        self._work, self._done = work, asyncio.get_running_loop().create_future()
        self._last = work.until + self._limits.connect + self._limits.envelope + self._limits.final
        try:
            self._advance()
            await self._done
        except BaseException:
            self.abort()
            raise
        finally:
            self._work = None

    async def quit(self) -> None:
        """Take leave within `limits.envelope` seconds; the link is closed whatever the server says."""
        if self.alive:
            self._done = asyncio.get_running_loop().create_future()
            self._transport.write(b"QUIT\r\n")
            await asyncio.wait([self._done], timeout=self._limits.envelope)
        self.abort()

    def abort(self) -> None:
        """End the link at once: what is not yet written will never be sent, and nothing is settled."""
        self._flying.clear()
        self._end(Reason.LINK_LOST)

    def data_received(self, data: bytes) -> None:
        """Answers, or what is meant to be some."""
        try:
            for code, words in self._replies.feed(data):
                if self._over:
                    return
                self._heard(code, words)
        except NoReplyError:
            self._end(Reason.GARBLED)

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002  (whatever it was)
        """The server has hung up, or the network."""
        self._end(Reason.LINK_LOST)

    def pause_writing(self) -> None:
        """Not all is written."""
        self._stuck = True

    def resume_writing(self) -> None:
        """Go on after all was written."""
        self._stuck = False
        if self._held and not self._over:
            self._held = False
            self._write_behind_dot(b"")

    def _heard(self, code: int, words: bytes) -> None:
        if not self._awaited:
            self._end(Reason.GARBLED, str(code))
            return
        stage, errand = self._awaited.popleft()
        if stage is Stage.LETTER:
            self._answered(errand, code, words)
        elif stage.welcomes(code):
            self._welcomed(stage, errand, code)
        else:
            self._refused(stage, errand, code, words)

    def _welcomed(self, stage: Stage, errand: Errand, code: int) -> None:
        if stage is Stage.RCPT:
            errand.work.standing.took()
        elif stage is not Stage.DATA:
            self._transaction = stage is Stage.MAIL  # RSET ends it
        if (stage is Stage.DATA or self._unsent) and self._replies.more:
            self._end(Reason.GARBLED, str(code))  # it answers what was not asked
        elif stage is Stage.DATA:
            self._go_ahead(errand)
        elif self._unsent:
            following, command = self._unsent.popleft()
            self._awaited.append((following, errand))
            self._transport.write(command)

    def _refused(self, stage: Stage, errand: Errand, code: int, words: bytes) -> None:
        answer = refusal(stage, code, words.decode("ascii", "replace"))
        if answer is None:
            self._end(Reason.GARBLED, str(code))
        elif code == _CLOSING or stage is Stage.RSET:
            self._end(Reason.BUSY, answer.detail, everybody=stage is Stage.MAIL)  # no recipient is named yet
        else:
            errand.refuse(stage, answer)
            if stage is Stage.DATA or not self._pipelining:
                self._unsent.clear()
                self._settle(errand, errand.refused or answer)
                self._advance()

    def _go_ahead(self, errand: Errand) -> None:
        """The server waits for the letter."""
        if errand.no_recipient:  # RFC 2920, section 3.1: then a lone dot
            self._awaited.append((Stage.LETTER, errand))
            self._expect(self._limits.envelope)
            self._write_behind_dot(_DOT)
        elif errand.refused:  # it would bring an empty letter to somebody
            self._end(Reason.GARBLED)
        elif self._time() > self._last - self._limits.final:
            self._end(Reason.NO_TIME)
        else:
            self._hand_over(errand)

    def _hand_over(self, errand: Errand) -> None:
        content = errand.letter.content + _DOT
        errand.handed_over, self._transaction = True, False
        self._awaited.append((Stage.LETTER, errand))
        self._expect(self._limits.final)
        if len(content) < _ALONE:
            self._write_behind_dot(content)
        else:
            self._after_dot = 0
            self._transport.write(content)
            self._held = self._stuck
            if not self._held:
                self._write_behind_dot(b"")

    def _write_behind_dot(self, content: bytes) -> None:
        """Write what ends with a dot, and the next envelope behind it if the server takes that."""
        envelope = self._next() if self._pipelining else b""
        self._after_dot = len(envelope)
        self._transport.write(content + envelope)

    def _answered(self, errand: Errand, code: int, words: bytes) -> None:
        early = errand.handed_over and self._unwritten()
        answer: Outcome | None
        if Stage.LETTER.welcomes(code) and not early:
            answer = Accepted(errand.letter.reference)
        else:
            answer = refusal(Stage.LETTER, code, words.decode("ascii", "replace"))
        if answer is None:
            self._end(Reason.GARBLED, str(code))
            return
        self._settle(errand, errand.refused or answer)
        if early or code == _CLOSING:
            self._end(Reason.BUSY, str(code))
        else:
            self._advance()

    def _settle(self, errand: Errand, outcome: Outcome) -> None:
        self._flying.popleft()  # answers come in the order of the letters
        errand.work.settle(errand.number, outcome)

    def _advance(self) -> None:
        """Begin the next letter, unless its envelope is out already."""
        if self._flying:
            self._expect(self._limits.envelope)
        elif not self.alive or self._replies.more:
            self._forgo()
        elif envelope := self._next():
            self._expect(self._limits.envelope)
            self._transport.write(envelope)
        else:
            self._finish()

    def _forgo(self) -> None:
        """End without carrying a letter.

        The first letter is told, or a server that always hangs up is called for ever.
        """
        if not self._used and self._work is not None and (taken := self._work.take()):
            self._work.settle(taken[0], RetryLater(None, Reason.LINK_LOST))
        self._end(Reason.LINK_LOST)
        self._finish()

    def _next(self) -> bytes:
        """Return the commands for the next letter; nothing if none is to begin."""
        if self._work is None or (taken := self._work.take()) is None:
            return b""
        errand = Errand(self._work, *taken, first=not self._used)
        self._used = True
        self._flying.append(errand)
        stages: tuple[Stage, ...] = ENVELOPE
        commands = errand.envelope(size=self._size)
        if self._transaction:
            stages, commands = (Stage.RSET, *stages), b"RSET\r\n" + commands
        if not self._pipelining:
            lines = commands.splitlines(keepends=True)
            self._unsent.extend(zip(stages[1:], lines[1:], strict=True))
            stages, commands = stages[:1], lines[0]
        self._awaited.extend([(stage, errand) for stage in stages])
        return commands

    def _expect(self, seconds: float) -> None:
        """An answer within this time, or else the link ends."""
        self._deadline.set(min(self._time() + seconds, self._last))

    def _unwritten(self) -> bool:
        """Return True if the last dot has certainly not left."""
        left = self._transport.get_write_buffer_size()
        return left >= self._after_dot + len(_DOT) or (self._stuck and not self._after_dot)

    def _end(self, reason: Reason, detail: str = "", *, everybody: bool = False) -> None:
        """End the link; letters under way get the outcome that is certain."""
        if self._over:
            return
        self._over, unwritten = True, self._unwritten()
        self._transport.abort()
        flying, self._flying = list(self._flying), deque()
        for place, errand in enumerate(flying):
            errand.cut_off(RetryLater(None, reason, detail, everybody), unwritten=unwritten, behind=place > 0)
        self._finish()

    def _finish(self) -> None:
        self._deadline.clear()
        if self._done is not None and not self._done.done():
            self._done.set_result(None)
