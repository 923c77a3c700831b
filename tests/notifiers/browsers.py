"""Browsers and phones that the push tests send to, and how they read what arrives."""

import hmac
import json
from base64 import urlsafe_b64encode
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import UUID

from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from notifiers.port.interface import Accepted, Incoming, Message, Piece, Report
from notifiers.push.fcm import FcmNotifier, FcmOptions
from notifiers.push.sealing import CURVE, octets
from notifiers.push.web_push import WebPushNotifier
from notifiers.push.web_push_options import WebPushOptions
from tests.notifiers.authority import pem

AT = datetime(2026, 3, 1, 4, 0, tzinfo=UTC)
NUDGE = UUID("6f9619ff-8b86-4d01-b42d-00cf4fc964ff")


def base64url(content: bytes) -> str:
    """As browsers write keys."""
    return urlsafe_b64encode(content).rstrip(b"=").decode()


class Clock:
    """A clock that stands until it is set."""

    def __init__(self, now: datetime = AT) -> None:
        self.now = now

    def __call__(self) -> datetime:
        return self.now


class NoInbound:
    """Push brings nothing back."""

    async def reported(self, reports: Sequence[Report]) -> None:
        raise AssertionError(reports)

    async def accepted(self, name: str, taken: Accepted, *, reports: bool) -> None:
        """Nothing is late here."""

    async def received(self, message: Incoming) -> None:
        raise AssertionError(message)

    async def received_piece(self, piece: Piece) -> None:
        raise AssertionError(piece)


@dataclass(frozen=True)
class Browser:
    """A browser that subscribed to push."""

    key: ec.EllipticCurvePrivateKey = field(default_factory=lambda: ec.generate_private_key(CURVE))
    auth: bytes = bytes(range(16))

    def address(self, endpoint: str) -> str:
        """Its PushSubscription."""
        keys = {"p256dh": base64url(octets(self.key.public_key())), "auth": base64url(self.auth)}
        return json.dumps({"endpoint": endpoint, "expirationTime": None, "keys": keys})

    def read(self, body: bytes) -> dict[str, Any]:
        """What a request's body says: written from RFC 8291 and RFC 8188 a second time, from the receiver's side."""
        salt, sender, sealed = body[:16], body[21:86], body[86:]
        assert body[16:21] == b"\x00\x00\x10\x00\x41"
        shared = self.key.exchange(ec.ECDH(), ec.EllipticCurvePublicKey.from_encoded_point(CURVE, sender))
        told = b"WebPush: info\x00" + octets(self.key.public_key()) + sender + b"\x01"
        secret = _mac(salt, _mac(_mac(self.auth, shared), told))
        key, nonce = (_mac(secret, b"Content-Encoding: %b\x00\x01" % name) for name in (b"aes128gcm", b"nonce"))
        opened = AESGCM(key[:16]).decrypt(nonce[:12], sealed, None)
        content: dict[str, Any] = json.loads(opened.rstrip(b"\x00").removesuffix(b"\x02"))
        return content


def _mac(key: bytes, data: bytes) -> bytes:
    return hmac.digest(key, data, "sha256")


def push(address: str, /, **parts: object) -> Message:
    """A message for this address, with other parts where they matter."""
    settings: dict[str, Any] = {
        "nudge": NUDGE,
        "attempt": 1,
        "channel": "push",
        "recipient": "pseudonym and device",
        "address": address,
        "language": "kk",
        "title": "Жеке куәлік",
        "text": "Мерзімі аяқталады.",
        **parts,
    }
    return Message(**settings)


def vapid_file(folder: Path) -> Path:
    """A file with a VAPID key pair, the same one each time in one folder."""
    file = folder / "vapid.pem"
    if not file.exists():
        file.write_bytes(pem(ec.generate_private_key(CURVE)))
    return file


def vapid_key(folder: Path) -> str:
    """The public key of that pair, which a page gives to the browser."""
    key = load_pem_private_key(vapid_file(folder).read_bytes(), None)
    return base64url(octets(key.public_key()))  # type: ignore[arg-type]  # it is on a curve


def web_push_options(folder: Path, /, **settings: object) -> WebPushOptions:
    """Options with a key pair of their own."""
    patient: dict[str, Any] = {"connect_timeout": 20, "timeout": 40, "subject": "mailto:push@gov.test", **settings}
    return WebPushOptions(key_file=vapid_file(folder), **patient)


@asynccontextmanager
async def web_push(
    folder: Path, port: int, /, clock: Clock | None = None, **settings: object
) -> AsyncIterator[WebPushNotifier]:
    """A notifier that may call this port of loopback and no other host."""
    hosts = (f"http://127.0.0.1:{port}",)
    notifier = WebPushNotifier(web_push_options(folder, **{"hosts": hosts, **settings}), clock or Clock())
    try:
        yield notifier
    finally:
        await notifier.aclose()


def fcm_options(account: Path, /, **settings: object) -> FcmOptions:
    """Options for this service account."""
    patient: dict[str, Any] = {"connect_timeout": 20, "timeout": 40, **settings}
    return FcmOptions(service_account_file=account, **patient)


@asynccontextmanager
async def fcm(account: Path, /, clock: Clock | None = None, **settings: object) -> AsyncIterator[FcmNotifier]:
    """A notifier that sends as this service account."""
    notifier = FcmNotifier(fcm_options(account, **settings), clock or Clock())
    try:
        yield notifier
    finally:
        await notifier.aclose()
