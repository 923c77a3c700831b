"""Signatures of call-backs (Standard Webhooks), made and checked with one clock."""

import hmac
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta

from standardwebhooks import Webhook

TOLERANCE = timedelta(minutes=5)
"""How far the sender's clock may be from ours, either way: what is older may be somebody's copy."""


def is_signed(secret: str, headers: Mapping[str, str], body: bytes, now: datetime) -> bool:
    """Whether the body was signed with the secret, lately; several signatures may come where keys are exchanged."""
    id_, sent, signatures = (headers.get(f"webhook-{name}", "") for name in ("id", "timestamp", "signature"))
    if not (id_ and sent.isascii() and sent.isdecimal() and len(sent) <= len("9999999999")):
        return False
    at = datetime.fromtimestamp(int(sent), UTC)
    if abs(now - at) > TOLERANCE:
        return False
    try:
        expected = Webhook(secret).sign(id_, at, body.decode())
    except UnicodeDecodeError:
        return False
    return any(hmac.compare_digest(expected.encode(), each.encode()) for each in signatures.split())
