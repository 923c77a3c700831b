"""What providers say while the database is away: it is refused as the port promises, and kept once it is back."""

import asyncio
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from domain.facts.facts import NudgeSent
from domain.facts.receipts import ReceiptStatus
from notifiers.port.interface import Accepted, Inbound, Incoming, Reason, Report, Unknown
from notifiers.sms.smpp.late_answers import LateAnswers
from tests.streams.dispatching import AIGERIM, DANA, DUE
from tests.streams.outage import away, read_only
from tests.streams.piecing import piece
from tests.world import LONG_AGO, World, card, registered

only_postgres = pytest.mark.parametrize("url", ["postgresql"], indirect=True)


@pytest.fixture
def world(tmp_path: Path, url: str) -> Iterator[World]:
    """The SMS to Aigerim and to Dana are to be given up, on each database."""
    made = World(tmp_path, url=url, script={"sms": [Unknown(Reason.TIMED_OUT)] * 2})
    for number, person in enumerate((AIGERIM, DANA)):
        made.take(*registered(person, LONG_AGO), card(person, "2025-07-20", f"N{number}"))
    made.plan()
    yield made
    made.close()


async def test_a_platform_whose_database_is_away_says_so_as_the_port_does(world: World) -> None:
    """Notifiers, which know no database, are told by an OSError that nothing was kept."""
    inbound, named = (
        world.platform.delivery.inbound.receiving.inbound_of("sms"),
        Report("unheard of", ReceiptStatus.DELIVERED),
    )
    with away(world.platform.database):
        with pytest.raises(OSError, match=r"locked|accepting"):
            await inbound.reported([named])
        with pytest.raises(OSError, match=r"locked|accepting"):
            await inbound.accepted(named.reference, Accepted("reference"), reports=True)
        with pytest.raises(OSError, match=r"locked|accepting"):
            await inbound.received(Incoming("1", "+77019999999", "?"))
        with pytest.raises(OSError, match=r"locked|accepting"):
            await inbound.received_piece(piece(1, "?"))
    await inbound.reported([named])


@only_postgres
async def test_a_platform_whose_database_takes_no_writes_says_so_as_the_port_does(world: World) -> None:
    """A server that is a standby at the moment is away, too."""
    inbound, named = (
        world.platform.delivery.inbound.receiving.inbound_of("sms"),
        Report("unheard of", ReceiptStatus.DELIVERED),
    )
    with read_only(world.platform.database):
        with pytest.raises(OSError, match="read-only"):
            await inbound.reported([named])
        with pytest.raises(OSError, match="read-only"):
            await inbound.received(Incoming("1", "+77019999999", "?"))
    await inbound.reported([named])


async def test_late_answers_outlast_the_databases_absence(world: World) -> None:
    """What the centre answers while the database is away is told again until it is kept, all of it, unasked."""
    messages = await world.settle(DUE)
    inbound = Watched(world.platform.delivery.inbound.receiving.inbound_of("sms"))
    late = LateAnswers(inbound, 0.001, reports=True)
    with away(world.platform.database):
        for number, message in enumerate(messages):
            late.take(message, Accepted(f"ref-{number}"))
        await until(lambda: inbound.refused > 1)
    await until(lambda: inbound.kept == 2)
    await late.aclose()
    sent = [fact for each in messages for fact in world.facts(each.nudge) if isinstance(fact, NudgeSent)]
    assert [each.reference for each in sent] == ["ref-0", "ref-1"]


class Watched:
    """What takes in what comes back, and how often it kept a late answer or refused to."""

    def __init__(self, inbound: Inbound) -> None:
        self._inbound = inbound
        self.kept = self.refused = 0
        self.reported, self.received, self.received_piece = inbound.reported, inbound.received, inbound.received_piece

    async def accepted(self, name: str, taken: Accepted, *, reports: bool) -> None:
        self.refused += 1
        await self._inbound.accepted(name, taken, reports=reports)
        self.refused, self.kept = self.refused - 1, self.kept + 1


async def until(come_true: Callable[[], bool]) -> None:
    """Until it has come true elsewhere."""
    async with asyncio.timeout(30):
        while not come_true():  # noqa: ASYNC110  nobody tells
            await asyncio.sleep(0.01)
