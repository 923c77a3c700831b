"""The jobs of a process that sends: it is woken by what others plan."""

import asyncio
from datetime import timedelta, tzinfo
from pathlib import Path

import pytest
from msgspec import structs
from sqlalchemy import URL, text

from app.compose_sending import compose_engine
from notifiers.port.fake import FakeNotifier
from notifiers.port.interface import Message
from notifiers.port.routes import single_routes
from streams.kafka.brokers import Brokers
from streams.runtime.schedule import Schedule
from streams.runtime.scheduler import DISPATCH
from tests.services import postgres
from tests.streams.distributed import Country
from tests.streams.storing import PATIENCE
from tests.world import LONG_AGO, NOON, World, fine, iin, registered

SELDOM, HOURS = timedelta(days=1), timedelta(hours=2)


async def test_what_another_process_plans_is_sent_at_once(server: URL, tmp_path: Path) -> None:
    """A dispatcher that looks once a day sends what is planned as due now, also after it lost its session."""
    with postgres.fresh(server) as at:
        land = Country(at, Brokers("127.0.0.1:1"), tmp_path)  # no Kafka is needed
        sent: asyncio.Queue[Message] = asyncio.Queue()
        engine = compose_engine(land.platform, single_routes({"sms": FakeNotifier("sms", sent.put)}))
        stopped = asyncio.Event()
        going = asyncio.create_task(engine.until(stopped, every=SELDOM, only=DISPATCH))
        for pair in ((1, 2), (3, 4)):  # the first of each may be found when it begins to listen
            for number in pair:
                await asyncio.to_thread(plan_fine, land, number)
                await asyncio.wait_for(sent.get(), PATIENCE)
            await asyncio.to_thread(lose_listener, land)
        stopped.set()
        await going
        land.platform.database.close()


async def test_who_only_sends_keeps_no_schedule(world: World) -> None:
    """A dispatcher neither asks for the zone of the schedule, which may need the database, nor does the upkeep."""

    def zone() -> tzinfo:
        raise AssertionError

    none = Schedule(world.platform.database, world.clock, {}, zone, list[str]().append)
    engine, stopped = structs.replace(world.engine, schedule=none), asyncio.Event()
    stopped.set()
    await engine.until(stopped, only=DISPATCH)
    with pytest.raises(AssertionError):
        await engine.until(stopped)


def plan_fine(land: Country, number: int) -> None:
    """Another process takes a fine in and plans it."""
    land.take(*registered(iin(number), LONG_AGO), fine(iin(number), f"F{number}", (NOON - HOURS).isoformat()))
    land.platform.planning.planning.drain()


def lose_listener(land: Country) -> None:
    """PostgreSQL ends the session that listens."""
    with land.platform.database.engine.connect() as connection:
        ended = connection.execute(
            text(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                " WHERE datname = current_database() AND query LIKE 'LISTEN %'"
            )
        )
        assert ended.all() == [(True,)]
