"""What providers did lately, from the log alone."""

from datetime import timedelta
from pathlib import Path

from notifiers.port import Accepted, Reason, RetryLater
from streams.lately import lately
from tests.world import NOON, World, card, fine, iin, registered

AWAY = RetryLater(timedelta(minutes=1), Reason.UNREACHABLE)


async def test_outcomes_are_counted_by_provider(tmp_path: Path) -> None:
    """Each provider has its attempts, what became of them and why; as many in a row as close a door are trouble."""
    world = World(tmp_path, script={"sms": [AWAY] * 3 + [Accepted("x")]})
    world.take(*registered(iin(1)), fine(iin(1), "KZ-1", "2025-06-02T11:00:00+05:00"))
    for minutes in (0, 1, 2):
        await world.settle(NOON + timedelta(minutes=minutes))
    found = lately(world.platform.log, world.clock())
    assert found.whole
    [record] = found.providers.values()
    assert (record.channel, record.attempted, record.failed, record.sent) == ("sms", 3, 3, 0)
    assert (record.in_row, record.since, record.in_trouble) == (3, NOON, True)
    assert record.reasons == {"unreachable": 3}
    await world.settle(NOON + timedelta(minutes=3))
    [record] = lately(world.platform.log, world.clock()).providers.values()
    assert (record.sent, record.in_trouble) == (1, False)
    world.close()


async def test_an_hour_later_it_is_forgotten(world: World) -> None:
    """What happened more than an hour ago is not lately."""
    world.take(*registered(iin(1)), card(iin(1), "2025-07-20"))
    await world.settle("2025-06-20T09:00:00+05:00")
    assert lately(world.platform.log, world.clock()).providers
    world.at(world.clock() + timedelta(hours=1, seconds=1))
    assert not lately(world.platform.log, world.clock()).providers
