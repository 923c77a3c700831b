"""Outcomes while the database is away: what a provider took over is not forgotten, and is recorded once."""

from pathlib import Path

import pytest
from msgspec.structs import replace
from sqlalchemy import Connection, select

from app.compose_sending import compose_dispatcher
from domain.facts.facts import NudgeAttempted, NudgePlanned, NudgeSent
from notifiers.port.routes import single_routes
from projections.tables import handed_over
from streams.delivery.admission.rate_limits import RateLimits
from tests.streams.delivery.admission.test_rate_limits import resting
from tests.streams.dispatching import DUE, with_card
from tests.streams.meddling import Away


def _handed_over(connection: Connection) -> object:
    return connection.execute(select(handed_over)).first()


@pytest.mark.parametrize(("times", "committed"), [(3, False), (1, True)])
async def test_an_outcome_waits_for_the_database(tmp_path: Path, times: int, committed: bool) -> None:  # noqa: FBT001  (the case)
    """What was taken over while the database was away is sent, once, whether or not the first commit came through."""
    world = with_card(tmp_path)
    world.at(DUE)
    database = Away(f"sqlite:///{world.file}", times, committed=committed, after_which=_handed_over)
    platform = replace(
        world.platform,
        database=database,
        rules=replace(world.platform.rules, context=replace(world.platform.rules.context, database=database)),
    )
    limits = RateLimits(database, {}, world.clock, resting(world.clock))
    await compose_dispatcher(platform, single_routes(world.notifiers), rates=limits).drain()
    assert [type(fact) for fact in world.facts(world.nudge("month").intent.id)] == [
        NudgePlanned,
        NudgeAttempted,
        NudgeSent,
    ]
    assert len(world.sent) == 1
    database.close()
    world.close()
