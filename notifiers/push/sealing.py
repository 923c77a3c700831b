"""Encrypts a push message for one browser: RFC 8291, in the coding aes128gcm of RFC 8188."""

import hmac
import os
from typing import NamedTuple

from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

CURVE = ec.SECP256R1()
LONGEST = (
    3993  # octets of plaintext: 4096 that every push service takes (RFC 8030, section 7.2), less all that is added
)
_ECDH = ec.ECDH()
_RECORD = 4096
_LAST = b"\x02"  # the delimiter of the last record


class OneTimeValues(NamedTuple):
    """The values used for one message only: a key pair of ours and 16 octets of salt."""

    key: ec.EllipticCurvePrivateKey
    salt: bytes


def new_one_time_values() -> OneTimeValues:
    """Return a new key pair and salt from the operating system's randomness."""
    return OneTimeValues(ec.generate_private_key(CURVE), os.urandom(16))


def octets(key: ec.EllipticCurvePublicKey) -> bytes:
    """Return the 65 octets of a public key, uncompressed (X9.62)."""
    return key.public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)


def sealed(
    content: bytes, browser: ec.EllipticCurvePublicKey, point: bytes, auth: bytes, once: OneTimeValues
) -> bytes:
    """Return the body of the request: header and the only record. `point` has the octets of the browser's key.

    `content` has at most 3993 octets, or the push service may refuse it.
    """
    ours = octets(once.key.public_key())
    shared = _hmac(auth, once.key.exchange(_ECDH, browser))
    secret = _hmac(once.salt, _hmac(shared, b"WebPush: info\x00" + point + ours + b"\x01"))
    key = _hmac(secret, b"Content-Encoding: aes128gcm\x00\x01")[:16]
    nonce = _hmac(secret, b"Content-Encoding: nonce\x00\x01")[:12]
    header = once.salt + _RECORD.to_bytes(4, "big") + bytes((len(ours),)) + ours
    return header + AESGCM(key).encrypt(nonce, content + _LAST, None)


def _hmac(key: bytes, data: bytes) -> bytes:
    return hmac.digest(key, data, "sha256")
