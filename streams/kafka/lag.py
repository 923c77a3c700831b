"""How far readers are behind, as a count and in seconds: the relay behind the log, workers behind their topic."""

import threading
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

from confluent_kafka import Consumer, KafkaError, KafkaException, Message, TopicPartition
from msgspec import Struct

from projections import positions
from projections.tables import micros
from streams.kafka.errors import DENIED, Heard, KafkaUnavailable
from streams.kafka.topics import PARTITIONS, Topics, check_topic
from streams.log.decoding import head_of
from streams.log.recorder import FactRecorder, first_fact
from streams.planning.wakeups import WAKING
from streams.storage.database import Database

_NOWHERE = 2**31 - 1
"""The highest number that a partition could have."""


class Lag(Struct, frozen=True):
    """So many wait, the first of them for so many seconds; of a topic's partition, or (the relay's) of the log."""

    count: int
    seconds: float
    topic: str = ""
    partition: int | None = None


def of_log(database: Database, reader: str, now: datetime) -> Lag:
    """How far a reader of the log is behind it, in positions; by its first life event, how long already."""
    with database.reading() as connection:
        position = positions.position_of(connection, reader)
        count = FactRecorder.last_position(connection) - position
        first = first_fact(connection, position, None, WAKING[:1])
    if first is None:
        return Lag(count, 0.0)
    return Lag(count, max(0.0, (now - head_of(first).recorded).total_seconds()))


class KafkaLag:
    """Looks what a group has not acknowledged yet, by connections of its own: also where the group is stuck.

    `joins`: this process is to work in the group, and so has to have the right; Faust says nothing where it has not.
    """

    def __init__(
        self, topics: Topics, role: str, topic: str, clock: Callable[[], datetime], *, joins: bool = False
    ) -> None:
        self._topics, self._topic, self._clock, self._joins = topics, topic, clock, joins
        self._group = topics.group(role)
        self._lock = threading.Lock()
        self._consumer: Consumer | None = None
        self._heard = Heard()
        self._rights = {
            KafkaError.GROUP_AUTHORIZATION_FAILED: f"READ on the group {self._group}",
            KafkaError.TOPIC_AUTHORIZATION_FAILED: f"READ on the topic {topic}",
        }

    def partitions(self) -> list[Lag]:
        """The lag of every partition.

        Raises:
            KafkaRefused, NotGranted: who we say we are is accepted no more, or has not the rights.
            KafkaUnavailable: it does not answer.
            WrongPartitions: there are others than ours.
        """
        with self._lock:
            consumer = self._consumer = self._consumer or Consumer(self._client())
            try:
                found = consumer.list_topics(self._topic, timeout=self._topics.answer_seconds)
                check_topic(self._topic, found.topics[self._topic])
                waiting = self._waiting(consumer)
                since = self._since(consumer, {at: first for at, (_, first) in waiting.items()})
                if self._joins:
                    self._require_read(consumer)
            except KafkaException as error:
                self._hear(consumer)
                raise self._heard.failure(self._topics.address, error, self._rights) from None
            except KafkaUnavailable:
                self.close()  # it may know a topic that was deleted and made anew, by what it was: another one looks
                raise
            self._hear(consumer)
            self._heard.works()
        now = micros(self._clock()) // 1000
        return [
            Lag(waiting[at][0], max(0.0, (now - since[at]) / 1000), self._topic, at)
            if at in since
            else Lag(0, 0.0, self._topic, at)
            for at in range(PARTITIONS)
        ]

    def close(self) -> None:
        """Let go of the connections."""
        if self._consumer is not None:
            self._consumer.close()
            self._consumer = None

    def _client(self) -> dict[str, Any]:
        return self._topics.brokers.client() | {
            "group.id": self._group,
            "enable.auto.commit": False,
            "fetch.wait.max.ms": 10,
            "isolation.level": "read_committed",
            "enable.partition.eof": True,
            "error_cb": self._heard,
            "session.timeout.ms": int(self._topics.answer_seconds * 1000),
            "retry.backoff.ms": 10,
        }

    def _hear(self, consumer: Consumer) -> None:
        """What came up on the connections, and, as if they were records, what the group was told."""
        while (message := consumer.poll(0)) is not None:
            if (error := message.error()) is not None:
                self._heard(error)

    def _require_read(self, consumer: Consumer) -> None:
        """Nothing, if the group may be joined; its DESCRIBE is enough for all else that is looked at here.

        Asked by a commit to a partition that there is none of, which Kafka refuses after it has looked at the rights
        (KafkaApis.handleOffsetCommitRequest). An admin client could ask what the rights are, but librdkafka 2.16 ends
        the process with a failed assertion (rd_kafka_enq_once_del_source_return) where Kafka has just come back.

        Raises:
            KafkaException: it may not.
        """
        try:
            consumer.commit(offsets=[TopicPartition(self._topic, _NOWHERE, 0)], asynchronous=False)
        except KafkaException as error:
            if error.args[0].code() in DENIED:
                raise

    def _waiting(self, consumer: Consumer) -> dict[int, tuple[int, int]]:
        """Partition -> how many records wait, and the first one's offset, where any does."""
        limit = self._topics.answer_seconds
        found: dict[int, tuple[int, int]] = {}
        wanted = [TopicPartition(self._topic, partition) for partition in range(PARTITIONS)]
        for each in consumer.committed(wanted, timeout=limit):
            low, high = consumer.get_watermark_offsets(each, timeout=limit)
            first = max(low, each.offset)
            if high > first:
                found[each.partition] = (high - first, first)
        return found

    def _since(self, consumer: Consumer, first: Mapping[int, int]) -> dict[int, int]:
        """Partition -> when its first waiting record was written (milliseconds); each of them is read for that.

        Without those where none waits after all: what stands there says how a transaction ended, or belongs to one
        that was given up or is not over yet.
        """
        found: dict[int, int | None] = {}
        try:
            while missing := [
                TopicPartition(self._topic, at, offset) for at, offset in first.items() if at not in found
            ]:
                consumer.assign(missing)  # anew each time: one record of each is enough
                message = consumer.poll(self._topics.answer_seconds)
                if message is None:
                    raise KafkaUnavailable(self._topics.address, "no record in time")
                found[message.partition() or 0] = _written(message)
        finally:
            consumer.unassign()
        return {at: written for at, written in found.items() if written is not None}


def _written(message: Message) -> int | None:
    """When; None: it is no record, but says that there is none.

    Raises:
        KafkaException: it says something else.
    """
    error = message.error()
    if error is None:
        return int(message.timestamp()[1])
    if error.code() == KafkaError._PARTITION_EOF:  # noqa: SLF001  (public, so named by the library)
        return None
    raise KafkaException(error)
