"""The errors of the client by which a role looks at Kafka."""

from typing import Any, cast

from confluent_kafka import KafkaError

from streams.kafka.lag import KafkaLag
from streams.kafka.topics import Topics
from tests.world import NOON


class _Away:
    """A consumer whose broker is away: each look finds a further error."""

    def __init__(self) -> None:
        self.looks = 0

    def poll(self, _seconds: float) -> "_Away":
        self.looks += 1
        assert self.looks < 10_000, "they are collected without end"
        return self

    def error(self) -> KafkaError:
        return KafkaError(KafkaError._TRANSPORT)


def test_errors_that_come_without_end_are_not_collected_without_end() -> None:
    """Where Kafka is away its client's errors keep nobody from saying so."""
    consumer = _Away()
    lag = KafkaLag(Topics(cast("Any", None)), "worker", "persons", lambda: NOON)
    lag._collect_errors(cast("Any", consumer))
    assert consumer.looks > 1
