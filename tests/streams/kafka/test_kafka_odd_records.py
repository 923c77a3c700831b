"""Intake from Kafka where records are larger than ours may be, or belong to transactions."""

from collections.abc import Iterator
from contextlib import contextmanager
from random import Random
from typing import Any

import pytest
from confluent_kafka import Producer
from confluent_kafka.admin import AdminClient
from confluent_kafka.cimpl import NewTopic

from streams.kafka.lag import KafkaLag
from streams.kafka.producer import Record, Sender, producer_config
from streams.kafka.topics import PARTITIONS
from tests.streams.distributed import Country, Found, eventually
from tests.streams.registries import STRUCTURED, body, taken, taking_in
from tests.streams.storing import PATIENCE
from tests.world import LONG_AGO, card, iin, registered

AIGERIM, DANA = iin(1), iin(2)
CARD = card(AIGERIM, "2025-07-20")
AS_MUCH_AS_JAVA_SENDS = 1_040_000


def with_headers(*more: tuple[str, bytes]) -> dict[str, str | bytes | None]:
    """An event's headers, and more."""
    return dict([*STRUCTURED, *more])


def noise(size: int) -> bytes:
    """So many bytes that no compression makes fewer."""
    return Random(7).randbytes(size)  # noqa: S311  (nobody's secret)


@contextmanager
def registry(land: Country, **how: Any) -> Iterator[Producer]:
    """A producer of its own, which sends larger records than ours."""
    settings = {name.replace("_", "."): value for name, value in how.items()}
    made = Producer(producer_config(land.topics.brokers) | {"message.max.bytes": 8_000_000} | settings)
    yield made
    assert made.flush(PATIENCE) == 0


def made_before(land: Country, topic: str, **config: str) -> None:
    """The topic is there already, as somebody else made it."""
    config = {name.replace("_", "."): value for name, value in config.items()}
    admin = AdminClient(land.topics.brokers.client())
    for made in admin.create_topics([NewTopic(topic, PARTITIONS, 1, config=config)]).values():
        made.result()


def passed_on(land: Country) -> Found:
    """What was passed on, after which the next event was stored."""
    [dead] = land.records(land.topics.life_dead)
    assert land.platform.planning.planning.waiting() == [land.platform.identity.names.pseudonym(AIGERIM)]
    assert dead.headers["habarshy_code"] == b"too_large"
    return dead


def test_as_large_a_record_as_kafka_takes_is_passed_on(land: Country) -> None:
    """What is refused for its size goes on with its payload, up to what a broker takes, and stops nobody."""
    large = b" " * AS_MUCH_AS_JAVA_SENDS
    with taking_in(land) as send:
        with registry(land) as producer:
            producer.produce(land.topics.life_in, large, b"k", headers=with_headers())
        send(body(CARD), STRUCTURED)
        eventually(taken(land, 2))
    dead = passed_on(land)
    assert (dead.key, dead.value) == (b"k", large)


@pytest.mark.parametrize("size", [1_500_000, 3_000_000])
def test_what_kafka_never_takes_is_passed_on_without_its_value(land: Country, size: int) -> None:
    """Where the broker or our own client refuses a record for ever, its key, headers, reason and size go on."""
    made_before(land, land.topics.life_in, max_message_bytes="4000000")
    made_before(land, land.topics.life_dead)
    with taking_in(land) as send:
        with registry(land, compression_type="none") as producer:
            producer.produce(land.topics.life_in, noise(size), b"k", headers=with_headers(("trace", b"7")))
        send(body(CARD), STRUCTURED)
        eventually(taken(land, 2))
    dead = passed_on(land)
    assert (dead.key, dead.value, dead.headers["trace"]) == (b"k", None, b"7")
    assert dead.headers["habarshy_left_out_bytes"] == str(size).encode()


def test_headers_that_kafka_never_takes_stop_nobody(land: Country) -> None:
    """Where key and headers alone are too large, only the reason and where it stands are passed on."""
    made_before(land, land.topics.life_in, max_message_bytes="8000000")
    with taking_in(land) as send:
        with registry(land, compression_type="none") as producer:
            headers = with_headers(("trace", b"7" * 3_000_000))
            producer.produce(land.topics.life_in, bytes(300_000), b"k", headers=headers)
        send(body(CARD), STRUCTURED)
        eventually(taken(land, 2))
    dead = passed_on(land)
    assert (dead.key, dead.value, "trace" in dead.headers) == (None, None, False)
    assert dead.headers["habarshy_origin"].startswith(land.topics.life_in.encode())


def transaction(land: Country, *values: bytes, committed: bool) -> None:
    """A registry reports these in one transaction, which it commits or gives up; all go to one partition."""
    with registry(land, transactional_id=f"{land.topics.prefix}registry") as producer:
        producer.init_transactions(PATIENCE)
        producer.begin_transaction()
        for value in values:
            producer.produce(land.topics.life_in, value, b"one place", headers=with_headers())
        producer.flush(PATIENCE)
        (producer.commit_transaction if committed else producer.abort_transaction)(PATIENCE)


def test_only_what_a_registry_committed_is_taken_in(land: Country) -> None:
    """Events of a transaction that was given up are no facts; those of one that was committed are."""
    aigerim, dana = (registered(who, LONG_AGO) for who in (AIGERIM, DANA))
    with taking_in(land):
        transaction(land, *map(body, dana), committed=False)
        transaction(land, *map(body, aigerim), committed=True)
        eventually(lambda: bool(land.platform.planning.planning.waiting()))
    assert land.platform.planning.planning.waiting() == [land.platform.identity.names.pseudonym(AIGERIM)]
    assert land.records(land.topics.life_dead) == []


@pytest.mark.parametrize("last", [True, False])
def test_behind_a_transaction_nothing_waits(land: Country, last: bool) -> None:  # noqa: FBT001  (a parameter)
    """Where the last thing in a partition says how a transaction ended, nothing waits, and intake starts there."""
    with taking_in(land):
        transaction(land, *map(body, registered(AIGERIM, LONG_AGO)), committed=True)
        transaction(land, body(CARD), committed=last)
        eventually(lambda: land.committed("intake", land.topics.life_in) >= 3)
    lag = KafkaLag(land.topics, "intake", land.topics.life_in, land.clock)
    assert sum(each.count for each in lag.partitions()) == 0
    lag.close()
    told = len(land.told)
    with taking_in(land) as send:
        eventually(lambda: any(each.startswith("working on") for each in land.told[told:]))
        for envelope in registered(DANA, LONG_AGO):
            send(body(envelope), STRUCTURED)
        eventually(lambda: len(land.platform.planning.planning.waiting()) == 2)
    assert not [each for each in land.told[told:] if "does not answer" in each]


def test_what_waits_is_counted_also_beside_transactions(land: Country) -> None:
    """A record that waits is seen with its age, wherever transactions end beside it."""
    land.topics.ensure()
    transaction(land, body(CARD), committed=False)
    sender = Sender(land.topics.brokers)
    sender.send([Record(land.topics.life_in, b"elsewhere", body(CARD), STRUCTURED)])
    sender.close()
    lag = KafkaLag(land.topics, "intake", land.topics.life_in, land.clock)
    assert [each.count for each in lag.partitions() if each.count] == [1]
    lag.close()
