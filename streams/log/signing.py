"""The key that signs heads and evidence: Ed25519 (RFC 8032), in the key file, apart from all others."""

from functools import cached_property
from hashlib import sha256

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from msgspec import Struct

ID_BYTES = 8


class Signer(Struct, frozen=True, dict=True):
    """Signs with the key that this secret of 32 bytes is the seed of."""

    secret: bytes

    @cached_property
    def _key(self) -> Ed25519PrivateKey:
        return Ed25519PrivateKey.from_private_bytes(self.secret)

    def sign(self, message: bytes) -> bytes:
        """The 64 bytes that only this key can make of the message."""
        return self._key.sign(message)

    @cached_property
    def public(self) -> bytes:
        """The half of the key that everybody may have: it checks, and signs nothing."""
        return self._key.public_key().public_bytes_raw()

    @cached_property
    def id(self) -> bytes:
        """What tells this key from others."""
        return key_id(self.public)


def key_id(public: bytes) -> bytes:
    """What tells a key from others: the beginning of the SHA-256 of its public half."""
    return sha256(public).digest()[:ID_BYTES]


def signed_by(public: bytes, signature: bytes, message: bytes) -> bool:
    """Whether the key with that public half signed the message."""
    try:
        Ed25519PublicKey.from_public_bytes(public).verify(signature, message)
    except (InvalidSignature, ValueError):
        return False
    return True
