"""The producer: sends records, and reports which were stored."""

from collections.abc import Iterable, Sequence
from contextlib import suppress
from typing import Any

from confluent_kafka import KafkaError, KafkaException, Message, Producer
from msgspec import Struct

from streams.kafka.brokers import Brokers
from streams.kafka.errors import DENIED, ClientErrors, NotGranted
from streams.kafka.topics import check_topic

DELIVERY_SECONDS = 20.0
"""The broker's time to store a record."""
SENT_BYTES = 2_000_000
"""The largest record that we send: one of a broker's default limit (1,048,588 bytes) fits, with our headers."""
_FINAL = frozenset({KafkaError.MSG_SIZE_TOO_LARGE, KafkaError.INVALID_RECORD})
"""Errors of one record that no repetition mends."""


class Record(Struct, frozen=True, gc=False):
    """A record to send; `key` decides the partition."""

    topic: str
    key: bytes | None
    value: bytes | None
    headers: Sequence[tuple[str, bytes]] = ()


class NotDelivered(Exception):
    """Raised when Kafka did not store all records; the caller sends them again."""

    def __init__(self, address: str, count: int, reason: str) -> None:
        super().__init__(f"Kafka at {address} did not take over {count} records ({reason}). They are sent again.")


class NeverAccepted(NotDelivered):
    """Raised when Kafka stored all records but some (`records`) that it will never accept."""

    def __init__(self, address: str, records: Sequence[Record], reason: str) -> None:
        super().__init__(address, len(records), reason)
        count = len(records)
        text = f"Kafka at {address} will never take over {count} of these records ({reason}); the others are stored."
        self.args, self.records = (text,), records


class Sender:
    """Sends records; only those that Kafka reported as stored count as sent.

    The producer is idempotent: a record that the client itself repeats is stored once, and in order.
    """

    def __init__(self, brokers: Brokers, seconds: float = DELIVERY_SECONDS) -> None:
        self._brokers, self._seconds = brokers, seconds
        self._producer: Producer | None = None
        self._delivered = 0
        self._reason = ""
        self._never: dict[int, tuple[Record, str]] = {}
        self._refused: NotGranted | None = None

    def send(self, records: Iterable[Record]) -> int:
        """Send all records; return their count once every one is stored.

        Raises:
            NeverAccepted: all were stored but some that Kafka will never accept.
            NotDelivered: not all were stored; some may have been.
            NotGranted: not all were stored, because we may not write there.
        """
        producer = self._producer = self._producer or Producer(producer_config(self._brokers, self._seconds))
        self._begin()
        count, topic = 0, ""
        try:
            for count, record in enumerate(records, 1):
                topic = record.topic
                self._produce(producer, record, count)
            producer.flush(self._seconds * 2)
        except (KafkaException, SystemError) as error:
            self._failed(_kafkas(error), topic)
        if self._refused:
            self.close()
            raise self._refused
        if self._delivered + len(self._never) != count or self._reason:
            self.close()
            raise NotDelivered(self._brokers.address, count - self._delivered, self._reason or "no answer in time")
        if self._never:
            never = [record for record, _ in self._never.values()]
            raise NeverAccepted(self._brokers.address, never, next(reason for _, reason in self._never.values()))
        return count

    def _begin(self) -> None:
        self._delivered, self._reason, self._never, self._refused = 0, "", {}, None

    def _produce(self, producer: Producer, record: Record, number: int) -> None:
        def reported(error: KafkaError | None, _message: Message) -> None:
            self._reported(error, record, number)

        while True:
            try:
                producer.produce(
                    record.topic, record.value, record.key, on_delivery=reported, headers=list(record.headers)
                )
            except BufferError:  # the queue is full: wait for reports
                producer.poll(0.1)
            except KafkaException as error:  # the client itself refuses a record that is too large
                return self._reported(error.args[0], record, number)
            else:
                return None

    def _reported(self, error: KafkaError | None, record: Record, number: int) -> None:
        if error is None:
            self._delivered += 1
        elif error.code() in _FINAL:
            self._never[number] = (record, error.str())
        else:
            self._failed(error, record.topic)

    def _failed(self, error: KafkaError, topic: str) -> None:
        self._reason = error.str()
        if error.code() in DENIED:
            self._refused = NotGranted(self._brokers.address, f"WRITE on the topic {topic}", error.str())

    def check_topic(self, topic: str, partitions: int, seconds: float) -> bool:
        """Return whether the topic exists, with its partitions. It is also a check that Kafka answers at all.

        Raises:
            KafkaUnavailable: it does not.
            NotGranted, WrongPartitions: we may not see the topic, or it is not like ours.
        """
        producer = self._producer = self._producer or Producer(producer_config(self._brokers, self._seconds))
        try:
            found = producer.list_topics(topic, seconds).topics[topic]
            check_topic(topic, found, partitions)
        except KafkaException as error:
            rights = dict.fromkeys(DENIED, f"DESCRIBE on the topic {topic}")
            raise ClientErrors().failure(self._brokers.address, error, rights) from None
        return bool(found.partitions)

    def close(self) -> None:
        """Close the connections, and drop the queue: its records must not arrive after those that are sent again."""
        if self._producer is not None:
            with suppress(KafkaException, SystemError):  # a producer that failed for good raises once more
                self._producer.purge()
                self._producer.flush(0)
            self._producer = None


def _kafkas(error: KafkaException | SystemError) -> KafkaError:
    """Return Kafka's error. A producer that failed for good raises it within a report, as the cause of a SystemError.

    Raises:
        SystemError: its cause is another.
    """
    cause = error if isinstance(error, KafkaException) else error.__cause__
    if not isinstance(cause, KafkaException):
        raise error
    found: KafkaError = cause.args[0]
    return found


def producer_config(brokers: Brokers, seconds: float = DELIVERY_SECONDS) -> dict[str, Any]:
    """Return the configuration of our producers."""
    return brokers.client() | {
        "allow.auto.create.topics": False,  # we make them, with our number of partitions
        "enable.idempotence": True,
        "acks": "all",
        "linger.ms": 5,
        "compression.type": "lz4",
        "message.timeout.ms": int(seconds * 1000),
        "message.max.bytes": SENT_BYTES,
        "queue.buffering.max.messages": 200_000,
        "partitioner": "murmur2_random",  # as Java's clients do it, so that any tool finds a person's partition
    }
