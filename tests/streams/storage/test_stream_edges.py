"""Edges of the streams where it once went wrong: what changes meanwhile, what is told twice, what is set wrongly."""

from collections.abc import Mapping

from sqlalchemy import Connection
from sqlalchemy.event import listen

from streams.storage.database import WRITING
from tests.streams.meddling import MeddledDatabase
from tests.streams.rebuilding import rebuild
from tests.world import World, fine, iin

AIGERIM = iin(1)
PATIENCE = 20


class StillAtIt(Exception):
    """It began anew again and again."""


def test_a_rebuild_ends_although_facts_keep_coming(world: World) -> None:
    """Where a fact comes before every write lock, as on a busy day, the rebuild takes the last ones in and ends."""
    platform = world.platform
    database = MeddledDatabase(platform.settings.database)
    come: list[str] = []

    def before_it_locks(_: Connection, options: Mapping[str, object]) -> None:
        if WRITING in options:
            come.append(str(len(come)))
            world.take(fine(AIGERIM, come[-1], "2025-06-01T12:00:00+05:00"))
            if len(come) > PATIENCE:
                raise StillAtIt

    listen(database.engine, "set_connection_execution_options", before_it_locks)
    found = rebuild(
        database, platform.log, platform.identity.names, platform.rules.library.rules().catalogue, swap=True
    )
    database.close()

    of_its_end = 1  # comes before the lock under which the job's end is noted: after all was compared
    assert (found.equal, found.position) == (True, world.health().facts - of_its_end)
