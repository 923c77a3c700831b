"""The lag of readers, as a count and in seconds: of the relay behind the log, of workers behind their topic."""

import threading
import time
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

from confluent_kafka import Consumer, KafkaError, KafkaException, Message, TopicPartition
from msgspec import Struct

from projections import positions
from projections.tables import micros
from streams.kafka.errors import DENIED, ClientErrors, KafkaUnavailable, TopicMadeAnew, TopicMissing
from streams.kafka.topics import Topics, check_topic
from streams.log.decoding import life_of
from streams.log.recorder import WAKING, FactRecorder, first_fact
from streams.storage.database import Database

_NOWHERE = 2**31 - 1
"""A partition that no topic has: the highest possible number."""
_MOST_ERRORS = 100
"""So many errors of a client are collected at a time."""
_ANSWER_EVERY = 0.02
"""Seconds between two looks for the answer to a commit."""


class Lag(Struct, frozen=True):
    """The count of waiting items and the age of the first one, for a partition, or for the log (the relay's)."""

    count: int
    seconds: float
    topic: str = ""
    partition: int | None = None


def log_lag(database: Database, reader: str, now: datetime) -> Lag:
    """Return the lag of a reader of the log: in positions, and in seconds since its first life event was recorded."""
    with database.reading() as connection:
        position = positions.position_of(connection, reader)
        count = FactRecorder.last_position(connection) - position
        first = first_fact(connection, position, None, WAKING[:1])
    if first is None:
        return Lag(count, 0.0)
    return Lag(count, max(0.0, (now - life_of(first).recorded).total_seconds()))


