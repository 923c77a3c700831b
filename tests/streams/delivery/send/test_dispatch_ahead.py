"""While some are sent, the next are decided on: that is as if another process did it, and no more."""

import asyncio
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import func, select

from domain.nudges.delivery import State
from notifiers.port.fake import FakeNotifier
from notifiers.port.interface import Message
from projections.tables import due
from streams.delivery.send.claiming import LEASE
from tests.streams.dispatching import DUE, Killed, dispatcher, once
from tests.world import LONG_AGO, World, card, iin, registered

CROWD, BATCH = 40, 8


@pytest.fixture
def crowd(tmp_path: Path) -> Iterator[World]:
    """Forty citizens to whom something is due."""
    world = World(tmp_path)
    for number in range(CROWD):
        world.take(*registered(iin(number), LONG_AGO), card(iin(number), "2025-07-20"))
    world.plan()
    world.at(DUE)
    yield world
    world.close()


def claimed(world: World) -> int:
    """How many deliveries are in somebody's hand, and not attempted yet."""
    query = select(func.count()).select_from(due).where(due.c.holder.is_not(None), ~due.c.attempted)
    with world.platform.database.reading() as connection:
        return connection.execute(query).scalar_one()


async def test_the_next_are_decided_on_while_some_are_sent(crowd: World) -> None:
    """A quick provider is not waited for: while it answers, the next batch is claimed; everybody is told once."""
    most = 0

    async def answer(message: Message) -> None:
        nonlocal most
        for _ in range(200 if most < BATCH else 0):
            most = max(most, await asyncio.to_thread(claimed, crowd))
        crowd.sent.append(message)

    crowd.notifiers["sms"] = FakeNotifier("sms", answer)
    await dispatcher(crowd).drain(BATCH)

    assert most >= BATCH
    assert sorted(message.recipient for message in crowd.sent) == sorted(crowd.name(iin(n)) for n in range(CROWD))


async def test_who_stops_lets_go_of_what_was_decided_on_ahead(crowd: World) -> None:
    """A process that is told to stop hands nothing more over, and keeps nothing in its hand."""

    async def answer(message: Message) -> None:
        crowd.sent.append(message)
        if len(crowd.sent) > BATCH:
            stopping.stop()

    crowd.notifiers["sms"] = FakeNotifier("sms", answer)
    stopping = dispatcher(crowd)
    await stopping.drain(BATCH)

    assert BATCH <= len(crowd.sent) < CROWD
    assert claimed(crowd) == 0
    await dispatcher(crowd).drain(BATCH)
    assert sorted(message.recipient for message in crowd.sent) == sorted(crowd.name(iin(n)) for n in range(CROWD))


async def test_what_was_decided_on_ahead_is_not_lost_with_a_failure(crowd: World) -> None:
    """Where sending fails, what was claimed meanwhile goes next, and what failed goes after its lease, once."""
    written = 0

    def die() -> None:
        nonlocal written
        written += 1
        if written == 2 * BATCH:
            raise Killed

    failing = dispatcher(crowd, on_writing=die)
    with pytest.raises(Killed):
        await failing.drain(BATCH)
    assert len(crowd.sent) == BATCH
    await failing.drain(BATCH)
    assert len(crowd.sent) == CROWD - BATCH

    await crowd.settle(DUE + LEASE)
    assert sorted(message.recipient for message in crowd.sent) == sorted(crowd.name(iin(n)) for n in range(CROWD))


async def test_who_stops_waits_for_what_a_failure_left_behind(crowd: World) -> None:
    """Where one group fails, what another has handed over is waited for at the end, and its outcome recorded."""
    answers, written = asyncio.Event(), 0

    def die() -> None:
        nonlocal written
        written += 1
        if written == BATCH + 1:
            raise Killed

    async def answer(message: Message) -> None:
        await answers.wait()
        crowd.sent.append(message)

    crowd.notifiers["sms"] = FakeNotifier("sms", answer)
    failing = dispatcher(crowd, on_writing=die)
    with pytest.raises(Killed):
        await failing.drain_batch(2 * BATCH)
    answers.set()
    await failing.wait_ended()
    assert [one.state for one in crowd.nudges()].count(State.SENT) == len(crowd.sent) == BATCH


async def test_what_becomes_due_meanwhile_is_for_the_next_call(crowd: World) -> None:
    """A role looks no second time after a batch that is not full: a signal wakes it for what comes later."""
    late = iin(CROWD)

    def come_late() -> None:
        crowd.take(*registered(late, LONG_AGO), card(late, "2025-07-20"))
        crowd.plan()

    sending = dispatcher(crowd, on_writing=once(come_late))
    assert await sending.drain(CROWD + 1, patience=1.0) == CROWD
    assert await sending.drain(CROWD + 1, patience=1.0) == 1
    await sending.wait_ended()
    assert len(crowd.sent) == CROWD + 1
