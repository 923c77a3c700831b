"""The keys of persons. Data sealed with a key becomes unreadable for ever when the key is destroyed.

A person has a key of their own, and one for each period: an event type in a year, where the type has a retention
limit. The year is that in which the event happened (UTC), not that of its recording. So the same facts in any order
of arrival have the same keys, and old events that are loaded late are not kept longer.

A key's name (`holder`) is the person's pseudonym, or `pseudonym/type/year`.
"""

import os
from collections import OrderedDict
from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, datetime
from typing import Any, NamedTuple

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from sqlalchemy import Connection, Row, func, select

from projections.bulk import among, change_with, insert_rows, lock_rows, rows_with
from streams.log.master_key import KEY_BYTES, NONCE_BYTES, Wrapper, WrongKeyFile
from streams.storage.advisory_locks import APPEND_LOCK, take_turns
from streams.storage.tables import erasures, made_with, period_keys, person_keys

KEY_ID_BYTES = 8
BODY = KEY_ID_BYTES + NONCE_BYTES
MOST_CACHED = 4_000
_NONCE, _REST = slice(KEY_ID_BYTES, BODY), slice(BODY, None)
_BETWEEN = "/"  # in no pseudonym and in no event type
PLATFORM_HOLDER = "dead letters"
"""The name of the platform's own key, which is no pseudonym. (Dead letters were its first use.)"""


class Period(NamedTuple):
    """The use of a key of a period: a person's parts of the events of a type in a year."""

    person: str
    type: str
    year: int

    @property
    def holder(self) -> str:
        """The name of the key."""
        return f"{self.person}{_BETWEEN}{self.type}{_BETWEEN}{self.year}"


def holder_of(person: str, type_: str, time: datetime) -> str:
    """Return the name of the person's key for an event of that type at that time."""
    return Period(person, type_, time.astimezone(UTC).year).holder


def period_of(holder: str) -> Period | None:
    """Return the period of a key, or None for a person's own key."""
    if _BETWEEN not in holder:
        return None
    person, type_, year = holder.split(_BETWEEN)
    return Period(person, type_, int(year))


def person_of(holder: str) -> str:
    """Return the person whose key it is."""
    return holder.partition(_BETWEEN)[0]


class PersonKey(NamedTuple):
    """A person's key, ready for use. The id differs from that of the key that the person had before an erasure."""

    id: bytes
    cipher: AESGCM

    def seal(self, plain: bytes, about: bytes) -> bytes:
        """Return key id, nonce and AES-256-GCM of the plain bytes, with `about` as associated data."""
        nonce = os.urandom(NONCE_BYTES)
        return self.id + nonce + self.cipher.encrypt(nonce, plain, about)

    def open(self, sealed: bytes, about: bytes) -> bytes | None:
        """Return the plain bytes, or None where another key sealed them."""
        key_id, cipher = self
        if not sealed.startswith(key_id) or len(sealed) < BODY:
            return None
        try:
            return cipher.decrypt(sealed[_NONCE], sealed[_REST], about)
        except InvalidTag:
            return None


