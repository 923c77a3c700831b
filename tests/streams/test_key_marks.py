"""Erasures that were rolled back, and those after them."""

import pytest
from sqlalchemy import Connection

from streams.keys import PersonKeys
from tests.streams.storing import AIDA, BOLAT, KEYRING, Store


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
