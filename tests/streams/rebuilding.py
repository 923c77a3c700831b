"""Rebuilds views in one go, as a job does step by step."""

from collections.abc import Collection

import msgspec
from sqlalchemy import Connection, Table

from app.compose import Platform
from app.replaying import verify
from domain.event_types import Catalogue
from domain.ids import Names
from streams.database import Database
from streams.jobs import Step, Work
from streams.log import Log
from streams.rebuild import PAGE, Rebuilding, Rebuilt
from streams.rebuild_compare import COMPARED
from streams.rebuild_parts import Crew
from streams.verifying import Verified


def unsaved(_connection: Connection, _step: Step) -> None:
    """Nobody keeps the job."""


def rebuild(
    database: Database, log: Log, names: Names, catalogue: Catalogue, *, swap: bool,
    views: Collection[Table] = tuple(COMPARED), page: int = PAGE, crew: Crew | None = None,
) -> Rebuilt:  # fmt: skip
    """Rebuild these views, compare them, and mend the live ones if `swap`."""
    work = Rebuilding(database, log, names, catalogue, print, views=views, swap=swap, page=page, crew=crew)
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
    catalogue = platform.library.rules().catalogue
    return rebuild(platform.database, platform.log, platform.names, catalogue, swap=swap, page=page)
