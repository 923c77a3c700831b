"""What our sessions let PostgreSQL's planner suppose of the disk."""

import psycopg
import pytest
from sqlalchemy import text
from sqlalchemy.engine import URL

from streams.storage.database import Database
from tests.services import postgres


def cost(at: URL) -> str:
    """What a session of ours has."""
    database = Database(at.render_as_string(hide_password=False))
    with database.reading() as connection:
        found = connection.execute(text("SHOW random_page_cost")).scalar_one()
    database.close()
    return str(found)


def test_rows_are_looked_up_by_their_keys(server: URL) -> None:
    """Where nobody has said what a page costs, a few keys do not have the whole table read."""
    with postgres.empty(server) as at:
        assert cost(at) == "1.1"


@pytest.mark.parametrize("theirs", ["4", "2.5"])
def test_what_an_administrator_has_set_is_left(server: URL, theirs: str) -> None:
    """A cost that was set for the database holds for us too, be it the default's."""
    with postgres.empty(server) as at:
        with psycopg.connect(at.set(drivername="postgresql").render_as_string(hide_password=False)) as admin:
            admin.execute(f'ALTER DATABASE "{at.database}" SET random_page_cost = {theirs}'.encode())
        assert cost(at) == theirs
