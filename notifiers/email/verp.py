"""Return paths of their own for every message (VERP): a bounce then names its message, whatever it says.

The token is the message's idempotency key in base 32: it is the same at every attempt, survives servers that change
the case of letters, and holds nothing about the person. No table is needed to go back.
"""

import re

from notifiers.port.message_names import TOKEN

_LONGEST_LOCAL = 64  # RFC 5321, section 4.5.3.1.1
ROOM = _LONGEST_LOCAL - 46
"""The longest local part that a plus sign and a token can be added to."""

_IN_RETURN_PATH = re.compile(rf"\+({TOKEN})@", re.IGNORECASE)
_IN_MESSAGE_ID = re.compile(rf"(?<![a-z2-7])({TOKEN})@", re.IGNORECASE)
_WHOLE = re.compile(rf"\s*<?({TOKEN})(?:@[^\s<>]*)?>?\s*", re.IGNORECASE)


def return_path(bounces: str, reference: str) -> str:
    """Return the address that bounces of a message go to; `reference`: the token of its key, of 45 characters."""
    local, _, domain = bounces.rpartition("@")
    return f"{local}+{reference}@{domain}"


def in_return_path(header: str) -> str | None:
    """Return the reference in the addresses of a header."""
    return _found(_IN_RETURN_PATH.search(header))


def in_message_id(header: str) -> str | None:
    """Return the reference in a Message-ID of ours."""
    return _found(_IN_MESSAGE_ID.search(header))


def in_envelope_id(field: str) -> str | None:
    """Return the reference as an envelope id (RFC 3461, section 4.4)."""
    return _found(_WHOLE.fullmatch(field))


def _found(match: re.Match[str] | None) -> str | None:
    return match[1].lower() if match else None
