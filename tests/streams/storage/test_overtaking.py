"""Receipts that overtake the outcome of their message: whichever is committed first, both count."""

import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TypeVar

import pytest
from msgspec.structs import replace
from sqlalchemy import Connection, select

from app.compose import compose
from app.compose_sending import compose_dispatcher
from app.identity.log_codes import codes_by
from domain.facts.receipts import ReceiptStatus
from notifiers.port.fake import FakeNotifier
from notifiers.port.interface import Message, Report
from notifiers.port.routes import single_routes
from projections.tables import handed_over
from streams.storage.database import Database, Priority
from tests.beginnings import KEYRING
from tests.world import LONG_AGO, World, card, iin, registered

AIGERIM = iin(1)
DUE = "2025-06-20T09:00+05:00"
TOGETHER = 0.3
"""Seconds that the outcome waits before its commit for the receipt to get as far as it can."""
T = TypeVar("T")


class Overtaken(Database):
    """A database whose outcome of a sending is about to be committed when something comes in."""

    def __init__(self, url: str, meanwhile: Callable[[], object]) -> None:
        super().__init__(url)
        self.use_codes(codes_by(KEYRING))
        self.thread = threading.Thread(target=meanwhile)

    def write(self, work: Callable[[Connection], T], priority: Priority = Priority.INTAKE) -> T:
        """Write; before the first commit that knows what a provider calls a message, something comes in."""

        def paused(connection: Connection) -> T:
            result = work(connection)
            if self.thread.ident is None and connection.execute(select(handed_over)).first() is not None:
                self.thread.start()
                self.thread.join(TOGETHER)
            return result

        return super().write(paused, priority)


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

    database = Overtaken(url, report)
    platform = replace(
        world.platform,
        database=database,
        rules=replace(world.platform.rules, context=replace(world.platform.rules.context, database=database)),
    )
    routes = single_routes(world.notifiers | {"sms": FakeNotifier("sms", sent, reports=True)})
    await compose_dispatcher(platform, routes).drain()
    database.thread.join()
    assert world.delivery("month").state == "delivered"
    assert len(sent) == 1
    for each in (database, other.database):
        each.close()
