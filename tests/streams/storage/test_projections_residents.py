"""The view of residents, in pages, on both databases."""

from collections.abc import Sequence

import pytest

from projections import residents
from projections.residents import Resident
from streams.storage.database import Database

HOMES = ("09a0", "09aa", "0a00", "9900", "99ff", "9a00", "ff00", "ffff")
PEOPLE = [Resident(f"{person}{home}", 1, home, None, only=True) for home in HOMES for person in "ab"]


def paged(database: Database, within: Sequence[str], size: int) -> list[str]:
    """Who lives there, read page by page."""
    found: list[Resident] = []
    after = ("", "")
    with database.reading() as connection:
        while some := residents.page(connection, within, after, size):
            assert len(some) <= size
            found += some
            after = (some[-1].home, some[-1].person)
    return [row.person for row in found]


@pytest.fixture
def housed(database: Database) -> Database:
    """A database in which these people live."""
    database.write(lambda connection: residents.store(connection, {row.person: [row] for row in PEOPLE}))
    return database


@pytest.mark.parametrize(
    "within",
    [
        ["09"],
        ["99"],
        ["9"],
        ["ff"],
        ["f"],
        [""],
        ["09", "99"],
        ["99", "09"],
        ["9", "99"],
        ["ff", "0"],
        ["8"],
    ],
)
@pytest.mark.parametrize("size", [1, 3, 100])
def test_pages_have_everybody_of_these_homes_once(housed: Database, within: list[str], size: int) -> None:
    """By home and person, whatever the collation of the database makes of what follows a 9 or an f."""
    expected = [row.person for row in PEOPLE if row.home.startswith(tuple(within))]
    assert paged(housed, within, size) == expected
