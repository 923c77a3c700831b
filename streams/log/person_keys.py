"""Every person's own key: what is sealed with it becomes unreadable for ever when the key is destroyed."""

import os
from collections import OrderedDict
from collections.abc import Callable, Iterable, Mapping
from typing import Any, NamedTuple

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from sqlalchemy import Connection, Row, func, select

from projections.bulk import among, chunked, insert_rows, lock_rows
from projections.spelled import Query
from streams.log.master_key import KEY_BYTES, NONCE_BYTES, Wrapper, WrongKeyFile
from streams.log.periods import Period, period_of, person_of
from streams.log.recorder import APPEND_LOCK, take_turns
from streams.storage.tables import erasures, made_with, period_keys, person_keys

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
    """The keys of persons: kept wrapped in their own tables, unwrapped in a bounded cache.

    Each is asked for by what it is called (see streams.log.periods): a person's own key by the pseudonym. Whoever has
    one of a period has one of their own too.

    The database decides: an erasure by any process empties every cache, and a key that is not committed is in none.
    """

    def __init__(self, wrapper: Wrapper, random: Callable[[int], bytes] = os.urandom) -> None:
        self._wrapper = wrapper
        self._random = random
        self._kept = _Kept(b"", OrderedDict())
        self._uncommitted: dict[bytes, bytes] = {}  # the id of a key -> the erasure as of which it was made

    def load(self, connection: Connection, holders: Iterable[str]) -> dict[str, PersonKey]:
        """Those of the keys that there are.

        Raises:
            WrongKeyFile: a key was wrapped by a key that we do not have.
        """
        return self._load(connection, self._current(connection), holders)

    def _load(self, connection: Connection, kept: "_Kept", holders: Iterable[str]) -> dict[str, PersonKey]:
        wanted = holders if isinstance(holders, set) else set(holders)
        found = {holder: key for holder in wanted if (key := kept.keys.get(holder)) is not None}
        if missing := wanted.difference(found):
            loaded = self._read(connection, missing)
            kept.add({holder: key for holder, key in loaded.items() if key.id not in self._uncommitted})
            found |= loaded
        return found

    def at_hand(self, connection: Connection) -> Mapping[str, PersonKey]:
        """Those keys that need no look-up, as of the latest erasure that this transaction sees."""
        return self._current(connection).keys

    def _current(self, connection: Connection) -> "_Kept":
        """The keys at hand as of the latest erasure that this transaction sees; another one starts anew."""
        latest = _LATEST_ERASURE.first(connection)
        mark: bytes = b"" if latest is None else latest[0]
        kept = self._kept
        if kept.mark != mark:
            kept = self._kept = _Kept(mark, OrderedDict())
        return kept

    def _read(self, connection: Connection, holders: Iterable[str]) -> dict[str, PersonKey]:
        periods = {holder: period for holder in holders if (period := period_of(holder)) is not None}
        rows = [
            (row.person, row)
            for part in chunked([each for each in holders if each not in periods])
            for row in connection.execute(select(person_keys).where(among(person_keys.c.person, part)))
        ]
        if periods:
            rows += _of_periods(connection, periods)
        return {holder: self._unwrap(holder, row.key_id, row.wrapped, row.wrapped_by) for holder, row in rows}

    def _unwrap(self, holder: str, key_id: bytes, wrapped: bytes, version: int) -> PersonKey:
        return PersonKey(key_id, AESGCM(self._wrapper.unwrap(version, wrapped, holder.encode() + key_id)))

    def ensure(
        self, connection: Connection, holders: Iterable[str]
    ) -> tuple[dict[str, PersonKey], dict[str, PersonKey]]:
        """All of these keys, and those of them that this transaction made.

        The made ones are to be given to `remember` once the transaction is committed, not before: a key that was
        rolled back must seal nothing.
        """
        wanted, kept = set(holders), self._current(connection)
        known = self._load(connection, kept, wanted)
        made, rows = {}, []
        for holder in sorted(wanted.difference(known)):
            key_id, key = self._random(KEY_ID_BYTES), self._random(KEY_BYTES)
            version, wrapped = self._wrapper.wrap(key, holder.encode() + key_id)
            rows.append((*(period_of(holder) or (holder,)), key_id, wrapped, version))
            made[holder] = PersonKey(key_id, AESGCM(key))
            self._uncommitted[key_id] = kept.mark
        for table in (person_keys, period_keys):
            theirs = [row for row in rows if len(row) == len(table.c)]
            insert_rows(connection, table, theirs, ignore=True)
        others = self._made_meanwhile(connection, made)
        return known | made | others, {holder: key for holder, key in made.items() if holder not in others}

    def ensure_held(
        self, connection: Connection, holders: Iterable[str], others: Iterable[str]
    ) -> tuple[dict[str, PersonKey], dict[str, PersonKey]]:
        """As `ensure`, with all whose they are and the others held: a key destroyed before that seals nothing."""
        wanted = set(holders)
        if connection.dialect.name == "sqlite":  # its only writer holds everybody
            return self.ensure(connection, wanted)
        mark = self._current(connection).mark  # before: meanwhile another thread may see a later one
        known, made = self.ensure(connection, wanted)
        self.hold(connection, set(map(person_of, wanted)).union(others))
        if self._current(connection).mark == mark:
            return known, made
        known, anew = self.ensure(connection, wanted)
        return known, {holder: key for holder, key in (made | anew).items() if known[holder].id == key.id}

    def _made_meanwhile(self, connection: Connection, made: Mapping[str, PersonKey]) -> dict[str, PersonKey]:
        """Those keys that another transaction committed first; SQLite's only writer has nobody beside it."""
        if connection.dialect.name == "sqlite" or not made:
            return {}
        stored = self._read(connection, made)
        others = {holder: key for holder, key in stored.items() if key.id != made[holder].id}
        for holder in others:
            self._uncommitted.pop(made[holder].id, None)
        return others

    def remember(self, made: Mapping[str, PersonKey]) -> None:
        """Keep keys that `ensure` made at hand, now that they are committed; where an erasure was seen since, it may
        have been theirs, and the database is asked.
        """
        kept = self._kept
        kept.add({holder: key for holder, key in made.items() if self._uncommitted.pop(key.id, None) == kept.mark})

    @staticmethod
    def hold(connection: Connection, persons: Iterable[str]) -> None:
        """Keep others from writing about these persons until the transaction ends: the first of all locks."""
        lock_rows(connection, person_keys.c.person, persons)

    def destroy(self, connection: Connection, person: str) -> None:
        """Destroy all keys of a person: what they sealed can be read by nobody from the commit on."""
        for table in (person_keys, period_keys):
            connection.execute(table.delete().where(table.c.person == person))
        self._mark(connection)

    def destroy_periods(self, connection: Connection, keys: Iterable[bytes]) -> int:
        """Destroy the keys of periods that have these ids; returns how many there were."""
        parts = (period_keys.delete().where(among(period_keys.c.key_id, part)) for part in chunked(list(keys)))
        gone = sum(connection.execute(each).rowcount for each in parts)
        if gone:
            self._mark(connection)
        return gone

    def _mark(self, connection: Connection) -> None:
        """Empty every cache; who does so at the same moment waits (for the log's lock: the fact takes it anyway)."""
        take_turns(connection, APPEND_LOCK)
        number = connection.execute(select(func.coalesce(func.max(erasures.c.number), 0))).scalar_one() + 1
        insert_rows(connection, erasures, [(number, self._random(KEY_ID_BYTES))])


