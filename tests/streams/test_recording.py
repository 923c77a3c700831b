"""Outcomes while the database is away: what a provider took over is not forgotten, and is recorded once."""

from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

import pytest
from msgspec.structs import replace
from sqlalchemy import Connection, select
from sqlalchemy.exc import OperationalError

from app.compose import compose_dispatcher
from domain.facts import NudgeAttempted, NudgePlanned, NudgeSent
from notifiers.routes import single_routes
from projections.tables import handed_over
from streams.database import Database, Priority
from streams.pace import Pace
from tests.streams.dispatching import DUE, with_card
from tests.streams.test_pace import resting

T = TypeVar("T")


class Away(Database):
    """A database that is away when an outcome is committed: so many times before, or after the commit."""

    def __init__(self, url: str, times: int, *, committed: bool) -> None:
        super().__init__(url)
        self.left, self.committed = times, committed

    def write(self, work: Callable[[Connection], T], priority: Priority = Priority.INTAKE) -> T:
        """Write, or be away."""
        outcome = False

        def watched(connection: Connection) -> T:
            nonlocal outcome
            known = connection.execute(select(handed_over)).first()
            result = work(connection)
            now_known = connection.execute(select(handed_over)).first()
            outcome = self.left > 0 and known is None and now_known is not None
            if outcome and not self.committed:
                self.gone()
            return result

        result = super().write(watched, priority)
        if outcome:
            self.gone()
        return result

    def gone(self) -> None:
        """Once more."""
        self.left -= 1
        raise OperationalError("", None, OSError("gone"))


@pytest.mark.parametrize(("times", "committed"), [(3, False), (1, True)])
async def test_an_outcome_waits_for_the_database(tmp_path: Path, times: int, committed: bool) -> None:  # noqa: FBT001  (the case)
    """What was taken over while the database was away is sent, once, whether or not the first commit came through."""
    world = with_card(tmp_path)
    world.at(DUE)
    database = Away(f"sqlite:///{world.file}", times, committed=committed)
    platform = replace(world.platform, database=database, books=replace(world.platform.books, database=database))
    pace = Pace(database, {}, world.clock, resting(world.clock))
    await compose_dispatcher(platform, single_routes(world.notifiers), pace=pace).drain()
    assert [type(fact) for fact in world.facts(world.nudge("month").intent.id)] == [
        NudgePlanned, NudgeAttempted, NudgeSent,
    ]  # fmt: skip
    assert len(world.sent) == 1
    database.close()
    world.close()
