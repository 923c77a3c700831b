"""Rotating the master key: on both databases, without a look at the log, killed anywhere."""

import pytest

from streams.log.master_key import KEY_BYTES, Keyring, OlderKeyFile, Wrapped
from streams.log.person_keys import PersonKeys
from streams.log.rewrap import Rewrapping, by_version
from tests.streams.storing import KEYRING, Store

ROTATED = Keyring(KEYRING.names, {**KEYRING.wrapping, 2: b"2" * KEY_BYTES})
ONLY_NEW = Keyring(KEYRING.names, {2: b"2" * KEY_BYTES})
PERSONS = [f"{number:032x}" for number in range(25)]


class Dies(Exception):
    """The process was killed here."""


class Dying:
    """A wrapper whose process dies after so many keys."""

    current = 2

    def __init__(self, after: int) -> None:
        self.left = after

    def wrap(self, key: bytes, about: bytes) -> Wrapped:
        if not self.left:
            raise Dies
        self.left -= 1
        return ROTATED.wrap(key, about)

    def unwrap(self, version: int, wrapped: bytes, about: bytes) -> bytes:
        return ROTATED.unwrap(version, wrapped, about)


def versions(store: Store) -> dict[int, int]:
    """How many keys each version wraps."""
    with store.database.reading() as connection:
        return dict(by_version(connection))


@pytest.mark.parametrize("after", [0, 1, 10, 17])
def test_a_rotation_that_was_killed_is_finished_by_the_next(store: Store, after: int) -> None:
    """Killed after any key, the next rotation takes what is left; each person keeps the key that they had."""
    made, _ = store.database.write(lambda connection: store.keys.ensure(connection, PERSONS))
    secrets = {person: key.seal(b"plain", b"about") for person, key in made.items()}

    with pytest.raises(Dies):
        Rewrapping(store.database, Dying(after)).run(batch=10)
    assert versions(store) == {1: 25 - after // 10 * 10, **({2: after // 10 * 10} if after >= 10 else {})}
    assert Rewrapping(store.database, ROTATED).run(batch=10) == 25 - after // 10 * 10
    assert versions(store) == {2: 25}

    with store.database.reading() as connection:
        keys = PersonKeys(ONLY_NEW).load(connection, PERSONS)
    assert all(keys[person].open(secrets[person], b"about") == b"plain" for person in PERSONS)


def test_who_is_erased_does_not_come_back_by_a_rotation(store: Store) -> None:
    """A key that was destroyed is wrapped by nothing afterwards, and the older ring opens nothing any more."""
    store.database.write(lambda connection: store.keys.ensure(connection, PERSONS[:2]))
    store.database.write(lambda connection: store.keys.destroy(connection, PERSONS[0]))

    assert Rewrapping(store.database, ROTATED).run() == 1
    with store.database.reading() as connection:
        assert set(PersonKeys(ROTATED).load(connection, PERSONS)) == {PERSONS[1]}
        with pytest.raises(OlderKeyFile):
            PersonKeys(KEYRING).load(connection, PERSONS)
