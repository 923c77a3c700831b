"""The worker: Faust carries records to a handler, and they are acknowledged once the handler has committed.

A transport loop only: raw bytes, batches without automatic acknowledgement, no tables, no exactly-once. Faust loses
what an agent raises on, so the agent never raises: a store that is away is waited for, and a defect ends the process,
after which everything that was not acknowledged comes again.

How Faust carries records: as bytes, from where the group has come to, and only what registries committed.

Records as they come from Kafka, and who does something with them.
"""

import asyncio
import logging
import os
import threading
import traceback
from collections.abc import AsyncIterable, Callable, Iterable, Sequence
from concurrent.futures import Future
from contextlib import suppress
from typing import Any, Protocol

import faust
from aiokafka.errors import KafkaConnectionError  # type: ignore[import-untyped]  # it has no types
from msgspec import Struct

from streams.kafka.brokers import Brokers
from streams.kafka.errors import KafkaFailure, KafkaUnavailable
from streams.kafka.lag import Lag
from streams.kafka.records import NotDelivered
from streams.kafka.topics import Topics
from streams.storage.errors import UNAVAILABLE_ERRORS, Backoff, permanent_error, summary
from streams.storage.severity import Failed

NEVER = 1e6
"""Seconds after which aiokafka would leave the group because nobody polls: it then waits for a poll to come back, and
Faust, which is in a rebalance by then, for its end before it polls. A process that is dead sends no heartbeats."""
COMMITTED = "read_committed"


def _transport(app: Any) -> Any:  # noqa: ANN401  (Faust's app and transport)
    """Reads no record of a transaction that was given up; Faust would only where it writes in transactions itself."""
    from faust.transport.drivers import aiokafka as driver  # noqa: PLC0415  (it runs a programme when it is imported)

    class Thread(driver.AIOKafkaConsumerThread):
        def _create_worker_consumer(self, transport: driver.Transport) -> Any:  # noqa: ANN401  (aiokafka's consumer)
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


def _credentials(brokers: Brokers) -> Any:  # noqa: ANN401  (Faust's credentials)
    context = brokers.context()
    if brokers.username:
        return faust.SASLCredentials(
            username=brokers.username, password=brokers.password, ssl_context=context, mechanism=brokers.mechanism
        )
    return None if context is None else faust.SSLCredentials(context)


def leave(app: Any) -> None:  # noqa: ANN401  (Faust's app)
    """Have the member leave its group as it stops, so that the others get its share at once.

    aiokafka lets none leave that is known over restarts (`_maybe_leave_group`). A killed one keeps its place for its
    session; one that was asked to stop should not.
    """
    consumer = app.consumer._thread._consumer  # noqa: SLF001  (Faust has no other way)
    if consumer is not None and (coordinator := consumer._coordinator) is not None:  # noqa: SLF001  (the same)
        coordinator._group_instance_id = None  # noqa: SLF001  (the same)


def faust_app(topics: Topics, role: str, session: float, instance: str = "") -> Any:  # noqa: ANN401  (Faust's app)
    """Return a member of the role's group.

    `session`: seconds after which one that says nothing is taken for dead; `instance`: how the group knows it over
    restarts.
    """
    app: Any = faust.App(
        topics.group(role),
        broker=[f"kafka://{each.strip()}" for each in topics.address.split(",")],
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
        broker_max_poll_interval=NEVER,
        consumer_group_instance_id=instance or None,
    )
    app.on_first_start = _make_no_folders
    app.transport = _transport(app)
    return app


async def _make_no_folders() -> None:
    """Faust's are for tables, of which there are none, and a role may write nowhere."""


class Incoming(Struct, frozen=True, gc=False):
    """A record as it came: where it stands (partition and offset), and what is in it."""

    partition: int
    offset: int
    key: bytes | None
    value: bytes | None
    headers: Sequence[tuple[str, bytes]] = ()


class Handler(Protocol):
    """What is done with the records of a topic, in batches, each in a thread."""

    @property
    def topic(self) -> str:
        """Whose records."""

    def take(self, records: Sequence[Incoming]) -> None:
        """Do it, and commit: what this returns from is acknowledged. It may come again, and must bear that."""


