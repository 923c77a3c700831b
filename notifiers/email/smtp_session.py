"""A session with a mail server, by aiosmtplib: one letter after the other over a connection that stays open."""

import asyncio
from contextlib import suppress
from typing import cast

import aiosmtplib

from notifiers.email.config import Limits
from notifiers.email.mime import Letter
from notifiers.email.smtp_replies import SmtpCommand, refusal
from notifiers.port.interface import Accepted, GiveUp, Outcome, Reason, RetryLater, Unknown
from notifiers.port.standing import Standing

_CLOSING = 421  # RFC 5321, section 3.8: the server ends the session after it
_DOT = b".\r\n"
_WORTH_A_NEW_CONNECTION = {Reason.LINK_LOST, Reason.BUSY}


class _Ended(Exception):
    """Raised where the session cannot go on. `later`: the outcome of a letter that was not handed over."""

    def __init__(self, reason: Reason, detail: str = "", *, everybody: bool = False) -> None:
        super().__init__(f"The session with the mail server ended ({reason}).")
        self.later = RetryLater(None, reason, detail, everybody)


class Session:
    """A signed-in connection, used by one batch at a time.

    Before the letter is handed over, a fault means that it has not gone; afterwards, that nobody knows. Each fault
    ends the session: `alive` turns false. `standing`: the server's replies to earlier recipients, by all sessions.
    """

    def __init__(self, client: aiosmtplib.SMTP, limits: Limits, standing: Standing) -> None:
        self._client, self._limits, self._standing = client, limits, standing
        self._time = asyncio.get_running_loop().time
        self._used = self._in_transaction = self._handed_over = False

    @property
    def alive(self) -> bool:
        """Return True if another letter may be handed over."""
        return self._client.is_connected

    async def send(self, letter: Letter, until: float) -> Outcome | None:
        """Send a letter that was begun before the loop time `until`.

        Return None if it has not gone because the server has closed a connection that was used before: it may go over
        a new one. It takes until `limits.connect`, `.envelope` and `.final` together after `until` at most.
        """
        kept, self._used, self._handed_over = self._used, True, False
        try:
            outcome = await self._converse(letter, until + self._limits.send - self._limits.begin)
        except _Ended as ended:
            why = ended.later
        except TimeoutError:
            self._handed_over = self._handed_over and not self._unwritten()
            why = RetryLater(None, Reason.TIMED_OUT)
        except aiosmtplib.SMTPResponseException:  # no reply at all: the library gives it the code -1
            why = RetryLater(None, Reason.GARBLED)
        except OSError:
            why = RetryLater(None, Reason.LINK_LOST)
        except BaseException:
            self.abort()
            raise
        else:
            return outcome
        self.abort()
        if self._handed_over:
            return Unknown(why.reason, why.detail)
        return None if kept and why.reason in _WORTH_A_NEW_CONNECTION else why

    async def _converse(self, letter: Letter, last: float) -> Outcome:
        async with asyncio.timeout_at(min(self._time() + self._limits.envelope, last)):
            if (refused := await self._envelope(letter)) is not None:
                return refused
        if self._time() > last - self._limits.final:
            raise _Ended(Reason.NO_TIME)
        async with asyncio.timeout_at(self._time() + self._limits.final):
            return await self._hand_over(letter)

    async def _envelope(self, letter: Letter) -> RetryLater | GiveUp | None:
        """Announce the letter; return why it is refused, or None."""
        if self._in_transaction:
            await self._command(SmtpCommand.RSET, b"RSET")
        size = [b"SIZE=%d" % len(letter.content)] if self._client.supports_extension("size") else []  # RFC 1870
        path, recipient = letter.return_path.encode(), letter.recipient.encode()
        return (
            await self._command(SmtpCommand.MAIL, b"MAIL", b"FROM:<%b>" % path, *size)
            or await self._command(SmtpCommand.RCPT, b"RCPT", b"TO:<%b>" % recipient)
            or await self._command(SmtpCommand.DATA, b"DATA")
        )

    async def _command(self, stage: SmtpCommand, *words: bytes) -> RetryLater | GiveUp | None:
        """Return the refusal of a command, or None where the server goes along.

        The library's own `mail` and `rcpt` take 250 only, and would read the address anew.
        """
        code, said = await self._client.execute_command(*words)
        if stage.welcomes(code):
            self._in_transaction = stage is not SmtpCommand.RSET
            if stage is SmtpCommand.RCPT:
                self._standing.note_accepted()
            return None
        answer = refusal(stage, code, said)
        if answer is None:
            raise _Ended(Reason.GARBLED, str(code))
        if code == _CLOSING or stage is SmtpCommand.RSET:
            raise _Ended(Reason.BUSY, answer.detail, everybody=stage is SmtpCommand.MAIL)  # no recipient is named yet
        return self._weighed_by_standing(answer) if stage is SmtpCommand.RCPT else answer

    def _weighed_by_standing(self, answer: RetryLater | GiveUp) -> RetryLater | GiveUp:
        """Judge a recipient's refusal that says nothing about the address: perhaps nothing is relayed for us."""
        if answer.reason is Reason.REJECTED and self._standing.note_refused():
            return RetryLater(None, Reason.NOT_ADMITTED, answer.detail)
        return answer

    async def _hand_over(self, letter: Letter) -> Outcome:
        """Write the letter and read the answer.

        The library's `data` does this together with the command, and a fault would not tell whether the letter had
        been begun. No line of the letter begins with a dot.
        """
        if (protocol := self._client.protocol) is None:
            raise _Ended(Reason.LINK_LOST)
        protocol.write(letter.content + _DOT)  # raises where nothing can be written
        self._handed_over = True
        code, said = await protocol.read_response()
        self._in_transaction = False
        is_early = self._unwritten()
        self._handed_over = not is_early
        taken = SmtpCommand.LETTER.welcomes(code) and not is_early
        outcome = Accepted(letter.reference) if taken else refusal(SmtpCommand.LETTER, code, said)
        if outcome is None:
            raise _Ended(Reason.GARBLED, str(code))
        if is_early or code == _CLOSING:
            self.abort()
        return outcome

    def _unwritten(self) -> bool:
        """Return True if the last dot has certainly not left."""
        transport = cast("asyncio.WriteTransport | None", self._client.transport)
        return transport is not None and transport.get_write_buffer_size() >= len(_DOT)

    async def quit(self) -> None:
        """Take leave within `limits.envelope` seconds; the connection is closed whatever the server says."""
        with suppress(OSError, aiosmtplib.SMTPException):
            async with asyncio.timeout(self._limits.envelope):
                await self._client.quit()
        self.abort()

    def abort(self) -> None:
        """End the session at once: what is not yet written will never be sent."""
        abort(self._client)


def abort(client: aiosmtplib.SMTP) -> None:
    """Close the connection without a word."""
    if client.transport is not None:
        cast("asyncio.WriteTransport", client.transport).abort()
    client.close()
