"""A provider that is slow, or hangs, holds up its own messages and no others."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from sqlalchemy import func, select

from domain.nudges.delivery import State
from notifiers.port.fake import FakeNotifier
from notifiers.port.interface import Message
from projections import nudges
from projections.tables import due
from streams.delivery.admission.concurrency import IN_FLIGHT
from streams.delivery.send.dispatch import Dispatcher
from tests.streams.dispatching import DUE, Killed, dispatcher
from tests.world import LONG_AGO, World, card, event, iin, registered

CALLED, WRITTEN_TO, BATCH = 150, 10, 16
SOON = 0.01
"""Seconds after which a message without a place is put back; where that is too soon, it comes again."""


class Land:
    """Many citizens with a telephone, whose provider hangs until `answers` is set, and after them ten with mail."""

    def __init__(self, folder: Path) -> None:
        self.answers = asyncio.Event()
        self.called: list[Message] = []
        self.written: list[Message] = []
        sms, email = FakeNotifier("sms", self._hang, limit=1e9), FakeNotifier("email", self.written)
        self.world = World(folder, notifiers={"sms": sms, "email": email})
        for number in range(CALLED):
            self.world.take(*registered(iin(number), LONG_AGO), card(iin(number), "2025-07-20"))
        for number in range(CALLED, CALLED + WRITTEN_TO):
            who = iin(number)
            birth, _, language = registered(who, LONG_AGO)
            mail = {"email": "a@example.org"}
            contact = event("citizen.contact_changed", who, "2020-01-02T00:00:00+05:00", mail, id=f"mail-{number}")
            self.world.take(birth, contact, language, card(who, "2025-07-20"))
        self.world.plan()
        self.world.at(DUE)

    async def _hang(self, message: Message) -> None:
        await self.answers.wait()
        self.called.append(message)

    def ask(self, what: str) -> int:
        """How many attempts are open, or how many deliveries are claimed and not attempted."""
        with self.world.platform.database.reading() as connection:
            if what == "open":
                return nudges.open_attempts(connection)
            query = select(func.count()).select_from(due).where(due.c.holder.is_not(None), ~due.c.attempted)
            return connection.execute(query).scalar_one()

    async def until_written(self, sending: Dispatcher) -> None:
        """Dispatch, as the daemon does time and again, until all that goes by mail has gone."""
        while len(self.written) < WRITTEN_TO:
            await sending.drain(BATCH, SOON)

    @property
    def told(self) -> list[str]:
        """Who has been told, by either."""
        return sorted(message.recipient for message in [*self.called, *self.written])

    @property
    def everybody(self) -> list[str]:
        """Who is to be told, once."""
        return sorted(self.world.name(iin(number)) for number in range(CALLED + WRITTEN_TO))


@pytest.fixture
async def land(tmp_path: Path) -> AsyncIterator[Land]:
    """The citizens, all due at once, those with a telephone first."""
    made = Land(tmp_path)
    yield made
    made.answers.set()
    made.world.close()


async def test_a_provider_that_hangs_holds_up_only_its_own(land: Land) -> None:
    """Those with mail are told although no call is answered, of which only so many are open; all are told once."""
    sending = dispatcher(land.world)
    await land.until_written(sending)
    assert (land.called, 0 < land.ask("open") <= IN_FLIGHT) == ([], True)

    land.answers.set()
    while len(land.told) < CALLED + WRITTEN_TO:
        await sending.drain(BATCH, SOON)
        await sending.wait_ended()
    assert land.told == land.everybody
    assert {one.state for one in land.world.nudges() if one.intent.step == "month"} == {State.SENT}


async def test_a_provider_that_answers_late_has_many_messages_at_a_time(land: Land) -> None:
    """How far away it is bounds the messages a second only by how many may be under way, not by small groups."""
    sending = dispatcher(land.world)
    for _ in range(2 * CALLED // BATCH):
        await sending.drain(BATCH, SOON)
    assert IN_FLIGHT // 2 < land.ask("open") <= IN_FLIGHT
    sending.stop()
    land.answers.set()
    await sending.wait_ended()


async def test_who_stops_while_a_provider_hangs_keeps_nothing(land: Land) -> None:
    """What the provider has is waited for; what it had no room for is in nobody's hand, and goes by another."""
    sending = dispatcher(land.world)
    await land.until_written(sending)
    sending.stop()
    land.answers.set()
    await sending.wait_ended()
    assert (land.ask("open"), land.ask("claimed")) == (0, 0)
    assert 0 < len(land.called) <= IN_FLIGHT

    await dispatcher(land.world, holder="third").drain()
    assert land.told == land.everybody


async def test_a_failure_that_nobody_waited_for_is_told(land: Land) -> None:
    """What fails after the drain that began it has gone on is not lost: that drain fails with it, or the next."""

    def die() -> None:
        raise Killed

    sending = dispatcher(land.world, on_writing=die)

    async def twice() -> None:
        await sending.drain(BATCH, SOON)
        await sending.wait_ended()
        await sending.drain(BATCH, SOON)

    with pytest.raises(Killed):
        await twice()
