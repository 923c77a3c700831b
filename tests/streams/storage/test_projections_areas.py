"""How far area events have come, on both databases."""

from uuid import UUID

import pytest

from projections import area_plans
from projections.area_plans import Chunk
from streams.storage.database import Database

STORM = UUID(int=7)


@pytest.mark.parametrize("begun", [False, True])
def test_a_plan_that_was_begun_anew_is_not_ended_by_who_read_it_before(database: Database, *, begun: bool) -> None:
    """Whoever publishes meanwhile has everybody planned again, from the first resident on."""
    database.write(lambda connection: area_plans.begin(connection, STORM, 1))
    with database.reading() as connection:
        [read] = area_plans.all_waiting(connection)
    assert read is not None
    if begun:
        database.write(lambda connection: area_plans.begin(connection, STORM, 2))
    assert database.write(lambda connection: area_plans.end(connection, read)) is not begun
    with database.reading() as connection:
        assert bool(area_plans.all_waiting(connection)) is begun


def test_chunks_are_taken_once_and_gone_with_their_plan(database: Database) -> None:
    """Each chunk is one range of residents, in their order; what is begun anew has none of them left."""
    database.write(lambda connection: area_plans.begin(connection, STORM, 1))
    with database.reading() as connection:
        [plan] = area_plans.all_waiting(connection)
        assert not area_plans.is_divided(connection, plan)
    edges = [("a", "1"), ("a", "2"), ("b", "")]
    database.write(lambda connection: area_plans.divide(connection, plan, edges))
    first = database.write(lambda connection: area_plans.take(connection, plan))
    second = database.write(lambda connection: area_plans.take(connection, plan))
    assert (first, second) == (Chunk(("", ""), ("a", "1")), Chunk(("a", "1"), ("a", "2")))
    with database.reading() as connection:
        [moved] = area_plans.all_waiting(connection)
        assert (moved.home, moved.person, area_plans.is_divided(connection, moved)) == ("b", "", True)
    database.write(lambda connection: area_plans.begin(connection, STORM, 2))
    assert database.write(lambda connection: area_plans.take(connection, plan)) is None
