"""Longer SMS from a real SMS centre that spreads their parts over two binds."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from notifiers.port.kinds import Tools
from notifiers.sms.smpp.notifier import SmppNotifier
from tests.notifiers.sms_helpers import options
from tests.notifiers.smsc import RealCentre, real_centre
from tests.streams.outage import away
from tests.streams.piecing import PHONE, asked, beside, kept, texts
from tests.world import World

OK, TRY_AGAIN = 0, 0x64
TEXT = ("Иә, келісемін: ", "курсқа жазыңыз, ", "дүйсенбіден бастап бос боламын 🎓")


@pytest.fixture
async def world(tmp_path: Path, url: str) -> AsyncIterator[World]:
    """Aigerim was asked something by SMS; on each database."""
    made = await asked(tmp_path, url)
    yield made
    made.close()


def bound(world: World, centre: RealCentre) -> SmppNotifier:
    """The dispatcher's link of that process."""
    inbound = world.platform.delivery.inbound.receiving.inbound_of("operator")
    return SmppNotifier(options(centre.port, region="KZ"), Tools(world.clock, inbound))


def deliver(centre: RealCentre, number: int, bind: int) -> None:
    """A part goes by that bind, the oldest of which is 0."""
    centre.control(
        deliver={
            "source_addr": PHONE[1:],
            "source_addr_ton": 1,
            "destination_addr": "1414",
            "esm_class": 0x40,
            "udh": bytes((5, 0, 3, 9, len(TEXT), number)).hex(),
            "short_message": TEXT[number - 1],
            "data_coding": 8,
            "bind": bind,
        }
    )


async def test_parts_that_a_centre_spreads_over_two_binds_are_one_message(world: World, tmp_path: Path) -> None:
    """Each is acknowledged when it is committed, and one that comes again by the other bind is known."""
    other = beside(world, tmp_path)
    async with real_centre() as centre:
        first, second = bound(world, centre), bound(other, centre)
        await first.start()
        await centre.told("bind")
        await second.start()
        await centre.told("bind", 2)
        for answered, (number, bind) in enumerate(((3, 0), (1, 1), (1, 0), (2, 1), (2, 0), (3, 1)), 1):
            assert len(texts(world)) == (answered > 4)
            deliver(centre, number, bind)
            await centre.told("answered", answered)
        await first.aclose()
        await second.aclose()
    assert set(centre.of("answered")) == {OK}
    assert texts(world) == ["".join(TEXT)]
    other.close()


async def test_a_part_that_could_not_be_committed_is_not_acknowledged(world: World) -> None:
    """While the database is away the centre is told to come again, and then nothing is missing."""
    async with real_centre() as centre:
        notifier = bound(world, centre)
        await notifier.start()
        await centre.told("bind")
        deliver(centre, 1, 0)
        await centre.told("answered")
        with away(world.platform.database):
            deliver(centre, 2, 0)
            await centre.told("answered", 2)
        for number in (2, 3):
            deliver(centre, number, 0)
            await centre.told("answered", number + 1)
        await notifier.aclose()
    assert centre.of("answered") == [OK, TRY_AGAIN, OK, OK]
    assert texts(world) == ["".join(TEXT)]


async def test_a_process_that_is_gone_between_two_parts_loses_none(world: World, tmp_path: Path) -> None:
    """What was acknowledged to the centre is with whoever binds next."""
    async with real_centre() as centre:
        gone = bound(world, centre)
        await gone.start()
        await centre.told("bind")
        for number in (1, 2):
            deliver(centre, number, 0)
            await centre.told("answered", number)
        await gone.aclose()
        after = beside(world, tmp_path)
        assert len(kept(after)) == 2
        notifier = bound(after, centre)
        await notifier.start()
        await centre.told("bind", 2)
        deliver(centre, 3, 0)
        await centre.told("answered", 3)
        await notifier.aclose()
    assert texts(after) == ["".join(TEXT)]
    after.close()
