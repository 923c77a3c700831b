"""The content of a push message and its demands on the carrier: the same words for browsers and for apps."""

from base64 import urlsafe_b64encode
from collections.abc import Callable
from datetime import datetime
from hashlib import blake2b

import msgspec

from notifiers.port.interface import GiveUp, Message, Reason

LONGEST_LIFE = 28 * 24 * 3600  # seconds: what FCM keeps at most, and so what every service takes
URGENT = ("emergency", "legal", "service")
_MARK = "…"


class Button(msgspec.Struct):
    """A button; the names are those of NotificationAction, so that a service worker can pass it on."""

    action: str
    title: str
    url: str


def buttons(message: Message) -> list[Button]:
    """Return the message's actions."""
    return [Button(action.id, action.label, action.url) for action in message.actions]


def collapse_key(key: str) -> str:
    """Return 32 characters of base64url for a message's key, as Topic takes them (RFC 8030, section 5.4)."""
    return urlsafe_b64encode(blake2b(key.encode(), digest_size=24).digest()).decode()


def trace(message: Message) -> dict[str, str]:
    """Return the header that hands on the trace of the event behind it (W3C Trace Context), if there is one."""
    return {} if message.traceparent is None else {"traceparent": message.traceparent}


def seconds_to_live(message: Message, now: datetime) -> int:
    """Return the seconds for which it is worth delivering: at most 28 days."""
    if message.expires is None:
        return LONGEST_LIFE
    return min(max(int((message.expires - now).total_seconds()), 0), LONGEST_LIFE)


def fitted(write: Callable[[str], bytes], text: str, room: int) -> bytes | GiveUp:
    """Return the result of `write` for the text, or for its beginning if all of it takes more than `room` octets."""
    try:
        content = write(text)
        if len(content) > room:
            content = write(_beginning(text, len(content) - room))
    except UnicodeEncodeError:
        return GiveUp(Reason.BAD_CONTENT)
    return content if len(content) <= room else GiveUp(Reason.TOO_LARGE)


def _beginning(text: str, excess: int) -> str:
    """Return the text without `excess` octets at its end, and a mark instead of them; nothing if there is no more."""
    words = text.encode()
    kept = words[: max(len(words) - excess - len(_MARK.encode()), 0)].decode(errors="ignore").rstrip()
    return kept + _MARK if kept else ""
