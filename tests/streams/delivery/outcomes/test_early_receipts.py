"""Early receipts: whichever is committed first, the outcome of a message or a report about it, both count."""

import asyncio
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TypeVar

import pytest
from msgspec.structs import replace
from sqlalchemy import Connection, Table, select

from app.compose import Platform, compose
from app.compose_sending import compose_dispatcher
from app.identity.log_codes import codes_by
from domain.facts.receipts import ReceiptStatus
from notifiers.port.fake import FakeNotifier
from notifiers.port.interface import Message, Report
from notifiers.port.routes import single_routes
from projections.tables import handed_over, micros
from streams.delivery.outcomes.receipts import Receipts
from streams.storage.database import Database, Priority
from streams.storage.tables import early_receipts
from tests.beginnings import KEYRING
from tests.world import LONG_AGO, World, card, iin, registered

AIGERIM = iin(1)
DUE = "2025-06-20T09:00+05:00"
TOGETHER = 0.3
"""Seconds that the outcome waits before its commit for the receipt to get as far as it can."""
T = TypeVar("T")


class Overtaken(Database):
    """A database on which something comes in before the first commit that stores a row of `table`."""

    def __init__(self, url: str, table: Table, meanwhile: Callable[[], object]) -> None:
        super().__init__(url)
        self.use_codes(codes_by(KEYRING))
        self._table, self._meanwhile = table, meanwhile
        self._overtaken = False

    def write(self, work: Callable[[Connection], T], priority: Priority = Priority.INTAKE) -> T:
        """Write; something comes in before the commit."""

        def paused(connection: Connection) -> T:
            result = work(connection)
            if not self._overtaken and connection.execute(select(self._table)).first() is not None:
                self._overtaken = True
                self._meanwhile()
            return result

        return super().write(paused, priority)


def on(platform: Platform, database: Database) -> Platform:
    """The same platform on another connection to its database."""
    context = replace(platform.rules.context, database=database)
    return replace(platform, database=database, rules=replace(platform.rules, context=context))


@pytest.fixture
def world(tmp_path: Path, url: str) -> Iterator[World]:
    """Aigerim's card is announced on 20 June, on each database."""
    made = World(tmp_path, url=url)
    made.take(*registered(AIGERIM, LONG_AGO), card(AIGERIM, "2025-07-20"))
    made.plan()
    yield made
    made.close()


async def test_a_receipt_that_comes_while_the_outcome_is_committed_counts(world: World, url: str) -> None:
    """Neither sees the other, and yet the message is delivered, and goes by no further channel."""
    sent: list[Message] = []
    world.at(DUE)
    other = compose(world.platform.settings, world.clock, KEYRING)

    def report() -> None:
        other.delivery.inbound.receiving.reported("sms", [Report(f"fake:{sent[0].key}", ReceiptStatus.DELIVERED)])

    reporting = threading.Thread(target=report)

    def meanwhile() -> None:
        reporting.start()
        reporting.join(TOGETHER)

    database = Overtaken(url, handed_over, meanwhile)
    routes = single_routes(world.notifiers | {"sms": FakeNotifier("sms", sent, reports=True)})
    await compose_dispatcher(on(world.platform, database), routes).drain()
    reporting.join()
    assert world.delivery("month").state == "delivered"
    assert len(sent) == 1
    for each in (database, other.database):
        each.close()


async def test_an_outcome_that_comes_while_a_receipt_is_kept_counts(world: World, url: str) -> None:
    """A report that is stored just before its outcome is committed is matched by it."""
    world.at(DUE)
    stored, going = threading.Event(), threading.Event()
    sent: list[Message] = []

    def meanwhile() -> None:
        stored.set()
        going.wait(TOGETHER)

    database = Overtaken(url, early_receipts, meanwhile)
    receipts = Receipts(database, world.platform.log, world.clock)

    async def keep(message: Message) -> None:
        sent.append(message)
        reporting.start()
        await asyncio.to_thread(stored.wait)

    def report() -> None:
        receipts.record_reports("sms", [Report(f"fake:{sent[0].key}", ReceiptStatus.DELIVERED)])

    reporting = threading.Thread(target=report)
    routes = single_routes(world.notifiers | {"sms": FakeNotifier("sms", keep, reports=True)})
    await compose_dispatcher(world.platform, routes).drain()
    reporting.join()
    assert world.delivery("month").state == "delivered"
    assert len(sent) == 1
    database.close()


async def test_a_receipt_that_somebody_wrote_into_the_database_counts_for_nothing(world: World) -> None:
    """Whoever can write to the database and has no key cannot have a message count as delivered."""
    world.at(DUE)
    sent: list[Message] = []

    async def forge(message: Message) -> None:
        sent.append(message)
        row = {
            "provider": "sms",
            "reference": f"fake:{message.key}",
            "heard": "delivered",
            "at": micros(world.clock()),
        }
        world.platform.database.write(lambda connection: connection.execute(early_receipts.insert().values(row)))

    routes = single_routes(world.notifiers | {"sms": FakeNotifier("sms", forge, reports=True)})
    await compose_dispatcher(world.platform, routes).drain()
    assert (world.delivery("month").state, len(sent)) == ("sent", 1)
