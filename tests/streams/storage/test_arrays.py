"""Lists as PostgreSQL's arrays: what comes back is what was given."""

from collections.abc import Iterator
from uuid import UUID

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import Connection
from sqlalchemy.engine import URL
from sqlalchemy.exc import DataError

from streams.storage.database import Database
from tests.services import postgres

CHARACTERS = st.characters(exclude_characters="\0", codec="utf-8")
LISTS = {
    "TEXT": st.text(CHARACTERS),
    "BIGINT": st.integers(-(2**63), 2**63 - 1),
    "UUID": st.uuids(),
    "BYTEA": st.binary(),
    "BOOLEAN": st.booleans(),
}


@pytest.fixture(scope="module")
def connection(server: URL) -> Iterator[Connection]:
    """A connection to PostgreSQL, as the platform makes it."""
    with postgres.empty(server) as at:
        database = Database(at.render_as_string(hide_password=False))
        with database.reading() as made:
            yield made
        database.close()


@pytest.mark.parametrize("type_", LISTS)
@settings(max_examples=60)
@given(data=st.data())
def test_every_list_comes_back_as_it_was(connection: Connection, type_: str, data: st.DataObject) -> None:
    """Quotes, backslashes, the word NULL, emptiness, bytes of any kind and missing values are kept as they are."""
    values = data.draw(st.lists(LISTS[type_] | st.none()) | st.lists(LISTS[type_]))
    found = connection.exec_driver_sql(f"SELECT %s::{type_}[]", (values,)).scalar_one()
    assert found == values


@pytest.mark.parametrize("text", ["NULL", "", "{}", "a,b", '"', "\\", "\\x", " ә\u00a0", "😀"])
def test_texts_that_look_like_more_are_only_texts(connection: Connection, text: str) -> None:
    """Nothing that a text holds is taken for a part of the array."""
    assert connection.exec_driver_sql("SELECT %s::TEXT[]", ([text, "b"],)).scalar_one() == [text, "b"]


def test_a_text_that_cannot_be_kept_is_refused(server: URL) -> None:
    """A NUL, at which PostgreSQL would end the array, is refused by name as it is in a single text."""
    with postgres.empty(server) as at:
        database = Database(at.render_as_string(hide_password=False))
        with database.reading() as connection, pytest.raises(DataError, match="NUL"):
            connection.exec_driver_sql("SELECT %s::TEXT[]", (["a", "b\0c"],))
        database.close()


def test_ids_find_their_rows(connection: Connection) -> None:
    """An array of ids is compared with ids."""
    ids = [UUID(int=number) for number in range(3)]
    query = "SELECT count(*) FROM unnest(%s::UUID[]) AS id WHERE id = ANY (%s::UUID[])"
    assert connection.exec_driver_sql(query, (ids, ids[:2])).scalar_one() == 2
