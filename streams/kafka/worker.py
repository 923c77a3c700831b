"""The worker: Faust carries records to a handler, and they are acknowledged once the handler has committed.

Faust is a transport only: raw bytes from the group's position on, committed transactions only, batches without
automatic acknowledgement, no tables. Faust loses records when an agent raises, so ours never does: it waits for a
database that is away, and a defect ends the process. Then everything that was not acknowledged comes again.
"""

import asyncio
import logging
import os
import threading
import traceback
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import Future
from contextlib import suppress
from typing import Any, Protocol, TypeAlias

import faust
from aiokafka.errors import KafkaConnectionError  # type: ignore[import-untyped]  # it has no types
from msgspec import Struct

from streams.kafka.brokers import Brokers
from streams.kafka.errors import KafkaFailure, KafkaUnavailable
from streams.kafka.lag import Lag
from streams.kafka.producer import NotDelivered
from streams.kafka.topics import Topics
from streams.storage.errors import UNAVAILABLE_ERRORS, Backoff, permanent_error, summary
from streams.storage.severity import Failed

NEVER_SECONDS = 1e6
"""Seconds without a poll after which aiokafka leaves the group. It must never do so: aiokafka would wait for a poll,
and Faust, in a rebalance, for aiokafka. A dead process is noticed by its missing heartbeats."""
COMMITTED = "read_committed"

FaustApp: TypeAlias = Any
FaustPart: TypeAlias = Any
"""Faust ships no types: its app, and its streams, messages, transports and credentials."""


def _transport(app: FaustApp) -> FaustPart:
    """Return a transport that skips aborted transactions; Faust itself does so only with exactly-once processing."""
    from faust.transport.drivers import aiokafka as driver  # noqa: PLC0415  (it runs a programme when it is imported)

    class Thread(driver.AIOKafkaConsumerThread):
        def _create_worker_consumer(self, transport: driver.Transport) -> FaustPart:
            consumer = super()._create_worker_consumer(transport)
            consumer._isolation_level = COMMITTED  # noqa: SLF001  (its constructor is called in the midst of the method)
            return consumer

    class Consumer(driver.Consumer):
        def _new_consumer_thread(self) -> driver.AIOKafkaConsumerThread:
            return Thread(self, loop=self.loop, beacon=self.beacon)

    class Transport(driver.Transport):
        pass

    Transport.Consumer = Consumer
    return Transport(app.conf.broker_consumer, app)


def _credentials(brokers: Brokers) -> FaustPart:
    context = brokers.context()
    if brokers.username:
        return faust.SASLCredentials(
            username=brokers.username, password=brokers.password, ssl_context=context, mechanism=brokers.mechanism
        )
    return None if context is None else faust.SSLCredentials(context)


def leave_group_when_stopped(app: FaustApp) -> None:
    """Have the member leave its group when it stops, so that the others get its partitions at once.

    aiokafka lets no static member leave (`_maybe_leave_group`). A killed one keeps its partitions for its session;
    one that was asked to stop should not.
    """
    consumer = app.consumer._thread._consumer  # noqa: SLF001  (Faust has no other way)
    if consumer is not None and (coordinator := consumer._coordinator) is not None:  # noqa: SLF001  (the same)
        coordinator._group_instance_id = None  # noqa: SLF001  (the same)


def faust_app(topics: Topics, role: str, session: float, instance: str = "") -> FaustApp:
    """Return a member of the role's group.

    `session`: seconds without a heartbeat after which a member counts as dead; `instance`: the static member's name.
    """
    app: FaustApp = faust.App(
        topics.group(role),
        broker=[f"kafka://{address.strip()}" for address in topics.address.split(",")],
        broker_credentials=_credentials(topics.brokers),
        store="memory://",
        web_enabled=False,
        processing_guarantee="at_least_once",
        loghandlers=[],
        topic_disable_leader=True,
        topic_allow_declare=False,
        consumer_auto_offset_reset="earliest",
        stream_buffer_maxsize=2048,
        stream_wait_empty=False,
        broker_commit_interval=1.0,
        broker_commit_every=1000,
        broker_session_timeout=session,
        broker_request_timeout=max(90.0, session),  # Faust's own is 90, and it takes no longer session than that
        broker_heartbeat_interval=session / 10,
        broker_rebalance_timeout=session * 2,
        broker_max_poll_interval=NEVER_SECONDS,
        consumer_group_instance_id=instance or None,
    )
    app.on_first_start = _make_no_folders
    app.transport = _transport(app)
    return app


