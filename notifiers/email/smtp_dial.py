"""Opens links to a mail server: aiosmtplib connects, says EHLO, starts TLS and signs in; then the link takes over."""

import asyncio
import ssl
from typing import cast

import aiosmtplib

from notifiers.email.config import Limits, Security, SmtpOptions
from notifiers.email.smtp_link import Link
from notifiers.port.interface import Reason

_FAULTS = (OSError, aiosmtplib.SMTPException, ValueError)  # ValueError: nonsense where base64 is due
_REFUSED = {4: Reason.BUSY, 5: Reason.NOT_ADMITTED}


class NoLinkError(Exception):
    """Raised when no link to the mail server could be opened, so nothing was sent."""

    def __init__(self, reason: Reason, detail: str = "") -> None:
        super().__init__(f"There is no link to the mail server ({reason}): nothing was sent, try again later.")
        self.reason = reason
        self.detail = detail


async def dial(options: SmtpOptions, limits: Limits, tls: ssl.SSLContext | None) -> Link:
    """Connect and sign in within `limits.connect` seconds. Raises NoLinkError."""
    client = aiosmtplib.SMTP(
        hostname=options.host,
        port=options.port,
        local_hostname=options.name,
        timeout=None,  # the limit stands around the steps, not in each
        use_tls=options.security is Security.TLS,
        start_tls=False,
        tls_context=tls,
    )
    try:
        async with asyncio.timeout(limits.connect):
            return await _signed_in(client, options, limits)
    except _FAULTS as fault:
        _abort(client)
        raise _no_link(fault) from None  # a server's words may quote an address
    except BaseException:
        _abort(client)
        raise


async def _signed_in(client: aiosmtplib.SMTP, options: SmtpOptions, limits: Limits) -> Link:
    await client.connect()
    await client.ehlo()
    if options.security is Security.STARTTLS:
        await client.starttls()
        await client.ehlo()
    if options.username is not None:
        await client.login(options.username, options.password.get_secret_value())
    if client.transport is None or client.transport.is_closing():
        raise ConnectionResetError
    pipelining, size = (client.supports_extension(name) for name in ("pipelining", "size"))
    return Link(cast("asyncio.WriteTransport", client.transport), limits, pipelining=pipelining, size=size)


def _abort(client: aiosmtplib.SMTP) -> None:
    if client.transport is not None:
        cast("asyncio.WriteTransport", client.transport).abort()
    client.close()


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
