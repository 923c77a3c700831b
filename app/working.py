"""The wiring of the workers: one member of a consumer group in this process, with what it does for all."""

import asyncio
import threading
from collections.abc import Iterator
from contextlib import contextmanager

from app.clock import Clock
from app.compose import Platform
from app.roles import composed, stopping, topics_of, topics_there
from app.settings import Settings
from app.terminal import talk
from streams.areas import AreaPlanning
from streams.kafka_intake import TakeIn
from streams.planning import Planning
from streams.reconciling import Reconciler
from streams.topics import Sender
from streams.upkeep import Upkeep
from streams.woken import PlanWoken
from streams.worker import Tuning, Worker


def work(settings: Settings, clock: Clock) -> None:
    """Plan whom records wake, until stopped."""
    topics = topics_of(settings)
    platform = composed(settings, clock)
    platform.library.rules()
    topics_there(topics)
    handler = PlanWoken(platform.database, platform.planning, topics.persons, clock)
    with _upkeep(platform):
        asyncio.run(_until_stopped(Worker(topics, "worker", handler, talk, tuning_of(settings))))
    platform.database.close()


def take_in(settings: Settings, clock: Clock) -> None:
    """Take in events of registries, until stopped."""
    topics = topics_of(settings)
    platform = composed(settings, clock)
    platform.library.rules()
    topics_there(topics)
    sender = Sender(topics.address)
    handler = TakeIn(platform.intake, topics, sender)
    asyncio.run(_until_stopped(Worker(topics, "intake", handler, talk, tuning_of(settings))))
    sender.close()
    platform.database.close()


def tuning_of(settings: Settings) -> Tuning:
    """How the records come."""
    return Tuning(session=settings.kafka_session_seconds)


async def _until_stopped(worker: Worker) -> None:
    stopped, loop = asyncio.Event(), asyncio.get_running_loop()

    def stop() -> None:
        loop.call_soon_threadsafe(stopped.set)

    with stopping(stop):
        await worker.run(stopped)


@contextmanager
def _upkeep(platform: Platform) -> Iterator[None]:
    """What one of the workers does for all, with planners of its own: theirs is another thread."""
    planning = Planning(platform.database, platform.log, platform.library, platform.clock)
    areas = AreaPlanning(platform.database, platform.log, platform.library, planning, platform.clock)
    reconciler = Reconciler(platform.database, planning, platform.clock)
    upkeep = Upkeep(platform.database, areas, platform.follower, reconciler, talk)
    thread = threading.Thread(target=upkeep.run, name="upkeep")
    thread.start()
    try:
        yield
    finally:
        upkeep.stop()
        thread.join()
