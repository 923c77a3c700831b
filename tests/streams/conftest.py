from collections.abc import Iterator
from pathlib import Path

import pytest

from streams.database import Database
from tests.streams.storing import Store, url_in


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    """A new log on SQLite."""
    made = Store(url_in(tmp_path))
    yield made
    made.database.close()


@pytest.fixture
def database(store: Store) -> Database:
    """The database of a new log."""
    return store.database