async def _make_no_folders() -> None:
    """Keep Faust from making folders for tables: there are none, and a role may write nowhere."""


class IncomingRecord(Struct, frozen=True, gc=False):
    """A record as it came, with its partition and offset."""

    partition: int
    offset: int
    key: bytes | None
    value: bytes | None
    headers: Sequence[tuple[str, bytes]] = ()


class Handler(Protocol):
    """A handler of the records of a topic. It gets them in batches, each in a thread."""

    @property
    def topic(self) -> str:
        """The topic."""

    def take(self, records: Sequence[IncomingRecord]) -> None:
        """Handle the records and commit: they are acknowledged afterwards. The same records may come again."""


DEFECT_EXIT = 70
"""The exit code after a defect: EX_SOFTWARE of sysexits(3)."""
STOP_SECONDS = 20.0
NOISY = ("faust", "mode", "aiokafka")
AWAY_ERRORS: tuple[type[Exception], ...] = (*UNAVAILABLE_ERRORS, NotDelivered)


class Tuning(Struct, frozen=True):
    """The settings of a worker. `batch`: the most records of a batch.

    `session`: seconds without a heartbeat after which a worker counts as dead, and others do its work. `stalled`:
    seconds without a batch, while the same records wait in its partitions, after which it ends. `look`: seconds
    between two checks that Kafka answers. `instance`: the worker's name over its restarts (streams/kafka/seats.py);
    empty: it is a new member each time.
    """

    batch: int = 1000
    session: float = 30.0
    stalled: float = 60.0
    look: float = 5.0
    instance: str = ""


