"""How far area events have come, on both databases."""

from uuid import UUID

import pytest

from projections import area_plans
from streams.storage.database import Database

STORM = UUID(int=7)


@pytest.mark.parametrize("begun", [False, True])
def test_a_plan_that_was_begun_anew_is_not_moved_by_who_read_it_before(database: Database, *, begun: bool) -> None:
    """Whoever publishes meanwhile has everybody planned again, from the first resident on."""
    database.write(lambda connection: area_plans.begin(connection, STORM, 1))
    with database.reading() as connection:
        read = area_plans.first(connection)
    assert read is not None
    if begun:
        database.write(lambda connection: area_plans.begin(connection, STORM, 2))
    assert database.write(lambda connection: area_plans.move(connection, read, "h", "p")) is not begun
    assert database.write(lambda connection: area_plans.end(connection, read)) is not begun
    with database.reading() as connection:
        assert (area_plans.first(connection) is not None) is begun
