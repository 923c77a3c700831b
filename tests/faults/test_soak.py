"""A short soak: what a process holds does not grow with what it has done; half an hour of it is a benchmark."""

import threading
from datetime import timedelta
from pathlib import Path

from tests.world import LONG_AGO, NOON, World, fine, iin, registered

PEOPLE, ROUNDS = 20, 15
AWEEK = timedelta(days=7)
ITS_OWN = PEOPLE * ROUNDS // 4
"""What pools may grow by before they are full; what is lost with each event is many times as much."""


async def test_a_long_run_holds_no_more_than_a_short_one(tmp_path: Path) -> None:
    """After hundreds of events nothing waits, and there are no more descriptors and threads than pools may have."""
    world = World(tmp_path)
    world.take(*(each for number in range(PEOPLE) for each in registered(iin(number), LONG_AGO)))
    held: list[tuple[int, int]] = []
    for round_ in range(ROUNDS):
        now = NOON + round_ * AWEEK
        world.at(now)
        world.take(*(fine(iin(number), f"F{round_}-{number}", now.isoformat()) for number in range(PEOPLE)))
        await world.settle(now + timedelta(hours=2))
        held.append(_held())
    await world.settle(NOON + ROUNDS * AWEEK)
    stands = world.health()
    assert (stands.unplanned, stands.due_now, stands.open_attempts, stands.dead_letters) == (0, 0, 0, 0)
    assert len(world.sent) >= PEOPLE * ROUNDS
    assert [last - first < ITS_OWN for first, last in zip(held[0], held[-1], strict=True)] == [True, True]
    world.close()


def _held() -> tuple[int, int]:
    return len([*Path("/proc/self/fd").iterdir()]), threading.active_count()
