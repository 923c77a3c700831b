"""Opens sessions with a mail server: aiosmtplib connects, says EHLO, starts TLS and signs in."""

import asyncio
import ssl

import aiosmtplib

from notifiers.email.config import Limits, Security, SmtpOptions
from notifiers.email.smtp_session import Session, abort
from notifiers.port.interface import Reason
from notifiers.port.links import NoLinkError
from notifiers.port.standing import Standing

_FAULTS = (OSError, aiosmtplib.SMTPException, ValueError)  # ValueError: nonsense where base64 is due
_REFUSED = {4: Reason.BUSY, 5: Reason.NOT_ADMITTED}


async def dial(options: SmtpOptions, limits: Limits, tls: ssl.SSLContext | None, standing: Standing) -> Session:
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
            await _sign_in(client, options)
    except _FAULTS as fault:
        abort(client)
        raise _no_link(fault) from None  # a server's words may quote an address
    except BaseException:
        abort(client)
        raise
    return Session(client, limits, standing)


async def _sign_in(client: aiosmtplib.SMTP, options: SmtpOptions) -> None:
    await client.connect()
    await client.ehlo()
    if options.security is Security.STARTTLS:
        await client.starttls()
        await client.ehlo()
    if options.username is not None:
        await client.login(options.username, options.password.get_secret_value())
    if not client.is_connected:
        raise ConnectionResetError


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
