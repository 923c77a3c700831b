"""Links that are kept open to a provider: their protection, and that there is none."""

import ssl
from pathlib import Path

from notifiers.port.interface import Reason


class NoLinkError(Exception):
    """Raised when no link to the provider could be opened, so nothing was sent."""

    def __init__(self, reason: Reason, detail: str = "") -> None:
        super().__init__(f"There is no link to the provider ({reason}): nothing was sent, try again later.")
        self.reason, self.detail = reason, detail


def client_context(authority: Path | None, certificate: Path | None, key: Path | None) -> ssl.SSLContext:
    """Return the TLS context by the files of the options ca_file, client_cert_file and client_key_file.

    Raises ValueError, which names the option, for a file that cannot be used.
    """
    try:
        context = ssl.create_default_context(cafile=authority)
    except OSError as error:  # ssl.SSLError is one
        raise ValueError(f"ca_file cannot be read as PEM ({error.strerror or error})") from None
    if certificate is not None:
        try:
            context.load_cert_chain(certificate, key)
        except OSError as error:
            problem = f"client_cert_file and client_key_file are no pair in PEM ({error.strerror or error})"
            raise ValueError(problem) from None
    return context
