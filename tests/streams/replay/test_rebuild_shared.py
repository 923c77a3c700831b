"""A rebuild that several share: the views are the same, whoever does which part, how often, or not at all."""

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future
from contextlib import closing
from pathlib import Path

import pytest
from sqlalchemy import select

from projections import tables
from streams.planning.residences import ResidenceRows
from streams.replay import shadow
from streams.replay.rebuild_parallel import LocalParts, Part, PartKind, parts_left
from tests.streams.rebuilding import lived_on, rebuild
from tests.world import World

PEOPLE, PAGE = 6, 25


@pytest.fixture(params=["sqlite", "postgresql"])
def world(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[World]:
    """A platform that lived a little, on each kind of database; then one view lost its rows."""
    yield from lived_on(request, tmp_path, PEOPLE)


class Colleague:
    """Another process that does one part at a time in its way, at once."""

    def __init__(self, do: Callable[[str, Part], None]) -> None:
        self._do = do
        self.asked: Counter[str] = Counter()

    def submit(self, shadow: str, parts: Sequence[Part]) -> Sequence[Future[None]]:
        """Do the first one."""
        for part in parts[:1]:
            self.asked[part.what] += 1
            self._do(shadow, part)
        return ()

    def close(self) -> None:
        """Nothing is held."""


def doing(world: World, name: str, part: Part) -> None:
    """Do the part by a connection of one's own, as another process does."""
    platform = world.platform
    parts = LocalParts(platform.log, ResidenceRows(platform.rules.library.rules().catalogue, platform.identity.names))
    views = shadow.opened(platform.database, name)
    assert views is not None
    with closing(views):
        parts.do(views, name, part)


def differences(world: World, colleague: Colleague) -> dict[str, int]:
    """The views that differed from those rebuilt with that colleague, and were mended."""
    platform = world.platform
    catalogue = platform.rules.library.rules().catalogue
    found = rebuild(
        platform.database, platform.log, platform.identity.names, catalogue, swap=True, page=PAGE, executor=colleague
    )
    return {name: rows for name, rows in found.differences.items() if rows}


def test_what_others_did_is_in_the_views(world: World) -> None:
    """Parts that others do are in the rebuilt views as if one process had done everything."""
    colleague = Colleague(lambda name, part: doing(world, name, part))
    assert set(differences(world, colleague)) == {"due"}
    assert differences(world, colleague) == {}
    assert set(colleague.asked) == {"nudges", "residents"}


def test_what_was_done_twice_is_there_once(world: World) -> None:
    """A part that two processes do, as after a kill, is in the rebuilt views once."""

    def twice(name: str, part: Part) -> None:
        doing(world, name, part)
        doing(world, name, part)

    assert set(differences(world, Colleague(twice))) == {"due"}
    assert differences(world, Colleague(twice)) == {}


def test_what_others_could_not_do_is_done_here(world: World) -> None:
    """Where others die over their parts the process that asked does all of it."""
    colleague = Colleague(lambda _name, _part: None)
    assert set(differences(world, colleague)) == {"due"}
    assert colleague.asked.total() > 1


def test_a_part_for_a_shadow_that_is_gone_is_in_no_other(world: World) -> None:
    """Who still works for an earlier rebuild adds nothing to the tables of a later one."""
    platform = world.platform
    parts = LocalParts(platform.log, ResidenceRows(platform.rules.library.rules().catalogue, platform.identity.names))
    part = Part(PartKind.NUDGES, 0, 1, world.health().facts)
    with closing(shadow.make(platform.database, "a later one")) as views:
        for name, waiting in (("an earlier one", [part]), ("a later one", [])):
            parts.do(views, name, part)
            with views.reading() as connection:
                assert parts_left(connection, part.what, part.of, part.upto) == waiting
                assert bool(connection.execute(select(tables.nudges)).first()) != bool(waiting)
    shadow.drop(platform.database)
