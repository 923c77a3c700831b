"""Roles composed otherwise than `habarshy` does, to show what each part of them is for.

`python -m tests.kills.roles MODE --clock TIME`, with the settings in the environment; `--clock-file FILE`: the time
moves while they live.
"""

import asyncio
import os
import sys
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from datetime import timedelta
from functools import partial
from pathlib import Path
from uuid import UUID

import uvloop
from msgspec import structs
from psycopg import InternalError

from app.cli.commands.dispatch import dispatch_due
from app.cli.commands.run import run_tasks
from app.cli.options import clock_of
from app.compose import Platform
from app.compose_sending import compose_engine, compose_routes
from app.kafka_topics import topics_of
from app.roles.lifecycle import compose_when_available, stop_on_signal
from app.roles.provider_watch import ProviderWatch
from app.scheduled import schedule_of
from app.settings import load_settings
from app.terminal import talk
from domain.facts.facts import NudgeFact
from notifiers.port.interface import Outcome
from projections import history
from projections.history import News
from streams.delivery.admission.concurrency import Budgets, ProviderPlaces
from streams.delivery.admission.rate_limits import RateLimits
from streams.delivery.admission.routing import Routing
from streams.delivery.outcomes.attempts import Attempt
from streams.delivery.outcomes.group_commit import IntendedAttempts
from streams.delivery.outcomes.hand_over_journal import HandOverJournal
from streams.delivery.outcomes.recording import Recorder
from streams.delivery.send.claiming import Claimant
from streams.delivery.send.dispatch import Dispatcher
from streams.delivery.send.hand_over import HandOver
from streams.delivery.send.message import MessageBuilder
from streams.intake.intake import IntakeCounters
from streams.kafka.consume_wakeups import WakeupHandler
from streams.kafka.lag import KafkaLag
from streams.kafka.worker import IncomingRecord, Tuning, Worker
from streams.planning.areas import CHUNK_SIZE, AreaPlanning
from streams.planning.planning import Planning
from streams.planning.reconciler import Reconciler
from streams.rules.context import WriteContext
from streams.rules.publishing import wake_latecomers
from streams.runtime.scheduler import DISPATCH
from streams.runtime.upkeep import Beside, Upkeep, UpkeepParts
from streams.storage.database import Priority
from tests.kills.shared_clock import SharedClock

EVERY, RECONCILE_EVERY = timedelta(seconds=0.2), timedelta(seconds=2)
"""The intervals of the upkeep and of its reconciler: shorter than elsewhere."""
STEP = 5
"""Residents in one transaction of an area event."""


