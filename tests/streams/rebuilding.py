"""Rebuilds views in one go, as a job does step by step; and a platform whose views need it."""

from collections.abc import Collection, Iterator
from contextlib import closing
from pathlib import Path

import msgspec
import pytest
from sqlalchemy import Connection, Table, delete

from app.compose import Platform
from app.jobs.replay_jobs import verify
from domain.core.ids import Names
from domain.rules.event_types import Catalogue
from projections import tables
from streams.log.log import Log
from streams.queues.jobs import Step, Work
from streams.replay.rebuild import PAGE, ViewRebuild
from streams.replay.rebuild_compare import COMPARED, Rebuilt
from streams.replay.rebuild_parallel import PartExecutor
from streams.replay.verify import Verified
from streams.storage.database import Database
from tests.services import postgres
from tests.world import LONG_AGO, World, card, corrected, fine, iin, registered


def unsaved(_connection: Connection, _step: Step) -> None:
    """Nobody keeps the job."""


def rebuild(
    database: Database,
    log: Log,
    names: Names,
    catalogue: Catalogue,
    *,
    swap: bool,
    views: Collection[Table] = tuple(COMPARED),
    page: int = PAGE,
    executor: PartExecutor | None = None,
) -> Rebuilt:
    """Rebuild these views, compare them, and mend the live ones if `swap`."""
    work = ViewRebuild(database, log, names, catalogue, print, views=views, swap=swap, page=page, executor=executor)
    return msgspec.json.decode(ended(work), type=Rebuilt)


def ended(work: Work) -> str:
    """Do all of the work; its words."""
    step = work.step("", unsaved)
    while not step.finished:
        step = work.step(step.cursor, unsaved)
    return step.words


def verified(platform: Platform) -> Verified:
    """Verify all of the platform."""
    return msgspec.json.decode(ended(verify(platform, {})), type=Verified)


def rebuilt(platform: Platform, *, swap: bool = False, page: int = PAGE) -> Rebuilt:
    """Rebuild all views of the platform."""
    catalogue = platform.rules.library.rules().catalogue
    return rebuild(platform.database, platform.log, platform.identity.names, catalogue, swap=swap, page=page)


def lived_on(request: pytest.FixtureRequest, folder: Path, people: int) -> Iterator[World]:
    """As `lived`, on the kind of database that the fixture's parameter names."""
    if request.param == "sqlite":
        yield from lived(folder, "", people)
        return
    with postgres.fresh(request.getfixturevalue("server")) as at:
        yield from lived(folder, at.render_as_string(hide_password=False), people)


def lived(folder: Path, url: str, people: int) -> Iterator[World]:
    """A platform that lived a little with so many people; then one view lost its rows."""
    with closing(World(folder, url=url)) as made:
        for number in range(1, people + 1):
            person, cards = iin(number), card(iin(number), "2026-12-20", number=f"N{number}")
            made.take(*registered(person, LONG_AGO), cards, fine(person, f"F{number}", "2025-02-01T00:00:00Z"))
            made.take(corrected(cards, 2, expires_on="2026-11-20"))
        made.plan()
        made.platform.replay.follower.drain()
        made.platform.database.write(lambda connection: connection.execute(delete(tables.due)))
        yield made