class Worker:
    """One member of a consumer group; at most as many as there are partitions share the work.

    `beside`: other work of this process; if it fails, the worker ends too.
    """

    def __init__(
        self,
        topics: Topics,
        role: str,
        handler: Handler,
        tell: Callable[[str], None],
        lag: Callable[[], Sequence[Lag]],
        tuning: Tuning | None = None,
        end: Callable[[int], None] = os._exit,
        beside: Future[None] | None = None,
    ) -> None:
        self._topics, self._role, self._handler, self._tell = topics, role, handler, tell
        self._lag, self._tuning, self._end = lag, tuning or Tuning(), end
        self._batches = 0
        self._collected: asyncio.Queue[FaustPart] = asyncio.Queue(self._tuning.batch)
        self._busy, self._hand = threading.Lock(), asyncio.Lock()
        self._stopping, self._beside = False, beside or Future()
        self._refused: Future[None] = Future()
        self._kafka_away, self._store_away = "", ""
        self._member: FaustApp = None

    @property
    def away(self) -> str:
        """The reason why it cannot work, or an empty text."""
        return self._store_away or self._kafka_away

    @property
    def unready(self) -> str:
        """The reason why it is not ready: that it cannot work, or has no assignment of partitions yet.

        A spare worker, whose assignment is empty, is ready.
        """
        if away := self.away:
            return away
        if self._member is None or not self._member.rebalancing_count or self._member.rebalancing:
            return f"Kafka has not assigned partitions of {self._handler.topic} yet"
        return ""

    async def run(self, stopped: asyncio.Event) -> None:
        """Work until the event is set; then finish and acknowledge the present batch.

        Raises:
            DatabaseUnavailable, KafkaFailure: waiting does not help, such as a wrong password, here or in `beside`.
        """
        for name in NOISY:
            logging.getLogger(name).setLevel(logging.CRITICAL)  # we report ourselves what is away
        if (app := await self._started(stopped)) is None:
            return
        self._tell(f"working on {self._handler.topic}")
        handling = asyncio.ensure_future(self._handle_batches())
        final = (self._refused, self._beside)
        watching = [*map(asyncio.wrap_future, final), *self._watching(app, stopped)]
        ended = [asyncio.ensure_future(app.wait_until_stopped()), *watching]
        await asyncio.wait([*ended, handling], return_when=asyncio.FIRST_COMPLETED)
        if handling.done() and (error := handling.exception()) is not None:
            self._defect(error)
        if not stopped.is_set() and not any(future.done() for future in final):
            await self._ask_why()
        over = [future for future in final if future.done()]
        for future in ended:
            future.cancel()
        await self._end_well(app, asked=stopped.is_set() or bool(over))
        handling.cancel()
        for future in over:
            future.result()

    async def _ask_why(self) -> None:
        """Ask Kafka once more: where it refuses us, Faust may stop without a word before `_looking` has asked."""
        try:
            await asyncio.to_thread(self._lag)
        except KafkaUnavailable:
            pass
        except KafkaFailure as error:
            self._refuse(error)

    def _watching(self, app: FaustApp, stopped: asyncio.Event) -> list["asyncio.Future[Any]"]:
        watching = (stopped.wait(), self._stalled(app.consumer.assignment), self._looking())
        return [asyncio.ensure_future(watch) for watch in watching]

    async def _end_well(self, app: FaustApp, *, asked: bool) -> None:
        if not asked:
            self._tell(
                Failed("records wait in Kafka that do not arrive here: this process ends, and must be started again")
            )
            self._end(DEFECT_EXIT)
        self._stopping = True
        await self._hand.acquire()  # the present batch is done, and no other one begins
        with suppress(TimeoutError):  # records that are not acknowledged by then come again
            async with asyncio.timeout(STOP_SECONDS):
                await app.consumer.maybe_wait_for_commit_to_finish()
                await app.consumer.force_commit()
                leave_group_when_stopped(app)
                await app.stop()

    async def _started(self, stopped: asyncio.Event) -> FaustApp:
        """Return the app once Kafka answers; None where the worker is stopped before."""
        backoff = Backoff(self._tell)
        while not stopped.is_set():
            try:
                await asyncio.to_thread(self._lag)  # checked first: an app that did not start leaves a loop behind
                return await self._start(stopped)
            except KafkaUnavailable as error:
                self._kafka_away = str(error)
                with suppress(TimeoutError):
                    await asyncio.wait_for(stopped.wait(), backoff.next_pause(self._kafka_away))
        return None

    async def _start(self, stopped: asyncio.Event) -> FaustApp:
        """Return the app once it has started; Faust does not report if Kafka goes away meanwhile."""
        app = self._app()
        starting, watching = asyncio.ensure_future(app.start()), self._watching(app, stopped)
        await asyncio.wait([starting, *watching], return_when=asyncio.FIRST_COMPLETED)
        await asyncio.wait([starting], timeout=STOP_SECONDS)  # an app that is starting cannot be stopped cleanly
        for watch in watching:
            watch.cancel()
        if not starting.done():
            starting.cancel()
            await self._end_well(app, asked=stopped.is_set() or self._refused.done())
            return self._refused.result() if self._refused.done() else None
        try:
            starting.result()
        except KafkaConnectionError as error:
            await app.stop()
            raise KafkaUnavailable(self._topics.address, type(error).__name__) from None
        self._kafka_away = ""
        self._member = app
        return app

    def _app(self) -> FaustApp:
        app = faust_app(self._topics, self._role, self._tuning.session, self._tuning.instance)
        topic = app.topic(
            self._handler.topic, key_type=bytes, value_type=bytes, key_serializer="raw", value_serializer="raw"
        )
        app.agent(topic, name=self._role)(self._collect)
        return app

    async def _looking(self) -> None:
        """Check that Kafka answers, also while nothing comes: Faust waits for a broker without a message.

        Return once Kafka refuses us, or the topic has other partitions.
        """
        backoff = Backoff(self._tell)
        while True:
            try:
                await asyncio.to_thread(self._lag)
            except KafkaUnavailable as error:
                self._kafka_away = str(error)
                await asyncio.sleep(backoff.next_pause(self._kafka_away))
            except KafkaFailure as error:
                return self._refuse(error)
            else:
                backoff.recovered("working")
                self._kafka_away = ""
                await asyncio.sleep(self._tuning.look)

    async def _stalled(self, assignment: Callable[[], Iterable[Any]]) -> None:
        """Return once Faust is stuck, as it sometimes is: no batch came, and the same records still wait."""
        batches, before = -1, dict[int | None, float]()
        while True:
            await asyncio.sleep(self._tuning.stalled)
            now = await self._waits(assignment)
            older = [at for at in now.keys() & before.keys() if now[at] - before[at] > self._tuning.stalled * 0.9]
            if older and batches == self._batches:
                return
            batches, before = self._batches, now

    async def _waits(self, assignment: Callable[[], Iterable[Any]]) -> dict[int | None, float]:
        """Return the seconds that the first record waits in each of our partitions; without any, in all of them."""
        if self._hand.locked():
            return {}
        try:
            lags = await asyncio.to_thread(self._lag)
        except KafkaFailure:
            return {}
        ours = {assigned.partition for assigned in assignment()}
        return {lag.partition: lag.seconds for lag in lags if lag.count and (not ours or lag.partition in ours)}

    async def _collect(self, stream: FaustPart) -> None:
        """Collect records, also while a batch is handled; wait while there are enough for the next one."""
        async for event in stream.noack().events():
            await self._collected.put(event)

    async def _handle_batches(self) -> None:
        """Handle what has been collected, a batch at a time, and acknowledge it."""
        while True:
            events = [await self._collected.get()]
            async with self._hand:
                while len(events) < self._tuning.batch and not self._collected.empty():
                    events.append(self._collected.get_nowait())
                if await self._handled([_incoming(event.message) for event in events]):
                    for event in events:
                        event.ack()
            self._batches += 1

    async def _handled(self, records: Sequence[IncomingRecord]) -> bool:
        """Handle a batch and return whether it is done; retry while the database is away, until the worker stops.

        Meanwhile Faust's buffer fills up, and then it fetches no more. (Pausing partitions would lose records that
        are fetched and not yet in the buffer: docs/decisions/0007.)
        """
        backoff = Backoff(self._tell)
        while not self._stopping:
            try:
                await asyncio.shield(asyncio.to_thread(self._take, records))
            except AWAY_ERRORS as error:
                if (refused := permanent_error(error)) is not None:
                    self._refuse(refused)
                    return False
                self._store_away = summary(error)
                await asyncio.sleep(backoff.next_pause(self._store_away))
            except KafkaFailure as error:
                self._refuse(error)
                return False
            except Exception as error:  # noqa: BLE001  (Faust must see no exception)
                self._defect(error)
                return False
            else:
                backoff.recovered("working")
                self._store_away = ""
                return True
        return False

    def _refuse(self, refused: Exception) -> None:
        """End with that error; no further batch is begun."""
        self._stopping = True
        if not self._refused.done():
            self._refused.set_exception(refused)

    def _take(self, records: Sequence[IncomingRecord]) -> None:
        """Handle one batch at a time: a batch whose agent was cancelled may still be running."""
        with self._busy:
            self._handler.take(records)

    def _defect(self, error: BaseException) -> None:
        """Report the place (not the message, which may hold personal data), and end without acknowledging."""
        where = "".join(traceback.format_tb(error.__traceback__))
        self._tell(Failed(f"{where}{type(error).__name__}: a defect; what was not acknowledged comes again"))
        self._end(DEFECT_EXIT)


def _incoming(message: FaustPart) -> IncomingRecord:
    return IncomingRecord(message.partition, message.offset, message.key, message.value, tuple(message.headers or ()))