class Defective(WakeupHandler):
    """Plans one half of what comes, and then has a defect."""

    def take(self, records: Sequence[IncomingRecord]) -> None:
        super().take(records[: len(records) // 2])
        raise RuntimeError


class MarksFirst(Planning):
    """Marks persons as planned before they are, in a transaction of its own; and then it fails, by nobody of them."""

    def plan_batch(self, news: Mapping[str, News]) -> int:
        self._database.write(
            lambda connection: history.mark_planned(connection, history.versions(connection, news)),
            Priority.PLANNING,
        )
        raise InternalError


class Forgetful(Reconciler):
    """Looks for nobody."""

    def turn(self) -> int:
        return 0


def areas(mode: str, platform: Platform) -> AreaPlanning:
    """What plans area events; `stepwise`: for few residents at a time, so that it can be killed between two steps."""
    on = platform
    size = STEP if mode == "stepwise" else CHUNK_SIZE
    return AreaPlanning(
        on.database, on.log, on.rules.library, on.planning.planning, on.queues.dead_letter_queue, on.clock, size
    )


class Careless(Dispatcher):
    """Commits attempts together with what became of them, and not before they are handed over."""

    def __init__(
        self,
        context: WriteContext,
        routing: Routing,
        messages: MessageBuilder,
        recorder: Recorder,
        claimant: Claimant,
    ) -> None:
        super().__init__(context, routing, messages, recorder, claimant)
        places = ProviderPlaces(Budgets(routing.removes_doubles, bulkheads_per_provider=1))
        self._hand_over = _CarelessHandOver(routing, recorder, places, context.clock, claimant.lease)

    async def _commit(self, intended: IntendedAttempts) -> list[Attempt]:
        return intended.attempts


class _CarelessHandOver(HandOver):
    def _facts(self, attempts: Sequence[Attempt], results: Sequence[Outcome]) -> list[tuple[UUID, NudgeFact]]:
        outcomes = super()._facts(attempts, results)
        return [*((each.nudge, each.fact) for each in attempts), *outcomes]


def worker(mode: str, platform: Platform) -> None:
    """A worker with an upkeep that is quick; `mode` says what is otherwise about it."""
    topics = topics_of(platform.settings)
    platform.rules.library.rules()
    planner = MarksFirst if mode == "marks-first" else Planning
    handler = Defective if mode == "defective" else WakeupHandler
    planning = planner(platform.database, platform.log, platform.rules.library, platform.clock)
    with closing(KafkaLag(topics, "worker", topics.persons, platform.clock)) as lag, _upkeep(mode, platform):
        tuning = Tuning(session=platform.settings.kafka_session_seconds)
        made = Worker(
            topics,
            "worker",
            handler(planning, platform.planning.quarantine, topics.persons),
            talk,
            lag.partitions,
            tuning,
        )
        uvloop.run(_until_stopped(made))


@contextmanager
def _upkeep(mode: str, platform: Platform) -> Iterator[None]:
    planning = Planning(platform.database, platform.log, platform.rules.library, platform.clock)
    reconciler = Forgetful if mode == "forgetful" else Reconciler
    parts = UpkeepParts(
        areas(mode, platform),
        platform.replay.follower,
        platform.runtime.chain_builder,
        reconciler(
            platform.database,
            planning,
            platform.planning.quarantine,
            platform.clock,
            partial(wake_latecomers, platform.database, platform.log, platform.identity.names),
        ),
        platform.queries.backlog,
        schedule_of(platform),
        talk,
    )
    upkeep = Beside(Upkeep(platform.database, parts, EVERY, RECONCILE_EVERY))
    thread = threading.Thread(target=upkeep.run, name="upkeep")
    thread.start()
    try:
        yield
    finally:
        upkeep.stop()
        thread.join()


async def _until_stopped(made: Worker) -> None:
    stopped, loop = asyncio.Event(), asyncio.get_running_loop()

    def stop() -> None:
        loop.call_soon_threadsafe(stopped.set)

    with stop_on_signal(stop):
        await made.run(stopped)


def dispatch(platform: Platform) -> None:
    """A dispatcher that is careless."""
    routes, clock = compose_routes(platform), platform.clock
    lease = timedelta(seconds=platform.settings.lease_seconds)
    links, delivery = platform.identity.links, platform.delivery
    dispatcher = Careless(
        platform.rules.context,
        Routing(routes, RateLimits(platform.database, {}, clock)),
        MessageBuilder(links.unsubscribe, links.answer),
        Recorder(
            platform.rules.context,
            delivery.receipts,
            delivery.suppression,
            platform.runtime.watermark,
            HandOverJournal(None, platform.settings.database),
        ),
        Claimant(f"careless-{os.getpid()}", lease),
    )
    engine = structs.replace(compose_engine(platform, routes), dispatcher=dispatcher)
    uvloop.run(run_tasks(engine, routes, ProviderWatch(routes, IntakeCounters(), clock), only=DISPATCH))


def main(mode: str, option: str, time: str) -> None:
    """Work until stopped."""
    clock = SharedClock(Path(time)) if option == "--clock-file" else clock_of(time)
    platform = compose_when_available(load_settings(), clock)
    if mode == "dispatch":
        dispatch_due(platform, compose_routes)
    elif mode == "careless":
        dispatch(platform)
    else:
        worker(mode, platform)
    platform.database.close()


if __name__ == "__main__":
    main(*sys.argv[1:])
