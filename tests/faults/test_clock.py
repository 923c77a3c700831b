"""The clock jumps back and forth, as after a wrong NTP server: nothing is lost, nothing goes twice."""

import asyncio
from datetime import datetime, timedelta
from itertools import cycle
from pathlib import Path

import pytest

from app.clock import VirtualClock
from app.identity.links import BadLink
from domain.nudges.delivery import State
from notifiers.port.fake import FakeNotifier
from notifiers.port.interface import Message, Outcome, Reason, RetryLater, Unknown
from tests.world import LONG_AGO, NOON, World, card, fine, iin, registered

DAY, HOUR = timedelta(days=1), timedelta(hours=1)
PEOPLE = 12


class Jumping(VirtualClock):
    """A clock that moves by each of these whenever somebody looks at it."""

    def __init__(self, start: datetime, jumps: tuple[timedelta, ...]) -> None:
        super().__init__(start)
        self._jumps, self.jumping = cycle(jumps), False

    def __call__(self) -> datetime:
        if self.jumping:
            self._now += next(self._jumps)
        return self._now

    def set(self, moment: datetime) -> None:
        """It is that moment, also where that is earlier."""
        self._now, self.jumping = moment, False


def town(world: World) -> None:
    """Some who were fined half an hour ago, and some whose card expires in a month."""
    for number in range(PEOPLE):
        world.take(
            *registered(iin(number), LONG_AGO),
            card(iin(number), "2025-07-02"),
            fine(iin(number), f"F{number}", "2025-06-02T11:30:00+05:00"),
        )
    world.plan()


def jumping(world: World, *jumps: timedelta) -> Jumping:
    """The world's clock, replaced before anything of it runs."""
    made = Jumping(NOON + HOUR, jumps)
    world.clock.__class__ = Jumping
    world.clock.__dict__.update(made.__dict__)
    assert isinstance(world.clock, Jumping)
    return world.clock


@pytest.mark.parametrize("jumps", [(HOUR, -HOUR), (-DAY, DAY, timedelta())], ids=["an hour", "a day"])
async def test_nobody_is_told_twice_while_the_clock_jumps(world: World, jumps: tuple[timedelta, ...]) -> None:
    """It jumps between claim, attempt and outcome; once it stands right again, everybody was told once."""
    town(world)
    clock = jumping(world, *jumps)
    clock.jumping = True
    async with asyncio.timeout(300):  # who waited for the clock to come back waited for a day
        for _ in range(8):
            await world.engine.dispatcher.drain_batch()
    clock.set(NOON + HOUR)
    await world.settle()
    clock.set(NOON + DAY)
    await world.settle()
    _told_once(world)


def _told_once(world: World) -> None:
    keys = [(message.nudge, message.recipient) for message in world.sent]
    assert len(keys) == len(set(keys))
    ends = [one for one in world.nudges() if one.intent.due <= NOON + HOUR]
    assert len(ends) == 2 * PEOPLE
    assert {one.state for one in ends} <= {State.SENT, State.UNKNOWN}
    assert [one for one in world.nudges() if any(each.state is State.ATTEMPTED for each in one.deliveries)] == []
    assert sum(one.state is State.SENT for one in ends) + sum(one.state is State.UNKNOWN for one in ends) == len(ends)


async def test_a_lease_of_the_future_is_given_back(world: World) -> None:
    """Whoever claimed while the clock was a day ahead has died: the deliveries are taken again when it is right."""
    town(world)
    clock = jumping(world)
    clock.set(NOON + HOUR + DAY)
    dispatcher = world.engine.dispatcher
    assert dispatcher._decider.claim(dispatcher._lane, 100)
    clock.set(NOON + HOUR)
    dispatcher.take_over()
    await world.settle()
    _told_once(world)


def test_a_link_ends_by_its_day_and_not_by_a_jump(world: World) -> None:
    """A clock that was ahead refused it; it works again when the clock is right."""
    links, pseudonym = world.platform.identity.links, world.name(iin(1))
    token = links.person(pseudonym, NOON)
    assert links.read_person(token, NOON) == (pseudonym, NOON)
    with pytest.raises(BadLink):
        links.read_person(token, NOON + 33 * DAY)
    assert links.read_person(token, NOON) == (pseudonym, NOON)


async def test_retries_wait_for_their_time_whatever_jumps(tmp_path: Path) -> None:
    """A provider that is busy, and then silent: what may have gone is not sent again by a clock that jumps."""
    kept: list[Message] = []
    script: list[Outcome] = [RetryLater(None, Reason.BUSY), Unknown(Reason.TIMED_OUT)]
    world = World(tmp_path, notifiers={"sms": FakeNotifier("sms", kept, script=script)})
    world.take(*registered(iin(1), LONG_AGO), fine(iin(1), "F1", "2025-06-02T10:30:00+05:00"))
    clock = jumping(world)
    clock.set(NOON)
    for jump in (NOON, NOON - DAY, NOON + HOUR, NOON, NOON + DAY, NOON):
        clock.set(jump)
        await world.settle()
    assert len(kept) == 1
    assert world.delivery("issued").state in {State.UNKNOWN, State.SENT}
    world.close()
