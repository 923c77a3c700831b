"""One open conversation with a mail server: signs in once, then hands over letter after letter."""

import asyncio
import ssl
from collections.abc import Iterator
from contextlib import suppress
from typing import Self, cast

import aiosmtplib

from notifiers.email_config import EmailConfig, Security
from notifiers.mime import Letter
from notifiers.port import Accepted, GiveUp, Outcome, Reason, RetryLater, Unknown
from notifiers.smtp_replies import Stage, refusal

_FAULTS = (OSError, aiosmtplib.SMTPException, ValueError)  # ValueError: nonsense where base64 is due
_CLOSING = 421  # RFC 5321, section 3.8: the server ends the conversation after it
_REFUSED = {4: Reason.BUSY, 5: Reason.NOT_ADMITTED}
_DOT = b".\r\n"


class NoLinkError(Exception):
    """There is no link to the mail server ({reason}): nothing was sent, try again later."""

    def __init__(self, reason: Reason, detail: str = "") -> None:
        super().__init__((self.__doc__ or "").format(reason=reason))
        self.reason = reason
        self.detail = detail


class Link:
    """A signed-in connection, used by one letter at a time.

    A conversation that ends in the middle ends the link: `alive` turns false.
    """

    def __init__(self, client: aiosmtplib.SMTP, config: EmailConfig) -> None:
        self._client = client
        self._config = config
        self._transport: asyncio.WriteTransport | None = None
        self._transaction = False
        self.used = False

    @classmethod
    async def dial(cls, config: EmailConfig, tls: ssl.SSLContext | None) -> Self:
        """Connect and sign in within `config.limits.connect` seconds. Raises NoLinkError."""
        client = aiosmtplib.SMTP(
            hostname=config.host,
            port=config.port,
            local_hostname=config.name,
            timeout=None,  # the limits stand around the steps, not in each
            use_tls=config.security is Security.TLS,
            start_tls=False,
            tls_context=tls,
        )
        link = cls(client, config)
        try:
            async with asyncio.timeout(config.limits.connect):
                await link._sign_in()
        except _FAULTS as fault:
            link.abort()
            raise _no_link(fault) from None  # a server's words may quote an address
        except BaseException:
            link.abort()
            raise
        return link

    async def _sign_in(self) -> None:
        await self._client.connect()
        await self._client.ehlo()
        if self._config.security is Security.STARTTLS:
            await self._client.starttls()
            await self._client.ehlo()
        if self._config.username is not None:
            await self._client.login(self._config.username, self._config.password)
        self._transport = cast("asyncio.WriteTransport", self._client.transport)

    @property
    def alive(self) -> bool:
        """Whether another letter may be handed over."""
        return self._client.is_connected

    async def deliver(self, letter: Letter) -> Outcome:
        """Hand over one letter: at most `limits.envelope` and then `limits.final` seconds.

        Until its last dot is written, a fault means that it has not gone; after that, that nobody knows.
        """
        self.used = True
        try:
            return await self._offer(letter) or await self._hand_over(letter)
        except BaseException:
            self.abort()
            raise

    async def _offer(self, letter: Letter) -> RetryLater | GiveUp | None:
        try:
            async with asyncio.timeout(self._config.limits.envelope):
                return await self._envelope(letter)
        except _FAULTS as fault:
            self.abort()
            return RetryLater(None, _reason(fault))

    async def _envelope(self, letter: Letter) -> RetryLater | GiveUp | None:
        for stage, command in self._commands(letter):
            code, words = await self._client.execute_command(*command, timeout=None)
            if not stage.welcomes(code):
                return refusal(stage, code, words) or self._nonsense(code)
            self._transaction = True
        return None

    def _commands(self, letter: Letter) -> Iterator[tuple[Stage, tuple[bytes, ...]]]:
        if self._transaction:  # the letter before was refused halfway
            yield Stage.RSET, (b"RSET",)
        size = (b"SIZE=%d" % len(letter.content),) if self._client.supports_extension("size") else ()
        yield Stage.MAIL, (b"MAIL", b"FROM:<%b>" % self._config.return_path.encode(), *size)
        yield Stage.RCPT, (b"RCPT", b"TO:<%b>" % letter.recipient.encode())
        yield Stage.DATA, (b"DATA",)

    def _nonsense(self, code: int) -> RetryLater:
        self.abort()
        return RetryLater(None, Reason.GARBLED, str(code))

    async def _hand_over(self, letter: Letter) -> Outcome:
        protocol = self._client.protocol
        if protocol is None or not protocol.is_connected:
            return RetryLater(None, Reason.LINK_LOST)
        protocol.write(letter.content.replace(b"\r\n.", b"\r\n..") + _DOT)
        try:
            async with asyncio.timeout(self._config.limits.final):
                code, words = await protocol.read_response()
        except _FAULTS as fault:
            return self._interrupted(_reason(fault))
        return self._answered(letter, code, words)

    def _interrupted(self, reason: Reason) -> RetryLater | Unknown:
        transport = self._transport
        unwritten = transport is not None and transport.get_write_buffer_size() >= len(_DOT)
        self.abort()
        return RetryLater(None, reason) if unwritten else Unknown(reason)

    def _answered(self, letter: Letter, code: int, words: str) -> Outcome:
        self._transaction = False
        if Stage.LETTER.welcomes(code):
            return Accepted(letter.message_id)
        answer = refusal(Stage.LETTER, code, words)
        if answer is None or code == _CLOSING:
            self.abort()
        return answer or Unknown(Reason.GARBLED, str(code))

    async def quit(self) -> None:
        """Take leave within `limits.envelope` seconds; the link is closed whatever the server says."""
        with suppress(*_FAULTS):
            async with asyncio.timeout(self._config.limits.envelope):
                await self._client.execute_command(b"QUIT", timeout=None)
        self.abort()

    def abort(self) -> None:
        """End the link at once: what is not yet written will never be sent."""
        transport = self._transport or cast("asyncio.WriteTransport | None", self._client.transport)
        if transport is not None:
            transport.abort()
        self._client.close()


def _reason(fault: Exception) -> Reason:
    match fault:
        case TimeoutError():
            return Reason.TIMED_OUT
        case OSError():
            return Reason.LINK_LOST
        case _:
            return Reason.GARBLED


def _no_link(fault: Exception) -> NoLinkError:
    match fault:
        case TimeoutError():
            return NoLinkError(Reason.TIMED_OUT)
        case aiosmtplib.SMTPResponseException():
            return NoLinkError(_REFUSED.get(fault.code // 100, Reason.GARBLED), str(fault.code))
        case OSError():
            untrusted = isinstance(fault, ssl.SSLError) or isinstance(fault.__cause__, ssl.SSLError)
            return NoLinkError(Reason.NOT_ADMITTED if untrusted else Reason.UNREACHABLE)
        case aiosmtplib.SMTPException():  # it offers no STARTTLS, or no way to sign in that we know
            return NoLinkError(Reason.NOT_ADMITTED)
        case _:
            return NoLinkError(Reason.GARBLED)
