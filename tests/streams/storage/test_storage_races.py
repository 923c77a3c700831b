"""Races of keys and writes where it once went wrong."""

from collections.abc import Callable, Iterator
from concurrent.futures import wait
from contextlib import contextmanager
from pathlib import Path
from unittest.mock import ANY

import pytest
from sqlalchemy import Connection, event

from streams.log.person_keys import PersonKey, PersonKeys
from streams.storage.database import Database, Priority
from streams.storage.schema import migrate
from tests.streams.storing import AIDA, BOLAT, DANA, KEYRING, Store, submitted, url_in


def loaded(store: Store, keys: PersonKeys, person: str) -> PersonKey | None:
    """A person's key as a reader gets it."""
    with store.database.reading() as connection:
        return keys.load(connection, [person]).get(person)


def test_a_slow_reader_brings_no_destroyed_key_back(store: Store) -> None:
    """A thread that reads a key in an older snapshot, while another has already seen its end, keeps it for nobody."""
    _, made = store.database.write(lambda connection: store.keys.ensure(connection, [AIDA, BOLAT]))
    assert set(made) == {AIDA, BOLAT}
    keys = PersonKeys(KEYRING)

    def meanwhile() -> None:
        store.database.write(lambda connection: PersonKeys(KEYRING).destroy(connection, AIDA))
        assert loaded(store, keys, BOLAT) is not None

    with before_keys_are_read(store.database, meanwhile):
        assert loaded(store, keys, AIDA) is not None, "it was not destroyed yet when this reading began"
    assert loaded(store, keys, AIDA) is None


def test_a_key_that_was_destroyed_before_it_was_at_hand_seals_nothing(store: Store) -> None:
    """Who is erased between the commit that made their key and its being kept has a new key the next time."""
    made = store.database.write(lambda connection: store.keys.ensure(connection, [AIDA]))[1]
    store.database.write(lambda connection: PersonKeys(KEYRING).destroy(connection, AIDA))
    assert loaded(store, store.keys, BOLAT) is None  # another thread, which sees that there was an erasure
    store.keys.remember(made)

    assert loaded(store, store.keys, AIDA) is None
    again, _ = store.database.write(lambda connection: store.keys.ensure_held(connection, [AIDA], []))
    assert loaded(store, PersonKeys(KEYRING), AIDA) == (again[AIDA].id, ANY)


@pytest.mark.parametrize("url", ["postgresql"], indirect=True)
def test_an_erasure_that_another_thread_saw_first_is_noticed(store: Store) -> None:
    """While an intake looks for keys, somebody at hand is erased and another thread sees it: theirs is made anew."""
    known, made = store.database.write(lambda connection: store.keys.ensure(connection, [AIDA, BOLAT]))
    store.keys.remember(made)

    def meanwhile() -> None:
        store.database.write(lambda connection: PersonKeys(KEYRING).destroy(connection, AIDA))
        assert loaded(store, store.keys, BOLAT) is not None

    with before_keys_are_read(store.database, meanwhile):
        now, _ = store.database.write(lambda connection: store.keys.ensure_held(connection, [AIDA, DANA], []))
    assert now[AIDA].id != known[AIDA].id


@contextmanager
def before_keys_are_read(database: Database, happens: Callable[[], None]) -> Iterator[None]:
    """Once, when the table of keys is about to be read, something else happens first."""
    waiting = [happens]

    def notice(_connection: object, _cursor: object, statement: str, *_: object) -> None:
        if waiting and statement.startswith("SELECT person_keys"):
            waiting.pop()()

    event.listen(database.engine, "before_cursor_execute", notice)
    yield
    event.remove(database.engine, "before_cursor_execute", notice)


def test_a_write_within_a_write_is_refused(tmp_path: Path) -> None:
    """On SQLite a work that waits for another work waits for itself: it gets an error, and the writer goes on."""
    database = Database(url_in(tmp_path))  # not the fixture's, which could never be closed while this fails
    migrate(database)

    def work(_: Connection) -> str:
        return database.write(lambda _: "never")

    waiting = submitted(database, work, Priority.INTAKE)
    assert wait([waiting], 2).done, "the writer waits for itself for ever"
    with pytest.raises(RuntimeError):
        waiting.result()
    assert database.write(lambda _: "goes on") == "goes on"
    database.close()
