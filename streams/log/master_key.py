"""The master key, which wraps the keys of persons: one that the platform holds, or one that stays in a KMS."""

import os
from collections.abc import Mapping
from functools import cached_property
from typing import NamedTuple, Protocol

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from msgspec import Struct

from streams.storage.errors import DatabaseUnavailable

KEY_BYTES = 32
NONCE_BYTES = 12


class WrongKeyFile(Exception):
    """Raised for a key file that is not the one of the database, or lacks an older version of its master key."""

    def __init__(self) -> None:
        super().__init__(
            "The key file does not open the keys in this database. Start with the one that the database was made"
            " with."
        )


class OlderKeyFile(DatabaseUnavailable):
    """Raised for an older copy of the key file, made before a rotation. Roles wait for the newer one."""

    def _sentence(self, reason: str) -> str:
        return (
            f"The key file lacks version {reason} of the master key, which wraps keys in this database. Copy the"
            " newest key file to this machine."
        )


class Wrapped(NamedTuple):
    """A wrapped key, and the version of the master key that unwraps it."""

    version: int
    key: bytes


class Wrapper(Protocol):
    """Wraps and unwraps the keys of persons (docs/operations.md, "A KMS", says how to write another).

    Called for each person who is new or not cached, a thousand times a second at intake. So a wrapper that uses a
    service asks it once for its wrapping key, and keeps that in memory only.
    """

    @property
    def current(self) -> int:
        """The version of the master key that wraps; a rotation makes a higher one."""

    def wrap(self, key: bytes, about: bytes) -> Wrapped:
        """Return the key (32 bytes) wrapped with the current version, with `about` as associated data."""

    def unwrap(self, version: int, wrapped: bytes, about: bytes) -> bytes:
        """Return the key that `wrap` was given with the same `about` while `version` was the current one.

        Raises:
            OlderKeyFile: that version is newer than all that are known.
            WrongKeyFile: that version is not known, or did not wrap this.
        """


class Keyring(Struct, frozen=True, dict=True):
    """The platform's secrets, and the shipped Wrapper: AES-256-GCM with keys in memory.

    `names` is never rotated; `wrapping`: version -> key, of which the highest wraps; `sealing`: the Ed25519 seed that
    signs the log's heads (empty: this ring cannot).
    """

    names: bytes
    wrapping: Mapping[int, bytes]
    sealing: bytes = b""

    @property
    def current(self) -> int:
        """The version that wraps new keys."""
        return max(self.wrapping)

    @cached_property
    def _ciphers(self) -> Mapping[int, AESGCM]:
        return {version: AESGCM(key) for version, key in self.wrapping.items()}

    def wrap(self, key: bytes, about: bytes) -> Wrapped:
        """See Wrapper."""
        nonce = os.urandom(NONCE_BYTES)
        return Wrapped(self.current, nonce + self._ciphers[self.current].encrypt(nonce, key, about))

    def unwrap(self, version: int, wrapped: bytes, about: bytes) -> bytes:
        """See Wrapper."""
        if version > self.current:
            raise OlderKeyFile(str(version))
        try:
            return self._ciphers[version].decrypt(wrapped[:NONCE_BYTES], wrapped[NONCE_BYTES:], about)
        except (KeyError, InvalidTag, ValueError):
            raise WrongKeyFile from None
