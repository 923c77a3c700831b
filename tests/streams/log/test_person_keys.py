import contextlib
from collections.abc import Iterable
from pathlib import Path

import pytest
from sqlalchemy import Connection

from streams.log.master_key import KEY_BYTES, Keyring
from streams.log.person_keys import KEY_ID_BYTES, MOST_CACHED, PersonKey, PersonKeys
from streams.storage.database import Database
from streams.storage.tables import person_keys
from tests.streams.storing import AIDA, BOLAT, KEYRING, Store, counted, only_sqlite, person_key

ROTATED = Keyring(KEYRING.names, {**KEYRING.wrapping, 2: b"2" * KEY_BYTES})


def ensured(database: Database, keys: PersonKeys, *persons: str) -> dict[str, PersonKey]:
    """The keys of the persons, made and remembered as intake does."""
    known, made = database.write(lambda connection: keys.ensure(connection, persons))
    keys.remember(made)
    return known


def loaded(database: Database, keys: PersonKeys, persons: Iterable[str]) -> dict[str, PersonKey]:
    """The keys that a reader gets."""
    with database.reading() as connection:
        return keys.load(connection, persons)


def same(one: PersonKey, other: PersonKey) -> bool:
    """Whether the one opens what the other seals."""
    return other.open(one.seal(b"plain", b"about"), b"about") == b"plain"


def erase(database: Database, person: str) -> None:
    """Destroy a person's key."""
    database.write(lambda connection: PersonKeys(KEYRING).destroy(connection, person))


def test_sealed_opens_only_for_what_it_is_about() -> None:
    """A sealed part opens with its key and its purpose, and with nothing else."""
    key = person_key(b"A")
    sealed = key.seal(b"plain", b"about")

    assert key.open(sealed, b"about") == b"plain"
    assert key.open(sealed, b"other") is None
    assert person_key(b"B").open(sealed, b"about") is None


def test_every_person_has_one_key_of_their_own(store: Store) -> None:
    """Two persons have two keys, and one person keeps theirs."""
    keys = ensured(store.database, store.keys, AIDA, BOLAT)

    assert not same(keys[AIDA], keys[BOLAT])
    assert keys[AIDA].id != keys[BOLAT].id
    assert counted(store.database, person_keys) == 2


def test_ensure_makes_a_key_once(store: Store) -> None:
    """Asked again, by this process or by another, it gives the key that is there and makes none."""
    (first,) = ensured(store.database, store.keys, AIDA).values()
    for keys in (store.keys, PersonKeys(KEYRING)):
        assert same(ensured(store.database, keys, AIDA, AIDA)[AIDA], first)
    assert counted(store.database, person_keys) == 1


def test_ensure_says_which_keys_are_new(store: Store) -> None:
    """Of known and unknown persons it gives all keys, and apart from them those that it made."""
    ensured(store.database, store.keys, AIDA)

    known, made = store.database.write(lambda connection: store.keys.ensure(connection, [BOLAT, AIDA]))
    assert set(known) == {AIDA, BOLAT}
    assert set(made) == {BOLAT}


def test_a_key_that_was_rolled_back_seals_nothing(store: Store) -> None:
    """What is sealed after a failed transaction can be read by everybody: its key is one that was stored."""

    def fail(connection: Connection) -> None:
        store.keys.ensure(connection, [AIDA])
        raise LookupError

    with pytest.raises(LookupError):
        store.database.write(fail)
    assert counted(store.database, person_keys) == 0

    (kept,) = ensured(store.database, store.keys, AIDA).values()
    assert same(kept, loaded(store.database, PersonKeys(KEYRING), [AIDA])[AIDA])


def test_keys_are_made_of_the_given_randomness(store: Store) -> None:
    """Each key and its id are drawn anew, in full length."""
    drawn: list[int] = []

    def random(size: int) -> bytes:
        drawn.append(size)
        return bytes([len(drawn)]) * size

    keys = ensured(store.database, PersonKeys(KEYRING, random), AIDA, BOLAT)

    assert sorted(drawn) == [8, 8, 32, 32]
    assert {key.id for key in keys.values()} == {b"\x01" * 8, b"\x03" * 8}