class PersonKeys:
    """The store of keys: wrapped in their tables, unwrapped in a bounded cache.

    A person who has a key of a period has one of their own too. An erasure by any process empties every cache, and a
    key that is not committed is in no cache.
    """

    def __init__(self, wrapper: Wrapper, random: Callable[[int], bytes] = os.urandom) -> None:
        self._wrapper = wrapper
        self._random = random
        self._cache = _Cache(b"", OrderedDict())
        self._uncommitted: dict[bytes, bytes] = {}  # the id of a key -> the erasure as of which it was made

    def load(self, connection: Connection, holders: Iterable[str]) -> dict[str, PersonKey]:
        """Return those of the keys that exist.

        Raises:
            WrongKeyFile: a key was wrapped by a key that we do not have.
        """
        return self._load(connection, self._current(connection), holders)

    def _load(self, connection: Connection, cache: "_Cache", holders: Iterable[str]) -> dict[str, PersonKey]:
        wanted = holders if isinstance(holders, set) else set(holders)
        found = {holder: key for holder in wanted if (key := cache.keys.get(holder)) is not None}
        if missing := wanted.difference(found):
            loaded = self._read(connection, missing)
            cache.add({holder: key for holder, key in loaded.items() if key.id not in self._uncommitted})
            found |= loaded
        return found

    def cached(self, connection: Connection) -> Mapping[str, PersonKey]:
        """Return the cached keys, as of the latest erasure that this transaction sees."""
        return self._current(connection).keys

    def _current(self, connection: Connection) -> "_Cache":
        """Return the cache, emptied first where this transaction sees a new erasure."""
        mark = connection.execute(_LATEST_ERASURE).scalar() or b""
        cache = self._cache
        if cache.mark != mark:
            cache = self._cache = _Cache(mark, OrderedDict())
        return cache

    def _read(self, connection: Connection, holders: Iterable[str]) -> dict[str, PersonKey]:
        periods = {holder: period for holder in holders if (period := period_of(holder)) is not None}
        persons = [holder for holder in holders if holder not in periods]
        own = rows_with(connection, select(person_keys), person_keys.c.person, persons)
        rows = [(row.person, row) for row in own]
        if periods:
            rows += _of_periods(connection, periods)
        return {holder: self._unwrap(holder, row.key_id, row.wrapped, row.wrapped_by) for holder, row in rows}

    def _unwrap(self, holder: str, key_id: bytes, wrapped: bytes, version: int) -> PersonKey:
        return PersonKey(key_id, AESGCM(self._wrapper.unwrap(version, wrapped, holder.encode() + key_id)))

    def ensure(
        self, connection: Connection, holders: Iterable[str]
    ) -> tuple[dict[str, PersonKey], dict[str, PersonKey]]:
        """Return all of these keys, and those of them that this transaction made.

        The caller gives the made ones to `remember` after the commit, not before: a key that was rolled back must
        seal nothing.
        """
        return self._ensure(connection, self._current(connection), set(holders))

    def _ensure(
        self, connection: Connection, cache: "_Cache", wanted: set[str]
    ) -> tuple[dict[str, PersonKey], dict[str, PersonKey]]:
        known = self._load(connection, cache, wanted)
        made, rows = {}, []
        for holder in sorted(wanted.difference(known)):
            key_id, key = self._random(KEY_ID_BYTES), self._random(KEY_BYTES)
            version, wrapped = self._wrapper.wrap(key, holder.encode() + key_id)
            rows.append((*(period_of(holder) or (holder,)), key_id, wrapped, version))
            made[holder] = PersonKey(key_id, AESGCM(key))
            self._uncommitted[key_id] = cache.mark
        inserted = 0
        for table in (person_keys, period_keys):
            theirs = [row for row in rows if len(row) == len(table.c)]
            inserted += insert_rows(connection, table, theirs, ignore=True)
        others = self._made_meanwhile(connection, made) if inserted < len(rows) else {}
        return known | made | others, {holder: key for holder, key in made.items() if holder not in others}

    def ensure_held(
        self, connection: Connection, holders: Iterable[str], others: Iterable[str]
    ) -> tuple[dict[str, PersonKey], dict[str, PersonKey]]:
        """As `ensure`, with the keys' persons and the `others` locked: a key destroyed before that seals nothing."""
        wanted = set(holders)
        if connection.dialect.name == "sqlite":  # its only writer excludes all others
            return self.ensure(connection, wanted)
        cache = self._current(connection)
        known, made = self._ensure(connection, cache, wanted)
        self.hold(connection, set(map(person_of, wanted)).union(others))
        if self._current(connection).mark == cache.mark:
            return known, made
        known, anew = self.ensure(connection, wanted)
        return known, {holder: key for holder, key in (made | anew).items() if known[holder].id == key.id}

    def _made_meanwhile(self, connection: Connection, made: Mapping[str, PersonKey]) -> dict[str, PersonKey]:
        """Return those keys that another transaction committed first."""
        stored = self._read(connection, made)
        others = {holder: key for holder, key in stored.items() if key.id != made[holder].id}
        for holder in others:
            self._uncommitted.pop(made[holder].id, None)
        return others

    def remember(self, made: Mapping[str, PersonKey]) -> None:
        """Cache keys that `ensure` made, now that they are committed.

        Where an erasure was seen since, it may have destroyed them; then they are not cached.
        """
        cache = self._cache
        cache.add({holder: key for holder, key in made.items() if self._uncommitted.pop(key.id, None) == cache.mark})

    @staticmethod
    def hold(connection: Connection, persons: Iterable[str]) -> None:
        """Lock these persons until the transaction ends, so nobody else writes about them. The first of all locks."""
        lock_rows(connection, person_keys.c.person, persons)

    def destroy(self, connection: Connection, person: str) -> None:
        """Destroy all keys of a person: nobody can read what they sealed from the commit on."""
        for table in (person_keys, period_keys):
            connection.execute(table.delete().where(table.c.person == person))
        self._invalidate_caches(connection)

    def destroy_periods(self, connection: Connection, keys: Iterable[bytes]) -> int:
        """Destroy the keys of periods that have these ids; return their count."""
        gone = change_with(connection, period_keys.delete(), period_keys.c.key_id, keys)
        if gone:
            self._invalidate_caches(connection)
        return gone

    def _invalidate_caches(self, connection: Connection) -> None:
        """Empty every cache. Takes the log's lock, which the fact of the erasure takes anyway, to order erasures."""
        take_turns(connection, APPEND_LOCK)
        number = connection.execute(select(func.coalesce(func.max(erasures.c.number), 0))).scalar_one() + 1
        insert_rows(connection, erasures, [(number, self._random(KEY_ID_BYTES))])


