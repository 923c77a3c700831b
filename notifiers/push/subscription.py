"""A browser's address: its PushSubscription as JSON, and the hosts that such an endpoint may name.

A citizen supplies the endpoint, so it must never lead us anywhere but to a known push service.
"""

import re
from binascii import a2b_base64
from collections.abc import Iterable
from dataclasses import dataclass, field

import msgspec
from cryptography.hazmat.primitives.asymmetric import ec

from notifiers.push.sealing import CURVE

KNOWN_HOSTS = (
    "fcm.googleapis.com",
    "updates.push.services.mozilla.com",
    "*.push.services.mozilla.com",
    "web.push.apple.com",
    "*.notify.windows.com",
)

_LONGEST = 4096
_NAME = r"(?:[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z](?:[a-z0-9-]{0,61}[a-z0-9])?"  # so never an IP address
_HOST = re.compile(rf"(?:\*\.(?=[^.]+\.))?{_NAME}")
_ORIGIN = re.compile(rf"https://{_NAME}:[1-9][0-9]{{0,4}}|https?://127\.0\.0\.1:[1-9][0-9]{{0,4}}")
# stricter than a URL may be, so that every parser reads the same host
_ENDPOINT = re.compile(
    rf"(?P<origin>https?://(?P<host>{_NAME}|127\.0\.0\.1)(?::[1-9][0-9]{{0,4}})?)/[A-Za-z0-9._~!$&'()*+,;=:@%/?-]*"
)
_POINT = 65
_AUTH = 16


class _Keys(msgspec.Struct):
    p256dh: str
    auth: str


class _PushSubscription(msgspec.Struct):
    endpoint: str
    keys: _Keys


_DECODER = msgspec.json.Decoder(_PushSubscription)


@dataclass(frozen=True, slots=True)
class Subscription:
    """A browser that may be sent to: where, and by which keys only it can read. `origin` as in RFC 6454."""

    endpoint: str = field(repr=False)
    origin: str
    point: bytes = field(repr=False)
    auth: bytes = field(repr=False)

    def key(self) -> ec.EllipticCurvePublicKey:
        """Return the browser's public key: a third of what encrypting costs, so only who encrypts reads it.

        Raises:
            ValueError: the point is not on the curve.
        """
        return ec.EllipticCurvePublicKey.from_encoded_point(CURVE, self.point)


class BadSubscription(ValueError):
    """Raised for what no browser gives, or what leads to a host that is not listed."""


class Hosts:
    """The push services that may be called.

    An entry is a host (`web.push.apple.com`), all hosts under a domain (`*.notify.windows.com`) or, with its port,
    an origin (`https://push.gov.kz:8443`); only on 127.0.0.1 it may be plain HTTP. Raises ValueError for any other.
    """

    def __init__(self, entries: Iterable[str]) -> None:
        entries = tuple(entries)
        for entry in entries:
            if not _HOST.fullmatch(entry) and not _ORIGIN.fullmatch(entry):
                raise ValueError(f"{entry!r} is not a host such as web.push.apple.com or *.notify.windows.com")
        self._origins = {entry if "://" in entry else f"https://{entry}" for entry in entries if entry[0] != "*"}
        self._domains = tuple(entry[1:] for entry in entries if entry[0] == "*")

    def subscription(self, address: str) -> Subscription | None:
        """Return the subscription in an address.

        None if it is none, its keys are too short, or its host is not listed.
        """
        found = _decoded(address)
        origin = found and self._origin(found.endpoint)
        if not found or not origin:
            return None
        try:
            point, auth = _octets(found.keys.p256dh), _octets(found.keys.auth)
        except ValueError:  # not in base64url
            return None
        if len(point) != _POINT or len(auth) != _AUTH:
            return None
        return Subscription(found.endpoint, origin, point, auth)

    def checked(self, address: str) -> str:
        """Return the address as it is stored: endpoint and keys, and nothing else that a browser may add.

        Raises:
            BadSubscription: it is none, its keys are no keys, or its host is not listed.
        """
        found, subscription = _decoded(address), self.subscription(address)
        if found is None:
            raise BadSubscription("This is not a PushSubscription in JSON; send what the browser returned.")
        if not self.lists(address):
            raise BadSubscription("The endpoint leads to a host that is not listed; see the option `hosts`.")
        try:
            if subscription is not None:
                subscription.key()
        except ValueError:
            subscription = None
        if subscription is None:
            raise BadSubscription(
                "The endpoint or a key is none; `p256dh` is a point of P-256 in 65 octets, `auth` has 16 octets."
            )
        return msgspec.json.encode(found).decode()

    def lists(self, address: str) -> bool:
        """Return True if an address leads to a listed host, or nowhere at all."""
        found = _decoded(address)
        if found is None or _ENDPOINT.fullmatch(found.endpoint) is None:
            return True
        return self._origin(found.endpoint) is not None

    def _origin(self, endpoint: str) -> str | None:
        match = _ENDPOINT.fullmatch(endpoint)
        if match is None:
            return None
        origin, host = match["origin"], match["host"]
        under = origin == f"https://{host}" and host.endswith(self._domains)
        return origin if under or origin in self._origins else None


def is_subscription(address: str) -> bool:
    """Return True if an address looks like a PushSubscription, wherever it leads."""
    return _decoded(address) is not None


def endpoint_of(address: str) -> str:
    """Return the endpoint of a PushSubscription; of any other address the address itself."""
    found = _decoded(address)
    return address if found is None else found.endpoint


def _decoded(address: str) -> _PushSubscription | None:
    if len(address) > _LONGEST:
        return None
    try:
        return _DECODER.decode(address)
    except (msgspec.MsgspecError, UnicodeError, RecursionError):
        return None


def _octets(words: str) -> bytes:
    """Base64url as browsers give it (RFC 4648, section 5), with or without padding."""
    plain = words.rstrip("=").replace("-", "+").replace("_", "/")
    return a2b_base64(plain + "=" * (-len(plain) % 4), strict_mode=True)
