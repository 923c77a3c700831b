"""The topics as they stand at a broker: for how long they keep records, and in how many partitions."""

import itertools
from collections.abc import Iterator, Mapping
from concurrent.futures import wait

import msgspec
import pytest
from confluent_kafka import TIMESTAMP_LOG_APPEND_TIME, Consumer, Producer, TopicPartition
from confluent_kafka.admin import AdminClient
from confluent_kafka.admin._config import ConfigResource
from confluent_kafka.admin._resource import ResourceType
from confluent_kafka.cimpl import NewPartitions, NewTopic

from streams.kafka.brokers import Brokers
from streams.kafka.errors import WrongPartitions
from streams.kafka.topics import PARTITIONS, Topics
from tests.streams.distributed import Country, ended, eventually, process, says
from tests.streams.storing import PATIENCE

HOUR, TIME = 3_600_000, "message.timestamp.type"
_numbers = itertools.count(1)


@pytest.fixture
def topics(kafka: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Topics]:
    """Names that nobody else has, of topics that nobody has made."""
    made = Topics(Brokers(kafka), prefix=f"{tmp_path_factory.getbasetemp().name}-{next(_numbers)}.")
    yield made
    admin = AdminClient(made.brokers.client())
    wait(admin.delete_topics([*made.hours(), made.replays]).values())


def kept(topics: Topics, topic: str) -> list[str]:
    """How the broker goes about what is old in a topic, from when on, when it begins a new segment, by what time."""
    admin = AdminClient(topics.brokers.client())
    [asked] = admin.describe_configs([ConfigResource(ResourceType.TOPIC, topic)]).values()
    found = asked.result()
    return [str(found[name].value) for name in ("cleanup.policy", "retention.ms", "segment.ms", TIME)]


def for_hours(hours: int, by: str = "LogAppendTime") -> list[str]:
    """How it is to be."""
    return ["delete", str(hours * HOUR), str(hours * HOUR // 24), by]


def make(topics: Topics, topic: str, partitions: int, config: Mapping[str, str] | None = None) -> None:
    """Somebody else makes a topic."""
    admin = AdminClient(topics.brokers.client())
    [made] = admin.create_topics([NewTopic(topic, partitions, 1, config=dict(config or {}))]).values()
    made.result()
    eventually(lambda: topic in admin.list_topics().topics)


def test_topics_keep_records_as_long_as_is_set_now(topics: Topics) -> None:
    """Where another time is set than when a topic was made, it is altered at the next start, and that is told."""
    assert topics.ensure() == []
    assert topics.ensure() == []
    assert kept(topics, topics.life_in) == for_hours(24)
    told = msgspec.structs.replace(topics, life_hours=1).ensure()
    ours = (topics.life_in, topics.life_dead)
    eventually(lambda: [kept(topics, name) for name in ours] == [for_hours(1)] * 2)
    assert kept(topics, topics.persons) == for_hours(7 * 24, by="CreateTime")
    assert [f"the topic {topics.life_in} had retention.ms=86400000" in told[0], len(told)] == [True, 2]


def test_a_topic_that_others_made_keeps_no_longer(topics: Topics) -> None:
    """Where a topic for what registries send was made to be kept for ever, it is not: people's data would be."""
    make(topics, topics.life_in, PARTITIONS, {"cleanup.policy": "compact", "retention.ms": "-1", TIME: "CreateTime"})
    [told] = topics.ensure()
    eventually(lambda: kept(topics, topics.life_in) == for_hours(24))
    assert "cleanup.policy=compact,retention.ms=-1" in told
    assert told.endswith(f"{TIME}=LogAppendTime")


def test_a_record_is_as_old_as_it_is_here(topics: Topics) -> None:
    """Whatever time a registry gives a record of people's data, how long it is kept counts from when it came."""
    topics.ensure()
    producer = Producer(topics.brokers.client())
    for at in (1, 4_102_444_800_000):  # of 1970, and of 2100
        producer.produce(topics.life_in, b"{}", partition=0, timestamp=at)
    assert producer.flush(PATIENCE) == 0
    reading = Consumer(topics.brokers.client() | {"group.id": "looking"})
    reading.assign([TopicPartition(topics.life_in, 0, 0)])
    found = [message.timestamp() for message in reading.consume(2, PATIENCE)]
    reading.close()
    assert [kind for kind, _ in found] == [TIMESTAMP_LOG_APPEND_TIME] * 2
    assert abs(found[0][1] - found[1][1]) < HOUR


def test_the_topic_of_a_replay_has_our_partitions(topics: Topics) -> None:
    """A replay goes to no topic in which the same person's records lie elsewhere than in that of the relay."""
    make(topics, topics.replays, PARTITIONS // 2)
    with pytest.raises(WrongPartitions, match=r"persons.replay has 6 partitions, not 12"):
        topics.ensure({topics.replays: 1})


def test_a_relay_says_what_it_altered(land: Country) -> None:
    """What was set right stands in the log of the role that did it."""
    make(land.topics, land.topics.life_in, PARTITIONS, {"retention.ms": "-1"})
    land.relayed()
    assert f"the topic {land.topics.life_in} had retention.ms=-1" in land.told[0]


def test_partitions_that_are_altered_end_the_roles(land: Country) -> None:
    """Where somebody gives a topic more partitions, the roles that are at work end as they would at their start."""
    roles = [process(land, "relay"), process(land, "worker")]
    for role in roles:
        says(role, "relaying to", "working on")
    admin = AdminClient(land.topics.brokers.client())
    [altered] = admin.create_partitions([NewPartitions(land.topics.persons, 2 * PARTITIONS)]).values()
    altered.result()
    for role in roles:
        code, said = ended(role)
        assert (code, "persons has 24 partitions, not 12" in said, "Traceback" in said) == (3, True, False), said