DEFECT = 70
"""The exit code after a defect: EX_SOFTWARE of sysexits(3)."""
STOP_SECONDS = 20.0
NOISY = ("faust", "mode", "aiokafka")
AWAY: tuple[type[Exception], ...] = (*UNAVAILABLE_ERRORS, NotDelivered)


class Tuning(Struct, frozen=True):
    """How the records come: so many at once, or those of so many seconds.

    `session`: seconds after which a worker that says nothing is taken for dead, and others do its work. `stalled`:
    how long a worker may have nothing in hand while the same records of its partitions wait; it ends then. `look`:
    seconds between two looks whether Kafka answers, for a worker to which nothing comes. `instance`: how the group
    knows this worker over its restarts (streams/kafka/seats.py); empty: as a new one each time.
    """

    batch: int = 1000
    within: float = 0.05
    session: float = 30.0
    stalled: float = 60.0
    look: float = 5.0
    instance: str = ""


class Worker:
    """One member of a consumer group; as many as there are partitions share the work.

    `beside`: what else this process does; should that fail, the worker ends with it.
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
        self._busy, self._hand = threading.Lock(), asyncio.Lock()
        self._stopping, self._beside = False, beside or Future()
        self._refused: Future[None] = Future()
        self._kafka_away, self._store_away = "", ""
        self._member: Any = None

    @property
    def away(self) -> str:
        """What keeps it from its work."""
        return self._store_away or self._kafka_away

    @property
    def unready(self) -> str:
        """What keeps it from its work, or that the group has not told it yet which partitions are its share.

        A spare, whose share is empty, is ready.
        """
        if away := self.away:
            return away
        if self._member is None or not self._member.rebalancing_count or self._member.rebalancing:
            return f"Kafka has not assigned partitions of {self._handler.topic} yet"
        return ""

    async def run(self, stopped: asyncio.Event) -> None:
        """Work until the event is set; what is in hand then is finished and acknowledged.

        Raises:
            DatabaseUnavailable, KafkaFailure: what waiting does not heal, such as another password, here or in what
                goes on beside.
        """
        for name in NOISY:
            logging.getLogger(name).setLevel(logging.CRITICAL)  # we say ourselves what is away
        if (app := await self._started(stopped)) is None:
            return
        self._tell(f"working on {self._handler.topic}")
        final = [asyncio.wrap_future(each) for each in (self._refused, self._beside)]
        ended = [*final, asyncio.ensure_future(app.wait_until_stopped()), *self._watching(app, stopped)]
        await asyncio.wait(ended, return_when=asyncio.FIRST_COMPLETED)
        over = [each for each in final if each.done()]
        for each in ended:
            each.cancel()
        await self._end_well(app, asked=stopped.is_set() or bool(over))
        for each in over:
            each.result()

    def _watching(self, app: Any, stopped: asyncio.Event) -> list["asyncio.Future[Any]"]:  # noqa: ANN401  (Faust's app)
        watching = (stopped.wait(), self._stalled(app.consumer.assignment), self._looking())
        return [asyncio.ensure_future(each) for each in watching]

    async def _end_well(self, app: Any, *, asked: bool) -> None:  # noqa: ANN401  (Faust's app)
        if not asked:
            self._tell(
                Failed("records wait in Kafka that do not arrive here: this process ends, and must be started again")
            )
            self._end(DEFECT)
        self._stopping = True
        await self._hand.acquire()  # the batch in hand is done, and no other one begins
        with suppress(TimeoutError):  # what is not acknowledged then comes again
            async with asyncio.timeout(STOP_SECONDS):
                await app.consumer.maybe_wait_for_commit_to_finish()
                await app.consumer.force_commit()
                leave(app)
                await app.stop()

    async def _started(self, stopped: asyncio.Event) -> Any:  # noqa: ANN401  (Faust's app)
        """The app once Kafka answers; None where it is to stop before that."""
        backoff = Backoff(self._tell)
        while not stopped.is_set():
            try:
                await asyncio.to_thread(self._lag)  # a look first: an app that did not start leaves a loop behind
                return await self._start(stopped)
            except KafkaUnavailable as error:
                self._kafka_away = str(error)
                with suppress(TimeoutError):
                    await asyncio.wait_for(stopped.wait(), backoff.next_pause(self._kafka_away))
        return None

    async def _start(self, stopped: asyncio.Event) -> Any:  # noqa: ANN401  (Faust's app)
        """The app once it has started; Kafka may go away in the midst, of which Faust says nothing."""
        app = self._app()
        starting, watching = asyncio.ensure_future(app.start()), self._watching(app, stopped)
        await asyncio.wait([starting, *watching], return_when=asyncio.FIRST_COMPLETED)
        await asyncio.wait([starting], timeout=STOP_SECONDS)  # in the midst it could not be stopped without a rest
        for each in watching:
            each.cancel()
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

    def _app(self) -> Any:  # noqa: ANN401  (Faust's app)
        app = faust_app(self._topics, self._role, self._tuning.session, self._tuning.instance)
        topic = app.topic(
            self._handler.topic, key_type=bytes, value_type=bytes, key_serializer="raw", value_serializer="raw"
        )
        app.agent(topic, name=self._role)(self._carry)
        return app

    async def _looking(self) -> None:
        """Know whether Kafka answers, also while nothing comes: Faust waits for a broker without a word.

        Returns once it refuses us, or has other partitions.
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
        """Return once Faust has gone silent, as it sometimes does: nothing came, and the same records still wait."""
        batches, before = -1, dict[int | None, float]()
        while True:
            await asyncio.sleep(self._tuning.stalled)
            now = await self._waits(assignment)
            older = [at for at in now.keys() & before.keys() if now[at] - before[at] > self._tuning.stalled * 0.9]
            if older and batches == self._batches:
                return
            batches, before = self._batches, now

    async def _waits(self, assignment: Callable[[], Iterable[Any]]) -> dict[int | None, float]:
        """For how long the first record waits in each partition of ours; whoever has none looks at all of them."""
        if self._hand.locked():
            return {}
        try:
            lags = await asyncio.to_thread(self._lag)
        except KafkaFailure:
            return {}
        ours = {each.partition for each in assignment()}
        return {lag.partition: lag.seconds for lag in lags if lag.count and (not ours or lag.partition in ours)}

    async def _carry(self, stream: Any) -> None:  # noqa: ANN401  (Faust's stream)
        batches: AsyncIterable[list[Any]] = stream.noack_take(self._tuning.batch, within=self._tuning.within)
        async for events in batches:
            async with self._hand:
                if await self._handled([_incoming(event.message) for event in events]):
                    for event in events:
                        event.ack()
            self._batches += 1

    async def _handled(self, records: Sequence[Incoming]) -> bool:
        """Whether it is done; however long that takes, unless the worker is to stop and the store is away.

        Meanwhile Faust's buffer fills up, and then it fetches no more. (To pause the partitions would lose what is
        fetched and not yet in the buffer: docs/decisions/0007.)
        """
        backoff = Backoff(self._tell)
        while not self._stopping:
            try:
                await asyncio.shield(asyncio.to_thread(self._take, records))
            except AWAY as error:
                if (refused := permanent_error(error)) is not None:
                    self._refuse(refused)
                    return False
                self._store_away = summary(error)
                await asyncio.sleep(backoff.next_pause(self._store_away))
            except KafkaFailure as error:
                self._refuse(error)
                return False
            except Exception as error:  # noqa: BLE001  (whatever it is, Faust must not see it)
                self._defect(error)
                return False
            else:
                backoff.recovered("working")
                self._store_away = ""
                return True
        return False

    def _refuse(self, refused: Exception) -> None:
        """End with that; nothing that comes after it is begun."""
        self._stopping = True
        if not self._refused.done():
            self._refused.set_exception(refused)

    def _take(self, records: Sequence[Incoming]) -> None:
        """One batch at a time: one whose agent was cancelled may still be under way."""
        with self._busy:
            self._handler.take(records)

    def _defect(self, error: Exception) -> None:
        """Say where (not what: a message may hold data), and end without acknowledging."""
        where = "".join(traceback.format_tb(error.__traceback__))
        self._tell(Failed(f"{where}{type(error).__name__}: a defect; nothing of this batch was acknowledged"))
        self._end(DEFECT)


def _incoming(message: Any) -> Incoming:  # noqa: ANN401  (Faust's message)
    return Incoming(message.partition, message.offset, message.key, message.value, tuple(message.headers or ()))
