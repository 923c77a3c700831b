"""Samples of the backlogs: whether what waits grows, and until when it lasts; kept in the database."""

from datetime import timedelta

from sqlalchemy import func, select

from streams.queries.health import KEPT, SAMPLE_EVERY, SPAN, Backlog, BacklogSamples
from streams.storage.tables import soundings
from tests.world import LONG_AGO, NOON, World, card, fine, iin, registered

FINES = [fine(iin(1), f"KZ-{at}", "2025-06-02T11:00:00+05:00") for at in range(3)]


def test_a_sample_says_what_waits(world: World) -> None:
    """It is taken at most every so often, and survives whoever took it."""
    world.take(*registered(iin(1), LONG_AGO), card(iin(1), "2025-07-20"))
    own = world.platform.queries.backlog
    assert own.latest() is None
    assert [own.take(), own.take()] == [True, False]
    world.at(NOON + SAMPLE_EVERY)
    assert own.take()
    again = BacklogSamples(world.platform.database, world.clock)
    assert again.latest() == NOON + SAMPLE_EVERY
    with world.platform.database.reading() as connection:
        query = select(soundings.c.count).where(soundings.c.name == Backlog.PLANNING)
        assert connection.execute(query).scalars().all() == [4, 4]


def test_a_trend_says_when_it_is_done(world: World) -> None:
    """What was 4 five minutes ago and is 1 now is done in 100 seconds; what was less grows, and is never done."""
    world.take(*registered(iin(1), LONG_AGO), FINES[0])
    world.platform.queries.backlog.take()
    world.at(NOON + timedelta(minutes=5))
    shrinking = world.platform.queries.backlog.trends({Backlog.PLANNING: 1, Backlog.DISPATCH: 0})
    assert set(shrinking) == {Backlog.PLANNING}
    assert shrinking[Backlog.PLANNING].a_minute == -0.6
    assert shrinking[Backlog.PLANNING].empty_in == timedelta(seconds=100)
    growing = world.platform.queries.backlog.trends({Backlog.PLANNING: 14})[Backlog.PLANNING]
    assert (growing.a_minute, growing.empty_in) == (2.0, None)


def test_what_shrank_and_stands_now_is_not_said_to_shrink(world: World) -> None:
    """A backlog that was worked off and comes back while nobody works has no end; the last minute counts."""
    world.take(*registered(iin(1), LONG_AGO), FINES[0])
    own = world.platform.queries.backlog
    own.take()
    world.plan()
    world.at(NOON + timedelta(minutes=5))
    own.take()
    world.at(NOON + timedelta(minutes=7))
    trend = own.trends({Backlog.PLANNING: 2})[Backlog.PLANNING]
    assert (trend.a_minute, trend.empty_in) == (1.0, None)


def test_what_is_too_fresh_or_too_old_tells_no_trend(world: World) -> None:
    """Neither a sample of some seconds ago nor one of an hour ago is compared; old ones go."""
    own = world.platform.queries.backlog
    own.take()
    assert own.trends({Backlog.PLANNING: 3}) == {}
    world.at(NOON + SPAN + timedelta(seconds=1))
    assert own.trends({Backlog.PLANNING: 3}) == {}
    world.at(NOON + KEPT + timedelta(seconds=1))
    own.take()
    with world.platform.database.reading() as connection:
        assert connection.execute(select(func.count(soundings.c.at.distinct()))).scalar_one() == 1
