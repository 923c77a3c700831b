"""Signatures of call-backs (Standard Webhooks), made and checked with one clock."""

import hmac
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta

from standardwebhooks import Webhook

TOLERANCE = timedelta(minutes=5)
"""The difference allowed between the sender's clock and ours: an older call may be somebody's copy."""


def is_signed(secret: str, headers: Mapping[str, str], body: bytes, now: datetime) -> bool:
    """Return True if the body was signed with the secret, lately.

    Several signatures may come while keys are exchanged.
    """
    at = signed_at(headers, now)
    if at is None:
        return False
    try:
        expected = Webhook(secret).sign(headers["webhook-id"], at, body.decode())
    except UnicodeDecodeError:
        return False
    signatures = headers["webhook-signature"].split()
    return any(hmac.compare_digest(expected.encode(), each.encode()) for each in signatures)


def signed_at(headers: Mapping[str, str], now: datetime) -> datetime | None:
    """Return the time of signing that a call claims; None where it has no signature, or one that is too old.

    It needs no body, so an unsigned call is refused before its body is read.
    """
    id_, sent, signatures = (headers.get(f"webhook-{name}", "") for name in ("id", "timestamp", "signature"))
    if not (id_ and signatures and sent.isascii() and sent.isdecimal() and len(sent) <= len("9999999999")):
        return None
    at = datetime.fromtimestamp(int(sent), UTC)
    return at if abs(now - at) <= TOLERANCE else None