@only_sqlite
def test_no_key_is_in_the_file(store: Store, tmp_path: Path) -> None:
    """A person's key is stored wrapped: whoever has the database alone opens nothing."""
    ensured(store.database, PersonKeys(KEYRING, lambda size: b"\xa5" * size), AIDA)

    files = b"".join(file.read_bytes() for file in tmp_path.iterdir())
    assert AIDA.encode() + b"\xa5" * KEY_ID_BYTES in files, "else this test looked in the wrong place"
    assert b"\xa5" * KEY_BYTES not in files
    assert KEYRING.wrapping[1] not in files


def test_the_newest_wrapping_key_wraps(store: Store) -> None:
    """After a rotation new keys are wrapped by the new version, and both old and new ones open."""
    old = ensured(store.database, store.keys, AIDA)
    new = ensured(store.database, PersonKeys(ROTATED), BOLAT)

    with store.database.reading() as connection:
        rows = connection.execute(person_keys.select())
        assert {row.person: row.wrapped_by for row in rows} == {AIDA: 1, BOLAT: 2}
    found = loaded(store.database, PersonKeys(ROTATED), [AIDA, BOLAT])
    assert same(found[AIDA], old[AIDA])
    assert same(found[BOLAT], new[BOLAT])


def test_a_wrapped_key_belongs_to_its_person(store: Store) -> None:
    """Whoever copies one person's wrapped key to another does not read the first through the second."""
    secret = ensured(store.database, store.keys, AIDA, BOLAT)[AIDA].seal(b"plain", b"about")

    def copy(connection: Connection) -> None:
        (row,) = connection.execute(person_keys.select().where(person_keys.c.person == AIDA))
        stolen = {"key_id": row.key_id, "wrapped": row.wrapped}
        connection.execute(person_keys.update().where(person_keys.c.person == BOLAT).values(**stolen))

    store.database.write(copy)
    read: bytes | None = None
    with contextlib.suppress(Exception):  # however it refuses
        read = loaded(store.database, PersonKeys(KEYRING), [BOLAT])[BOLAT].open(secret, b"about")
    assert read is None


def test_unknown_persons_have_no_key(store: Store) -> None:
    """Looking makes no key."""
    assert loaded(store.database, store.keys, [AIDA]) == {}
    assert counted(store.database, person_keys) == 0


def test_a_known_key_is_at_hand(store: Store) -> None:
    """A key once read is given again without another look, as the very same object."""
    ensured(store.database, store.keys, AIDA)
    keys = PersonKeys(KEYRING)

    first, second = (loaded(store.database, keys, [AIDA])[AIDA] for _ in range(2))
    assert second.cipher is first.cipher


def test_the_cache_is_bounded(store: Store) -> None:
    """However many persons pass by, only so many keys are kept at hand; the others are read again."""
    (first,) = ensured(store.database, store.keys, AIDA).values()
    ensured(store.database, store.keys, *(f"{number:032}" for number in range(MOST_CACHED)))

    assert len(store.keys._cache.keys) == MOST_CACHED
    assert AIDA not in store.keys._cache.keys, "the oldest goes first"
    assert same(loaded(store.database, store.keys, [AIDA])[AIDA], first)


def test_keys_of_very_many_persons_are_loaded_at_once(store: Store) -> None:
    """One reading may need more keys than a statement takes parameters: it gets them all."""
    persons = [f"{number:032}" for number in range(6_000)]
    ensured(store.database, store.keys, *persons)

    assert set(loaded(store.database, PersonKeys(KEYRING), persons)) == set(persons)


def test_a_forgotten_key_is_gone(store: Store) -> None:
    """After a key is destroyed, nobody gets it."""
    ensured(store.database, store.keys, AIDA)
    erase(store.database, AIDA)

    assert loaded(store.database, store.keys, [AIDA]) == {}


def test_who_comes_back_gets_another_key(store: Store) -> None:
    """A later event of an erased person is sealed with a new key, which opens nothing from before."""
    (old,) = ensured(store.database, store.keys, AIDA).values()
    erase(store.database, AIDA)
    (new,) = ensured(store.database, store.keys, AIDA).values()

    assert new.id != old.id
    assert new.open(old.seal(b"plain", b"about"), b"about") is None
