"""Our names for messages at providers: their key, with or without the attempt's number, or a token for an address.

They are known before anything is sent, so a receipt that has one tells of a message whose provider never answered.
"""

import re
from base64 import b32decode, b32encode
from collections.abc import Iterator
from hashlib import blake2b
from typing import NamedTuple
from uuid import UUID

TOKEN = "[a-z2-7]{45}"  # noqa: S105  28 bytes in base 32; no secret
_KEY = re.compile(r"([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}):([0-9a-f]{24})(?::([1-9]\d{0,5}))?")
_TOKEN = re.compile(TOKEN)
_ID_BYTES = 16


class Named(NamedTuple):
    """The content of a name.

    The nudge, its recipient and channel (as a keyed hash), and the attempt if the name has it.
    """

    nudge: UUID
    way: str
    attempt: int | None


def way(nudge: UUID, channel: str, recipient: str) -> str:
    """Return a hash of a nudge's recipient and channel that tells neither."""
    return blake2b(f"{channel}\0{recipient}".encode(), key=nudge.bytes, digest_size=12).hexdigest()


def key(nudge: UUID, channel: str, recipient: str) -> str:
    """Return the name of a message, the same at every attempt."""
    return f"{nudge}:{way(nudge, channel, recipient)}"


def numbered(key_: str, attempt: int) -> str:
    """Return the name of one attempt."""
    return f"{key_}:{attempt}"


def token(key_: str) -> str:
    """Return the key for places where case is lost and few characters are allowed: 45 of them."""
    nudge, _, way_ = key_.partition(":")
    return b32encode(bytes.fromhex(nudge.replace("-", "") + way_)).rstrip(b"=").lower().decode()


def names(nudge: UUID, channel: str, recipient: str, attempt: int) -> Iterator[str]:
    """Yield every name that a receipt of the attempt may have."""
    ours = key(nudge, channel, recipient)
    yield from (ours, numbered(ours, attempt), token(ours))


def named(reference: str) -> Named | None:
    """Return the content of the reference; None if it cannot be one of ours."""
    if found := _KEY.fullmatch(reference):
        return Named(UUID(found[1]), found[2], int(found[3]) if found[3] else None)
    if _TOKEN.fullmatch(reference):
        made = b32decode(reference.upper() + "===")
        return Named(UUID(bytes=made[:_ID_BYTES]), made[_ID_BYTES:].hex(), None)
    return None