def _of_periods(connection: Connection, periods: Mapping[str, Period]) -> list[tuple[str, Row[Any]]]:
    """Of the persons' keys for periods, those that are asked for."""
    types = sorted({period.type for period in periods.values()})
    found = []
    for part in chunked(sorted({period.person for period in periods.values()})):
        query = select(period_keys).where(among(period_keys.c.person, part), among(period_keys.c.type, types))
        for row in connection.execute(query):
            holder = Period(row.person, row.type, row.year).holder
            if holder in periods:
                found.append((holder, row))
    return found


class _Kept(NamedTuple):
    """Keys at hand, as of the erasure with that mark."""

    mark: bytes
    keys: OrderedDict[str, PersonKey]

    def add(self, keys: Mapping[str, PersonKey]) -> None:
        self.keys.update(keys)
        while len(self.keys) > CACHED:
            self.keys.popitem(last=False)


_LATEST_ERASURE = Query(select(erasures.c.mark).order_by(erasures.c.number.desc()).limit(1))


def check_names(connection: Connection, fingerprint: bytes) -> None:
    """Note the key that this database's pseudonyms are made with, at first use; later see that it is the same.

    Raises:
        WrongKeyFile: it is another.
    """
    if not names_known(connection, fingerprint):
        take_turns(connection, APPEND_LOCK)  # all roles may start at once, on a new database
        if not names_known(connection, fingerprint):
            insert_rows(connection, made_with, [(fingerprint,)])


def names_known(connection: Connection, fingerprint: bytes) -> bool:
    """Return whether the database's pseudonyms were made with that key; False: with none as yet.

    Raises:
        WrongKeyFile: they were made with another.
    """
    known = connection.execute(select(made_with.c.names)).scalar()
    if known not in (None, fingerprint):
        raise WrongKeyFile
    return known is not None
