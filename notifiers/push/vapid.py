"""Says to a push service who sends: a signed token (RFC 8292), made once for each service and kept for hours."""

from base64 import urlsafe_b64encode
from collections.abc import Callable
from datetime import datetime, timedelta

import jwt
from cryptography.hazmat.primitives.asymmetric import ec

from notifiers.push.sealing import octets

_LIFE = timedelta(hours=12)  # a service refuses more than 24 hours (section 2)
_SPARE = timedelta(hours=1)  # for clocks that go wrong
_MOST = 1000  # origins kept: a citizen may invent hosts under a listed domain


def public_key(key: ec.EllipticCurvePrivateKey) -> str:
    """Return the public key as services and browsers read it: 65 octets in base64url (RFC 8292, section 3.2)."""
    return urlsafe_b64encode(octets(key.public_key())).rstrip(b"=").decode()


class Vapid:
    """The Authorization header for an origin, signed with `key`; `subject` is a mailto: or https: URL of ours."""

    def __init__(self, key: ec.EllipticCurvePrivateKey, subject: str, clock: Callable[[], datetime]) -> None:
        self._key = key
        self._subject = subject
        self._clock = clock
        self._public = public_key(key)
        self._kept: dict[str, tuple[datetime, str]] = {}

    def header(self, origin: str) -> str:
        """Return the header's value; the same until an hour before it expires."""
        now = self._clock()
        expires, header = self._kept.get(origin, (now, ""))
        if not _SPARE < expires - now <= _LIFE:
            header = self._signed(origin, now + _LIFE)
            if len(self._kept) >= _MOST:
                self._kept.clear()
            self._kept[origin] = (now + _LIFE, header)
        return header

    def _signed(self, origin: str, expires: datetime) -> str:
        claims = {"aud": origin, "exp": int(expires.timestamp()), "sub": self._subject}
        return f"vapid t={jwt.encode(claims, self._key, algorithm='ES256')}, k={self._public}"