class KafkaLag:
    """Measures what a group has not acknowledged, by connections of its own: also where the group is stuck.

    `joins`: this process works in the group and needs the right to; Faust says nothing where it is missing.
    """

    def __init__(
        self, topics: Topics, role: str, topic: str, clock: Callable[[], datetime], *, joins: bool = False
    ) -> None:
        self._topics, self._topic, self._clock, self._joins = topics, topic, clock, joins
        self._group = topics.group(role)
        self._lock = threading.Lock()
        self._consumer: Consumer | None = None
        self._heard = ClientErrors()
        self._committed: list[KafkaError | None] = []
        self._ends: dict[int, int] = {}
        self._rights = {
            KafkaError.GROUP_AUTHORIZATION_FAILED: f"READ on the group {self._group}",
            KafkaError.TOPIC_AUTHORIZATION_FAILED: f"READ on the topic {topic}",
        }

    def partitions(self) -> list[Lag]:
        """Return the lag of every partition.

        Raises:
            KafkaRefused, NotGranted: our user is not accepted, or lacks a right.
            KafkaUnavailable, TopicMissing: Kafka does not answer, or has no such topic now.
            TopicMadeAnew: this process works with a topic that was deleted meanwhile.
            WrongPartitions: the topic has another number of partitions.
        """
        with self._lock:
            consumer = self._consumer = self._consumer or Consumer(self._client())
            try:
                found = consumer.list_topics(self._topic, timeout=self._topics.answer_seconds)
                check_topic(self._topic, found.topics[self._topic], self._topics.partitions)
                if not found.topics[self._topic].partitions:
                    raise TopicMissing(self._topic)
                waiting = self._waiting(consumer)
                since = self._since(consumer, {at: first for at, (_, first) in waiting.items()})
                if self._joins:
                    self._require_read(consumer)
            except KafkaException as error:
                self._collect_errors(consumer)
                raise self._heard.failure(self._topics.address, error, self._rights) from None
            except KafkaUnavailable:
                self._drop()  # it may have stale metadata of a topic that was deleted and made anew
                raise
            self._collect_errors(consumer)
            self._heard.works()
        now = micros(self._clock()) // 1000
        return [
            Lag(waiting[at][0], max(0.0, (now - since[at]) / 1000), self._topic, at)
            if at in since
            else Lag(0, 0.0, self._topic, at)
            for at in range(self._topics.partitions)
        ]

    def close(self) -> None:
        """Close the connections."""
        if self._consumer is not None:
            self._consumer.close()
            self._consumer = None

    def _drop(self) -> None:
        """Close the connections in a thread: where a commit is under way, that waits until Kafka is back."""
        if self._consumer is not None:
            threading.Thread(target=self._consumer.close, name="closing", daemon=True).start()
            self._consumer = None

    def _client(self) -> dict[str, Any]:
        return self._topics.brokers.client() | {
            "group.id": self._group,
            "enable.auto.commit": False,
            "fetch.wait.max.ms": 10,
            "isolation.level": "read_committed",
            "enable.partition.eof": True,
            "error_cb": self._heard,
            "on_commit": self._note_commit,
            "session.timeout.ms": int(self._topics.answer_seconds * 1000),
            "retry.backoff.ms": 10,
        }

    def _collect_errors(self, consumer: Consumer, seconds: float = 0.0) -> None:
        """Collect the errors of the connections and of the group, which come as messages; wait so long for each.

        There is a limit: where Kafka is away they may come faster than they are collected.
        """
        for _ in range(_MOST_ERRORS):
            if (message := consumer.poll(seconds)) is None:
                return
            if (error := message.error()) is not None:
                self._heard(error)

    def _require_read(self, consumer: Consumer) -> None:
        """Check that we may join the group; everything else here needs only DESCRIBE on it.

        The check is a commit to a partition that does not exist, which Kafka refuses after it has checked the rights
        (KafkaApis.handleOffsetCommitRequest). An admin client could ask for the rights, but librdkafka 2.16 ends the
        process with a failed assertion (rd_kafka_enq_once_del_source_return) where Kafka has just come back.

        A commit that is waited for has no limit: where Kafka goes away meanwhile, it returns when Kafka is back.

        Raises:
            KafkaException: we may not.
            KafkaUnavailable: no answer came in time.
        """
        self._committed.clear()
        consumer.commit(offsets=[TopicPartition(self._topic, _NOWHERE, 0)], asynchronous=True)
        until = time.monotonic() + self._topics.answer_seconds
        while not self._committed:
            if time.monotonic() > until:
                raise KafkaUnavailable(self._topics.address, "no answer to a commit in time")
            self._collect_errors(consumer, _ANSWER_EVERY)
        if (error := self._committed[0]) is not None and error.code() in DENIED:
            raise KafkaException(error)

    def _note_commit(self, error: KafkaError | None, _partitions: object) -> None:
        self._committed.append(error)

    def _waiting(self, consumer: Consumer) -> dict[int, tuple[int, int]]:
        """Return for each partition with waiting records their count and the first one's offset."""
        limit = self._topics.answer_seconds
        found: dict[int, tuple[int, int]] = {}
        wanted = [TopicPartition(self._topic, partition) for partition in range(self._topics.partitions)]
        for committed in consumer.committed(wanted, timeout=limit):
            low, high = consumer.get_watermark_offsets(committed, timeout=limit)
            if self._joins and high < self._ends.get(committed.partition, 0):
                raise TopicMadeAnew(
                    f"Somebody deleted the topic {self._topic}, and it was made anew. This process would read on from"
                    " where the old one was, so it ends: start it again. Whom no record woke the reconciler plans;"
                    " what was in life-events.in the registries have to send again."
                )
            self._ends[committed.partition] = high
            first = max(low, committed.offset)
            if high > first:
                found[committed.partition] = (high - first, first)
        return found

    def _since(self, consumer: Consumer, first: Mapping[int, int]) -> dict[int, int]:
        """Return the time of each partition's first waiting record (milliseconds), by reading it.

        Partitions are left out where only transaction markers, or records of an aborted or open transaction, follow.
        """
        found: dict[int, int | None] = {}
        try:
            while missing := [
                TopicPartition(self._topic, at, offset) for at, offset in first.items() if at not in found
            ]:
                consumer.assign(missing)  # reassigned each time: one record of each is enough
                message = consumer.poll(self._topics.answer_seconds)
                if message is None:
                    raise KafkaUnavailable(self._topics.address, "no record in time")
                found[message.partition() or 0] = _written(message)
        finally:
            consumer.unassign()
        return {at: written for at, written in found.items() if written is not None}


def _written(message: Message) -> int | None:
    """Return the record's time (milliseconds), or None for the message that says the partition ended.

    Raises:
        KafkaException: the message is another error.
    """
    error = message.error()
    if error is None:
        return int(message.timestamp()[1])
    if error.code() == KafkaError._PARTITION_EOF:  # noqa: SLF001  (public, so named by the library)
        return None
    raise KafkaException(error)
