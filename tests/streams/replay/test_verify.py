"""A verification of people: whoever cannot be compared is counted apart, and hides nobody else."""

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

import msgspec
import pytest
from sqlalchemy import Connection, delete

from app.identity.log_codes import codes_by
from app.jobs.replay_jobs import VIEWS
from domain.facts.facts import NudgeCancelled, NudgeUndone
from domain.nudges.delivery import State
from projections import trail
from streams.log.appending import record
from streams.log.log import Log
from streams.log.mapper import Entry
from streams.replay.rebuild import ViewRebuild
from streams.replay.verify import InThisProcess, Ranges, Verification, Verified
from streams.storage.tables import log as log_table
from tests.beginnings import KEYRING
from tests.streams.dispatching import AIGERIM, DANA, DUE, with_card
from tests.streams.rebuilding import ended, rebuilt, verified
from tests.world import LONG_AGO, World, annulled, card, registered

NEW = card(AIGERIM, "2035-07-01", number="N2", time="2025-07-01T10:00:00+05:00")
"""What Aigerim does after she was told of her old card."""


class Broken(Log):
    """A log of which some positions cannot be read."""

    broken: Sequence[int] = ()

    def entries(self, connection: Connection, rows: Iterable[Any]) -> list[Entry]:
        """As the log, but for those."""
        wanted = list(rows)
        if not {row[0] for row in wanted}.isdisjoint(self.broken):
            raise ValueError("this cannot be read")
        return super().entries(connection, wanted)


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    """A platform on which Aigerim and Dana are about to be told of their cards."""
    made = with_card(tmp_path)
    made.take(*registered(DANA, LONG_AGO), card(DANA, "2026-07-20", number="D1"))
    made.plan()
    made.platform.replay.follower.drain()
    yield made
    made.close()


def verified_without(world: World, national_id: str) -> Verified:
    """A verification that meets a defect in what is known of them."""
    on = world.platform
    broken = Broken(on.database, on.log.keys, world.clock, codes_by(KEYRING))
    with on.database.reading() as connection:
        broken.broken = list(trail.positions(connection, world.name(national_id)))
    catalogue = on.rules.library.rules().catalogue
    rebuilding = ViewRebuild(
        on.database, on.log, on.identity.names, catalogue, print, views=list(VIEWS.values()), swap=False
    )
    executor = InThisProcess(Ranges(broken, on.rules.library))
    return msgspec.json.decode(ended(Verification(rebuilding, broken, executor)), type=Verified)


def test_of_whom_no_plan_can_be_made_is_counted_and_the_rest_compared(world: World) -> None:
    """A defect about one person ends no verification: they cannot be compared, and what another lacks is found."""
    whole = verified(world.platform)
    found = verified_without(world, AIGERIM)
    assert (found.equal, found.unplannable, found.unlike) == (True, 1, 0)
    assert 0 < found.intents < whole.intents
    [one, *_] = [
        each for each in world.nudges() if each.intent.person == world.name(DANA) and each.state is State.PLANNED
    ]
    facts = [(one.intent.id, NudgeCancelled(world.clock()))]
    world.platform.database.write(lambda connection: record(connection, world.platform.log, facts))
    found = verified_without(world, AIGERIM)
    assert (found.equal, found.unplannable, found.unlike) == (False, 1, 1)


async def test_what_is_noted_as_done_and_was_not_is_a_difference(world: World) -> None:
    """Where the report of it was annulled and the note was not taken back, the person's nudges are not as planned."""
    await world.settle(DUE)
    world.at("2025-07-05T12:00:00+05:00")
    world.take(NEW)
    await world.settle()
    world.take(annulled(NEW, 2))
    await world.settle()
    assert verified(world.platform).unlike == 0
    undone = delete(log_table).where(log_table.c.topic == NudgeUndone.TOPIC)
    world.platform.database.write(lambda connection: connection.execute(undone))
    rebuilt(world.platform, swap=True)
    world.platform.replay.follower.drain()
    assert verified(world.platform).unlike == 1