def _of_periods(connection: Connection, periods: Mapping[str, Period]) -> list[tuple[str, Row[Any]]]:
    """Return the rows of the keys of these periods, with the keys' names."""
    types = sorted({period.type for period in periods.values()})
    persons = sorted({period.person for period in periods.values()})
    query = select(period_keys).where(among(period_keys.c.type, types))
    rows = rows_with(connection, query, period_keys.c.person, persons)
    named = ((Period(row.person, row.type, row.year).holder, row) for row in rows)
    return [(holder, row) for holder, row in named if holder in periods]


class _Cache(NamedTuple):
    """Cached keys, as of the erasure with that mark."""

    mark: bytes
    keys: OrderedDict[str, PersonKey]

    def add(self, keys: Mapping[str, PersonKey]) -> None:
        self.keys.update(keys)
        while len(self.keys) > MOST_CACHED:
            self.keys.popitem(last=False)


_LATEST_ERASURE = select(erasures.c.mark).order_by(erasures.c.number.desc()).limit(1)


def check_names(connection: Connection, fingerprint: bytes) -> None:
    """Record the key that this database's pseudonyms are made with at first use; later check that it is the same.

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


SAMPLED = 200


def wrapping_versions(connection: Connection) -> set[int]:
    """Return the versions of the master key that wrap some of the keys of persons.

    A sample is read: a rotation wraps all keys anew, so a lost version shows in it.
    """
    some = select(person_keys.c.wrapped_by).limit(SAMPLED).subquery()
    return set(connection.execute(select(some.c.wrapped_by).distinct()).scalars())


class Sealing:
    """Seals data that waits for something, with the key of the person it is about, or with the platform's own key.

    An erasure makes what the person's key sealed unreadable.
    """

    def __init__(self, keys: PersonKeys) -> None:
        self._keys = keys

    def seal(self, connection: Connection, content: bytes, about: bytes, person: str | None) -> bytes:
        """Return the content sealed, with `about` as associated data; `person`: the subject, where known."""
        return self._key(connection, person).seal(content, about)

    def _key(self, connection: Connection, person: str | None) -> PersonKey:
        """Return the subject's key if there is one, else the platform's own, made at its first use."""
        theirs = None if person is None else self._keys.load(connection, [person]).get(person)
        # A key made here is not cached: the caller may yet roll back.
        return theirs or self._keys.ensure(connection, [PLATFORM_HOLDER])[0][PLATFORM_HOLDER]

    def open(self, connection: Connection, sealed: bytes, about: bytes, person: str | None) -> bytes | None:
        """Return the content, or None where its key was destroyed."""
        holders = [PLATFORM_HOLDER] if person is None else [person, PLATFORM_HOLDER]
        keys = self._keys.load(connection, holders)
        opened = (keys[holder].open(sealed, about) for holder in holders if holder in keys)
        return next((content for content in opened if content is not None), None)
