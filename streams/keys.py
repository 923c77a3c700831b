"""Every person's own key: what is sealed with it becomes unreadable for ever when the key is destroyed."""

import os
from collections import OrderedDict
from collections.abc import Callable, Iterable, Mapping
from typing import NamedTuple

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from sqlalchemy import Connection, func, select

from projections.bulk import among, chunked, insert_rows, lock_rows
from streams.keyring import KEY_BYTES, NONCE_BYTES, Wrapper, WrongKeyFile
from streams.tables import erasures, made_with, person_keys

KEY_ID_BYTES = 8
BODY = KEY_ID_BYTES + NONCE_BYTES
CACHED = 4_000
_NONCE, _REST = slice(KEY_ID_BYTES, BODY), slice(BODY, None)


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
        key_id, cipher = self
        if not sealed.startswith(key_id) or len(sealed) < BODY:
            return None
        try:
            return cipher.decrypt(sealed[_NONCE], sealed[_REST], about)
        except InvalidTag:
            return None


class PersonKeys:
    """The keys of persons: kept wrapped in their own table, unwrapped in a bounded cache.

    The database decides: an erasure by any process empties every cache, and a key that is not committed is in none.
    """

    def __init__(self, wrapper: Wrapper, random: Callable[[int], bytes] = os.urandom) -> None:
        self._wrapper = wrapper
        self._random = random
        self._kept = _Kept(b"", OrderedDict())
        self._uncommitted: set[bytes] = set()

    def load(self, connection: Connection, persons: Iterable[str]) -> dict[str, PersonKey]:
        """The keys of those persons who have one.

        Raises:
            WrongKeyFile: a key was wrapped by a key that we do not have.
        """
        kept = self._current(connection)
        wanted = persons if isinstance(persons, set) else set(persons)
        found = {person: key for person in wanted if (key := kept.keys.get(person)) is not None}
        if missing := wanted.difference(found):
            loaded = self._read(connection, missing)
            kept.add({person: key for person, key in loaded.items() if key.id not in self._uncommitted})
            found |= loaded
        return found

    def at_hand(self, connection: Connection) -> Mapping[str, PersonKey]:
        """Those keys that need no look-up, as of the latest erasure that this transaction sees."""
        return self._current(connection).keys

    def _current(self, connection: Connection) -> "_Kept":
        """The keys at hand as of the latest erasure that this transaction sees; another one starts anew."""
        mark: bytes = connection.execute(_LATEST_ERASURE).scalar() or b""
        kept = self._kept
        if kept.mark != mark:
            kept = self._kept = _Kept(mark, OrderedDict())
        return kept

    def _read(self, connection: Connection, persons: Iterable[str]) -> dict[str, PersonKey]:
        rows = [
            row for part in chunked(list(persons))
            for row in connection.execute(select(person_keys).where(among(person_keys.c.person, part)))
        ]  # fmt: skip
        return {row.person: self._unwrap(row.person, row.key_id, row.wrapped, row.wrapped_by) for row in rows}

    def _unwrap(self, person: str, key_id: bytes, wrapped: bytes, version: int) -> PersonKey:
        return PersonKey(key_id, AESGCM(self._wrapper.unwrap(version, wrapped, person.encode() + key_id)))

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
            version, wrapped = self._wrapper.wrap(key, person.encode() + key_id)
            rows.append((person, key_id, wrapped, version))
            made[person] = PersonKey(key_id, AESGCM(key))
            self._uncommitted.add(key_id)
        insert_rows(connection, person_keys, rows, ignore=True)
        others = self._made_meanwhile(connection, made)
        return known | made | others, {person: key for person, key in made.items() if person not in others}

    def ensure_held(
        self, connection: Connection, persons: Iterable[str], others: Iterable[str]
    ) -> tuple[dict[str, PersonKey], dict[str, PersonKey]]:
        """As `ensure`, with all of these and the others held: a key that was destroyed before that seals nothing."""
        wanted = set(persons)
        known, made = self.ensure(connection, wanted)
        mark = self._kept.mark
        self.hold(connection, wanted.union(others))
        if connection.dialect.name == "sqlite" or self._current(connection).mark == mark:
            return known, made
        known, anew = self.ensure(connection, wanted)
        return known, {person: key for person, key in (made | anew).items() if known[person].id == key.id}

    def _made_meanwhile(self, connection: Connection, made: Mapping[str, PersonKey]) -> dict[str, PersonKey]:
        """Those keys that another transaction committed first; SQLite's only writer has nobody beside it."""
        if connection.dialect.name == "sqlite" or not made:
            return {}
        stored = self._read(connection, made)
        others = {person: key for person, key in stored.items() if key.id != made[person].id}
        self._uncommitted.difference_update(made[person].id for person in others)
        return others

    def remember(self, made: Mapping[str, PersonKey]) -> None:
        """Keep keys that `ensure` made at hand, now that they are committed."""
        self._uncommitted.difference_update(key.id for key in made.values())
        self._kept.add(made)

    @staticmethod
    def hold(connection: Connection, persons: Iterable[str]) -> None:
        """Keep others from writing about these persons until the transaction ends: the first of all locks."""
        lock_rows(connection, person_keys.c.person, persons)

    def destroy(self, connection: Connection, person: str) -> None:
        """Destroy a person's key: what it sealed can be read by nobody from the commit on."""
        connection.execute(person_keys.delete().where(person_keys.c.person == person))
        number = connection.execute(select(func.coalesce(func.max(erasures.c.number), 0))).scalar_one() + 1
        insert_rows(connection, erasures, [(number, self._random(KEY_ID_BYTES))])


class _Kept(NamedTuple):
    """Keys at hand, as of the erasure with that mark."""

    mark: bytes
    keys: OrderedDict[str, PersonKey]

    def add(self, keys: Mapping[str, PersonKey]) -> None:
        self.keys.update(keys)
        while len(self.keys) > CACHED:
            self.keys.popitem(last=False)


_LATEST_ERASURE = select(erasures.c.mark).order_by(erasures.c.number.desc()).limit(1)


def check_names(connection: Connection, fingerprint: bytes) -> None:
    """Note the key that this database's pseudonyms are made with, at first use; later see that it is the same.

    Raises:
        WrongKeyFile: it is another.
    """
    known = connection.execute(select(made_with.c.names)).scalar()
    if known is None:
        insert_rows(connection, made_with, [(fingerprint,)])
    elif known != fingerprint:
        raise WrongKeyFile
