"""Links that are kept open to a provider: their protection, and that there is none."""

import ssl
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from notifiers.port.interface import Reason


class NoLinkError(Exception):
    """Raised when no link to the provider could be opened, so nothing was sent."""

    def __init__(self, reason: Reason, detail: str = "") -> None:
        super().__init__(f"There is no link to the provider ({reason}): nothing was sent, try again later.")
        self.reason, self.detail = reason, detail


TlsContext = Callable[[], ssl.SSLContext | None]
"""Gives the context for the next connection; None: without TLS."""


class ClientTls:
    """TLS by the files of the options ca_file, client_cert_file and client_key_file.

    A call returns the context for a connection that is about to be opened. Files that have been replaced are read
    again. While they do not fit together, as between a new certificate and its new key, those read before stay.
    Raises ValueError, which names the option, for a file that cannot be used at the start.
    """

    def __init__(self, authority: Path | None, certificate: Path | None, key: Path | None) -> None:
        self._files = (authority, certificate, key)
        self._read = self._stamps()
        self._context = _context(*self._files)

    def __call__(self) -> ssl.SSLContext:
        """Return the context for the next connection."""
        if (stamps := self._stamps()) != self._read:
            with suppress(ValueError):
                self._context, self._read = _context(*self._files), stamps
        return self._context

    def _stamps(self) -> list[tuple[int, int, int] | None]:
        return [_stamp(file) for file in self._files if file is not None]


def _stamp(file: Path) -> tuple[int, int, int] | None:
    try:
        found = file.stat()
    except OSError:
        return None
    return found.st_ino, found.st_mtime_ns, found.st_size


def _context(authority: Path | None, certificate: Path | None, key: Path | None) -> ssl.SSLContext:
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
