"""Every person's own key: what is sealed with it becomes unreadable for ever when the key is destroyed."""

import os
from collections import OrderedDict
from collections.abc import Callable, Iterable, Mapping
from typing import NamedTuple

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from msgspec import Struct
from sqlalchemy import Connection, select

from projections.bulk import among, chunked, insert_rows
from streams.tables import person_keys

KEY_BYTES = 32
KEY_ID_BYTES = 8
NONCE_BYTES = 12
CACHED = 50_000


class Keyring(Struct, frozen=True):
    """The platform's secrets: `names` is never rotated; `wrapping`: version -> key, of which the highest wraps."""

    names: bytes
    wrapping: Mapping[int, bytes]

    @property
    def current(self) -> int:
        """The version that wraps new keys."""
        return max(self.wrapping)


class PersonKey(NamedTuple):
    """A person's key as it is used; the id tells it from the key that the same person had before an erasure."""

    id: bytes
    cipher: AESGCM

    def seal(self, plain: bytes, about: bytes) -> bytes:
        """Key id, nonce and AES-256-GCM of the plain bytes, bound to what they are about."""
        nonce = os.urandom(NONCE_BYTES)
        return self.id + nonce + self.cipher.encrypt(nonce, plain, about)

    def open(self, sealed: bytes, about: bytes) -> bytes | None:
        """The plain bytes, or None where another key sealed them."""
        if sealed[:KEY_ID_BYTES] != self.id:
            return None
        body = KEY_ID_BYTES + NONCE_BYTES
        try:
            return self.cipher.decrypt(sealed[KEY_ID_BYTES:body], sealed[body:], about)
        except InvalidTag:
            return None


class PersonKeys:
    """The keys of persons: kept wrapped in their own table, unwrapped in a bounded cache."""

    def __init__(self, keyring: Keyring, random: Callable[[int], bytes] = os.urandom) -> None:
        self._keyring = keyring
        self._random = random
        self._wrappers = {version: AESGCM(key) for version, key in keyring.wrapping.items()}
        self._cache: OrderedDict[str, PersonKey] = OrderedDict()

    def load(self, connection: Connection, persons: Iterable[str]) -> dict[str, PersonKey]:
        """The keys of those persons who have one."""
        wanted = set(persons)
        found = {person: key for person in wanted if (key := self._cache.get(person)) is not None}
        missing = wanted.difference(found)
        if missing:
            loaded = self._read(connection, missing)
            self.remember(loaded)
            found |= loaded
        return found

    def _read(self, connection: Connection, persons: Iterable[str]) -> dict[str, PersonKey]:
        rows = [
            row for part in chunked(list(persons))
            for row in connection.execute(select(person_keys).where(among(person_keys.c.person, part)))
        ]  # fmt: skip
        return {row.person: self._unwrap(row.person, row.key_id, row.wrapped, row.wrapped_by) for row in rows}

    def _unwrap(self, person: str, key_id: bytes, wrapped: bytes, version: int) -> PersonKey:
        wrapper = self._wrappers[version]
        key = wrapper.decrypt(wrapped[:NONCE_BYTES], wrapped[NONCE_BYTES:], person.encode() + key_id)
        return PersonKey(key_id, AESGCM(key))

    def ensure(
        self, connection: Connection, persons: Iterable[str]
    ) -> tuple[dict[str, PersonKey], dict[str, PersonKey]]:
        """All keys of the persons, and those of them that this transaction made.

        The made ones are to be given to `remember` once the transaction is committed, not before: a key that was
        rolled back must seal nothing.
        """
        wanted = set(persons)
        known = self.load(connection, wanted)
        made, rows = {}, []
        for person in sorted(wanted.difference(known)):
            key_id, key = self._random(KEY_ID_BYTES), self._random(KEY_BYTES)
            rows.append((person, key_id, self._wrap(person, key_id, key), self._keyring.current))
            made[person] = PersonKey(key_id, AESGCM(key))
        if rows:
            insert_rows(connection, person_keys, rows)
        return known | made, made

    def _wrap(self, person: str, key_id: bytes, key: bytes) -> bytes:
        nonce = self._random(NONCE_BYTES)
        return nonce + self._wrappers[self._keyring.current].encrypt(nonce, key, person.encode() + key_id)

    def remember(self, keys: Mapping[str, PersonKey]) -> None:
        """Keep committed keys at hand."""
        self._cache.update(keys)
        while len(self._cache) > CACHED:
            self._cache.popitem(last=False)

    def forget(self, person: str) -> None:
        """Drop a person's key from the cache, because it was destroyed."""
        self._cache.pop(person, None)
