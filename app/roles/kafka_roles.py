"""The wiring of the roles that work with Kafka: one process each, with what it says of itself on its health port."""

import socket
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import closing, contextmanager

import uvloop
from prometheus_client.registry import Collector

from app.clock import Clock
from app.compose import Platform
from app.http.role import ServedRole, serving_health
from app.kafka_topics import topics_of
from app.roles.lifecycle import compose_when_available, stop_event, stop_on_signal, wait_for_topics
from app.roles.waiting import wait_for_database
from app.scheduled import schedule_of
from app.settings import Settings
from app.terminal import talk
from streams.kafka.consume_intake import IntakeHandler
from streams.kafka.consume_wakeups import WakeupHandler
from streams.kafka.lag import KafkaLag, Lag
from streams.kafka.producer import Sender
from streams.kafka.relay import Relay
from streams.kafka.seats import Seat
from streams.kafka.topics import Topics
from streams.kafka.worker import Handler, Tuning, Worker
from streams.planning import wiring as planning
from streams.queues.refused_events import RefusedEvents
from streams.runtime.upkeep import Beside, Upkeep, UpkeepParts


def relay_log(settings: Settings, clock: Clock, health: socket.socket | None) -> None:
    """Relay the log, until stopped."""
    topics = topics_of(settings)
    platform = compose_when_available(settings, clock)
    relay = Relay(platform.database, platform.identity.names, topics, clock, talk)
    role = ServedRole("relay", platform, lambda: [relay.behind()], lambda: relay.away)
    with serving_health(role, health), stop_on_signal(relay.stop):
        relay.run()
    platform.database.close()


def plan_woken(settings: Settings, clock: Clock, health: socket.socket | None) -> None:
    """Plan whom records wake, until stopped."""
    topics = topics_of(settings)
    platform = compose_when_available(settings, clock)
    wait_for_database(platform.rules.library.rules)
    handler = WakeupHandler(platform.planning.planning, platform.planning.quarantine, topics.persons)
    with _upkeep(platform) as beside:
        measured = [platform.planning.planning.planned, platform.planning.planning.planned_after]
        _work("worker", platform, topics, handler, health, measured, beside)
    platform.database.close()


def take_in(settings: Settings, clock: Clock, health: socket.socket | None) -> None:
    """Take in events of registries, until stopped."""
    topics = topics_of(settings)
    platform = compose_when_available(settings, clock)
    wait_for_database(platform.rules.library.rules)
    with closing(Sender(topics.brokers)) as sender:
        handler = IntakeHandler(platform.intake, topics, sender, RefusedEvents(platform.database, platform.clock))
        _work("intake", platform, topics, handler, health, [platform.intake.accepted])
    platform.database.close()


def _work(
    name: str,
    platform: Platform,
    topics: Topics,
    handler: Handler,
    health: socket.socket | None,
    collectors: Sequence[Collector],
    beside: Future[None] | None = None,
) -> None:
    wait_for_topics(topics)
    with (
        closing(wait_for_database(lambda: Seat(platform.database, name))) as seat,
        closing(KafkaLag(topics, name, handler.topic, platform.clock, joins=True)) as lag,
    ):
        tuning = Tuning(session=platform.settings.kafka_session_seconds, instance=seat.name)

        def look() -> list[Lag]:
            seat.keep()
            return lag.partitions()

        worker = Worker(topics, name, handler, talk, look, tuning, beside=beside)
        role = ServedRole(name, platform, lag.partitions, lambda: worker.unready, collectors=collectors)
        with serving_health(role, health):
            uvloop.run(_until_stopped(worker))


async def _until_stopped(worker: Worker) -> None:
    with stop_event() as stopped:
        await worker.run(stopped)


@contextmanager
def _upkeep(platform: Platform) -> Iterator[Future[None]]:
    """Run the upkeep that one worker does for all, with its own planners: it is another thread than theirs."""
    queue = platform.queues.dead_letter_queue
    own = planning.build(platform.log, platform.rules.library, queue, platform.clock)
    on = platform
    schedule = schedule_of(on)
    wait_for_database(schedule.triggers)
    parts = UpkeepParts(
        own.areas, on.replay.follower, on.runtime.chain_builder, own.reconciler, on.queries.backlog, schedule, talk
    )
    beside = Beside(Upkeep(on.database, parts))
    with ThreadPoolExecutor(1, "upkeep") as pool:
        try:
            yield pool.submit(beside.run)
        finally:
            beside.stop()
