"""The key that signs blocks and evidence: Ed25519 (RFC 8032), a key of its own in the key file."""

from functools import cached_property
from hashlib import sha256

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from msgspec import Struct

ID_BYTES = 8


class Signer(Struct, frozen=True, dict=True):
    """Signs with the key whose seed is this secret of 32 bytes."""

    secret: bytes

    @cached_property
    def _key(self) -> Ed25519PrivateKey:
        return Ed25519PrivateKey.from_private_bytes(self.secret)

    def sign(self, message: bytes) -> bytes:
        """Return the signature of the message (64 bytes)."""
        return self._key.sign(message)

    @cached_property
    def public(self) -> bytes:
        """The public half of the key, which checks signatures."""
        return self._key.public_key().public_bytes_raw()

    @cached_property
    def id(self) -> bytes:
        """The id of the key (see `key_id`)."""
        return key_id(self.public)


def key_id(public: bytes) -> bytes:
    """Return the id of a key: the first 8 bytes of the SHA-256 of its public half."""
    return sha256(public).digest()[:ID_BYTES]


def signed_by(public: bytes, signature: bytes, message: bytes) -> bool:
    """Return whether the key with that public half signed the message."""
    try:
        Ed25519PublicKey.from_public_bytes(public).verify(signature, message)
    except (InvalidSignature, ValueError):
        return False
    return True
