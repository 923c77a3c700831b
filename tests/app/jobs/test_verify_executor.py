"""Other processes that look at ranges of a verification."""

import multiprocessing
from collections.abc import Iterable, Iterator, Sequence
from contextlib import closing
from pathlib import Path

import msgspec
import pytest

from app.executors.executor import JobWorkers
from app.jobs.replay_jobs import VIEWS, verify
from app.jobs.verify_executor import VerifyExecutor
from streams.replay.rebuild import ViewRebuild
from streams.replay.verify import InThisProcess, Range, RangeExecutor, RangeFound, Ranges, Verification, Verified
from tests.app.other_processes import with_key_file
from tests.streams.rebuilding import ended
from tests.world import LONG_AGO, World, card, iin, registered

PERSONS = 9


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    """A platform with a few people, of whom one waits for a plan."""
    with closing(World(tmp_path)) as made:
        for number in range(1, PERSONS):
            made.take(*registered(iin(number), LONG_AGO), card(iin(number), "2026-12-20", number=f"N{number}"))
        made.plan()
        made.take(*registered(iin(PERSONS), LONG_AGO))
        made.platform.replay.follower.drain()
        yield made


class Watched:
    """An executor of ranges that counts the steps; `before`: done before each."""

    def __init__(self, executor: RangeExecutor, at_once: int) -> None:
        self._executor, self.at_once = executor, at_once
        self.asked = list[Range]()

    def found(self, ranges: Sequence[Range]) -> Iterable[RangeFound]:
        """What the ranges hold, in another order."""
        self.asked += ranges
        return reversed(list(self._executor.found(ranges)))

    def close(self) -> None:
        """End the other process."""
        self._executor.close()


def verified(world: World, executor: RangeExecutor, page: int) -> str:
    """The words of a verification with ranges of about so many facts."""
    on = world.platform
    catalogue = on.rules.library.rules().catalogue
    rebuilding = ViewRebuild(
        on.database, on.log, on.identity.names, catalogue, print, views=list(VIEWS.values()), swap=False
    )
    work = Verification(rebuilding, on.log, executor, page)
    try:
        return ended(work)
    finally:
        work.rest()


def test_many_ranges_by_two_processes_give_the_words_of_one(world: World) -> None:
    """A verification says the same, byte for byte, however many ranges it has and whoever looks at them."""
    whole = ended(verify(world.platform, {}))
    platform = with_key_file(world)
    before = set(multiprocessing.active_children())
    shared = Watched(VerifyExecutor(platform, JobWorkers(platform, 1)), 5)
    assert verified(world, shared, 4) == whole
    assert len(shared.asked) > 3 * PERSONS
    alone = Watched(InThisProcess(Ranges(world.platform.log, world.platform.rules.library)), 1)
    assert verified(world, alone, 10) == whole
    assert set(multiprocessing.active_children()) <= before
    found = msgspec.json.decode(whole, type=Verified)
    assert (found.unlike, found.waiting) == (0, 1)
    assert found.intents > PERSONS


class Killing(VerifyExecutor):
    """It kills the other processes once they have begun."""

    def found(self, ranges: Sequence[Range]) -> Iterable[RangeFound]:
        """What the ranges hold, although nobody else lives to look at them."""
        for number, each in enumerate(super().found(ranges)):
            for process in multiprocessing.active_children() if not number else ():
                process.kill()
            yield each


def test_a_killed_process_costs_its_range(world: World) -> None:
    """What a killed process leaves is looked at by the one that asked, and counted once."""
    platform = with_key_file(world)
    executor = Killing(platform, JobWorkers(platform, 1))
    assert verified(world, executor, 4) == ended(verify(world.platform, {}))
