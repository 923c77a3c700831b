"""Whatever comes and whenever: nobody gets more than their cap, and nothing is lost."""

import tempfile
from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
import uvloop
from hypothesis import given, settings
from hypothesis import strategies as st

from domain.rules.triggers import CLASSES
from notifiers.port.interface import Accepted, GiveUp, Outcome, Reason, RetryLater, Unknown
from tests.examples import examples
from tests.streams.calls import NOON, call, calls_world, prefers
from tests.world import World

CAP, WINDOW, HOUR = 3, timedelta(days=7), timedelta(hours=1)
ALMATY = ZoneInfo("Asia/Almaty")
CAPPED = {"reminder_call", "offer_call"}
TROUBLE: list[Outcome] = [RetryLater(None, Reason.BUSY), GiveUp(Reason.REJECTED), Unknown(Reason.TIMED_OUT)]
tried = settings(deadline=None, max_examples=examples(15), derandomize=True, database=None)


@pytest.fixture(scope="module")
def ready() -> Iterator[Path]:
    """A database on which Aida can be reached."""
    with tempfile.TemporaryDirectory() as folder:
        world = calls_world(Path(folder), "P6D")
        world.close()
        yield world.file


async def live(world: World, calls: Sequence[tuple[int, str]]) -> None:
    """The calls come, each so many hours after the last; then everything that is due has its turn."""
    now = NOON
    for number, (hours, klass) in enumerate(calls):
        now += hours * HOUR
        await _until(world, now)
        world.take(call(number, klass, time=now))
        await world.settle(now)
    await _until(world, now + timedelta(days=40))


async def _until(world: World, end: datetime) -> None:
    while (due := world.health().next_due) is not None and due <= end:
        await world.settle(max(due, world.clock()))
    await world.settle(end)


@tried
@given(
    st.lists(st.tuples(st.sampled_from([0, 0, 0, 1, 5, 12, 30, 72]), st.sampled_from(CLASSES)), max_size=22),
    st.lists(st.sampled_from([None, None, None, *TROUBLE]), max_size=12),
    st.booleans(),
)
def test_the_cap_holds_and_nothing_is_lost(
    ready: Path,
    calls: list[tuple[int, str]],
    trouble: list[Outcome | None],
    quiet: bool,  # noqa: FBT001
) -> None:
    """In any window there are at most so many messages, a digest a day, and every nudge ends with a state."""
    with tempfile.TemporaryDirectory() as folder:
        world = World(
            Path(folder),
            now=NOON,
            copy_of=ready,
            script={"push": [each or Accepted("reference") for each in trouble]},
        )
        if not quiet:
            world.take(prefers(quiet_from="00:00", quiet_to="00:00"))
        uvloop.run(live(world, calls))
        _check(world, len(calls))
        world.close()


def _check(world: World, many: int) -> None:
    nudges = {each.intent.id: each for each in world.nudges()}
    deliveries = [(each.intent.trigger, each.deliveries[0]) for each in nudges.values()]
    assert all(one.due is None for _, one in deliveries), "everything has ended"
    assert sum(trigger != "digest" for trigger, _ in deliveries) == many

    went = [(trigger, one.attempted_at) for trigger, one in deliveries if one.maybe_sent and one.digest is None]
    capped = [at for trigger, at in went if trigger in CAPPED and at is not None]
    assert all(sum(end - WINDOW < at <= end for at in capped) <= CAP for end in capped)
    days = [at.astimezone(ALMATY).date() for trigger, at in went if trigger == "digest" and at is not None]
    assert len(days) == len(set(days)), "one digest a day"
    assert all(
        nudges[one.digest].state == each.state
        for each in nudges.values()
        for one in each.deliveries
        if one.digest is not None
    ), "what goes with a digest ends as it ends"
