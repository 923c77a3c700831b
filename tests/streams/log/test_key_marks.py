"""Erasures that were rolled back, those after them, and several at once."""

import pytest
from sqlalchemy import Connection

from streams.log.person_keys import PersonKeys, check_names
from streams.storage.tables import erasures, made_with
from tests.streams.replay.test_lock_order import Step, meet
from tests.streams.storing import AIDA, BOLAT, KEYRING, Store, counted

only_postgres = pytest.mark.parametrize("url", ["postgresql"], indirect=True)


def test_an_erasure_that_was_rolled_back_hides_no_later_one(store: Store) -> None:
    """An erasure that failed and was looked at leaves no trace: the next one, by another process, is noticed."""

    def fail(connection: Connection) -> None:
        PersonKeys(KEYRING).destroy(connection, BOLAT)
        store.keys.load(connection, [BOLAT])
        raise LookupError

    with pytest.raises(LookupError):
        store.database.write(fail)
    _, made = store.database.write(lambda connection: store.keys.ensure(connection, [AIDA]))
    store.keys.remember(made)
    store.database.write(lambda connection: PersonKeys(KEYRING).destroy(connection, AIDA))

    with store.database.reading() as connection:
        assert store.keys.load(connection, [AIDA]) == {}


@only_postgres
def test_two_erasures_at_once_both_happen(store: Store) -> None:
    """Of two who are erased at the same moment neither erasure fails, and each empties every cache."""
    store.database.write(lambda connection: store.keys.ensure(connection, [AIDA, BOLAT]))

    def erases(person: str) -> Step:
        return lambda connection: PersonKeys(KEYRING).destroy(connection, person)

    assert meet(store.database, [erases(AIDA)], [erases(BOLAT)]) == {None}
    assert counted(store.database, erasures) == 2


@only_postgres
def test_roles_that_start_at_once_on_a_new_database_all_start(store: Store) -> None:
    """Each notes the key that its pseudonyms are made with; it is noted once, and nobody fails by another's."""

    def starts(connection: Connection) -> None:
        check_names(connection, b"n" * 16)

    assert meet(store.database, [starts], [starts]) == {None}
    assert counted(store.database, made_with) == 1
