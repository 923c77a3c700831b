"""Relay: the log to Kafka, against a raw confluent-kafka producer that sends the same records in the same run."""

from confluent_kafka import Producer

from benchmarks.measuring import Row, ratio, seconds, sized
from benchmarks.production import copied, relayed, topics, waiting
from streams.kafka.brokers import Brokers
from streams.kafka.producer import producer_config
from streams.planning.wakeups import WakeUpReader, WakeUpRecord
from tests.services import kafka, postgres

EVENTS, ROUNDS = sized(20_000), sized(3)


def measure() -> tuple[list[Row], dict[str, float]]:
    with (
        postgres.server(lasting=True) as server,
        kafka.server() as broker,
        waiting(server, EVENTS) as at,
        copied(server, at) as on,
    ):
        to = topics(broker)
        with on.database.reading() as connection:
            woken = WakeUpReader(on.identity.names, 10**9).page_after(connection, 0)[1]
        to_raw, ours, raw = ratio(lambda _: relayed(on, to), lambda _: _raw(broker, to.persons, woken), ROUNDS)
    count = len(woken)
    rows = [Row("relay, PostgreSQL to Kafka", count / ours, "records/s", 20_000)]
    return rows, {"raw records/s": count / raw, "ratio to raw, %": 100 * to_raw}


def _raw(broker: str, topic: str, woken: list[WakeUpRecord]) -> float:
    producer = Producer(producer_config(Brokers(broker)))
    producer.produce(topic, b"", b"warm")
    producer.flush()

    def work() -> None:
        for key, value in woken:
            producer.produce(topic, value, key)
        producer.flush()

    return seconds(work)
