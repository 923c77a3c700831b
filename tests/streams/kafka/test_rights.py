"""A Kafka that asks who we are, and grants each user some rights: what we may not do is said."""

from collections.abc import Iterator
from contextlib import closing, suppress
from pathlib import Path

import msgspec
import pytest
from confluent_kafka.admin import AdminClient
from confluent_kafka.admin._acl import AclBinding, AclBindingFilter, AclOperation, AclPermissionType
from confluent_kafka.admin._resource import ResourcePatternType, ResourceType
from confluent_kafka.cimpl import NewTopic
from sqlalchemy.engine import URL

from app.clock import system_clock
from streams.kafka.brokers import Brokers
from streams.kafka.errors import KafkaUnavailable, NotGranted, WrongPartitions, WrongTopicSettings
from streams.kafka.lag import KafkaLag
from streams.kafka.producer import Record, Sender
from streams.kafka.relay import Relay
from streams.kafka.topics import PARTITIONS, Topics
from tests.services import kafka as broker
from tests.streams.distributed import Country, country, ended, eventually, everyday, lasting, process, says
from tests.streams.kafka.test_signing_in import assert_refused, assert_roles_work
from tests.streams.storing import PATIENCE

DESCRIBE = (AclOperation.DESCRIBE, AclOperation.DESCRIBE_CONFIGS)


@pytest.fixture(scope="module")
def asking() -> Iterator[broker.Broker]:
    """A broker at which all have to sign in, and one user may do nothing that it is not granted."""
    with broker.own(dict.fromkeys(["habarshy", "leaver", broker.LESSER], "right")) as made:
        yield made


@pytest.fixture
def land(server: URL, asking: broker.Broker, tmp_path: Path) -> Iterator[Country]:
    """A platform whose user may do everything, and whose topics are there."""
    with country(server, signed_in(asking.address, "habarshy"), tmp_path) as made:
        made.topics.ensure()
        yield made


def signed_in(at: str, user: str) -> Brokers:
    """How that user signs in."""
    return Brokers(at, username=user, password="right", mechanism="PLAIN")


def granted(land: Country, *operations: AclOperation) -> Topics:
    """The topics as the other user has them, who has these rights on each of them."""
    admin = AdminClient(land.topics.brokers.client())
    grant(admin, *(right(ResourceType.TOPIC, topic, each) for topic in land.topics.hours() for each in operations))
    topics = msgspec.structs.replace(land.topics, brokers=signed_in(land.topics.address, broker.LESSER))
    seeing = AdminClient(topics.brokers.client())
    eventually(lambda: topics.hours().keys() <= seeing.list_topics().topics.keys())
    return topics


def right(kind: ResourceType, name: str, operation: AclOperation) -> AclBinding:
    """One right of the lesser user."""
    return AclBinding(
        kind, name, ResourcePatternType.LITERAL, f"User:{broker.LESSER}", "*", operation, AclPermissionType.ALLOW
    )


def grant(admin: AdminClient, *rights: AclBinding) -> None:
    """Have the broker grant them."""
    for given in admin.create_acls(list(rights)).values():
        given.result()


def withdraw(admin: AdminClient, given: AclBinding) -> None:
    """Have the broker grant it no more."""
    this = AclBindingFilter(
        given.restype,
        given.name,
        given.resource_pattern_type,
        given.principal,
        given.host,
        given.operation,
        given.permission_type,
    )
    for taken in admin.delete_acls([this]).values():
        taken.result()


def test_roles_sign_in_to_kafka(land: Country) -> None:
    """Where Kafka asks who we are, relay and worker sign in; with a wrong password they end with 3, and say so."""
    assert_roles_work(land)
    assert_refused(land, ["worker"], "Invalid username or password", HABARSHY_KAFKA_PASSWORD="wr0ng")


def test_who_may_not_alter_a_topic_says_what_to_alter(land: Country) -> None:
    """A topic that keeps people's data for another time, and that we may not alter, stops us, with the command."""
    topics = granted(land, *DESCRIBE)
    assert topics.ensure() == []
    with pytest.raises(WrongTopicSettings, match=rf"{topics.life_in} .*retention.ms=86400000") as refused:
        msgspec.structs.replace(topics, life_hours=1).ensure()
    said = str(refused.value)
    assert f"kafka-configs.sh --bootstrap-server {topics.address} --alter" in said, "the tool does nothing without"
    assert f"--entity-name {topics.life_in} --add-config retention.ms=3600000" in said


def test_who_may_not_look_how_long_a_topic_keeps_is_told_so(land: Country) -> None:
    """Nobody works on a topic that may keep people's data for ever: who cannot know says which right is missing."""
    with pytest.raises(NotGranted, match="DESCRIBE_CONFIGS on the topic"):
        granted(land, AclOperation.DESCRIBE).ensure()


def test_a_topic_that_others_made_and_that_is_not_shown_is_not_worked_on(land: Country) -> None:
    """Nobody works on a topic that exists and is not seen, as one just made: it may have other partitions."""
    topics = msgspec.structs.replace(granted(land, *DESCRIBE), answer_seconds=1.0)
    admin = AdminClient(land.topics.brokers.client())
    name = f"{topics.prefix}made-by-others"
    grant(admin, right(ResourceType.TOPIC, name, AclOperation.CREATE))
    for made in admin.create_topics([NewTopic(name, PARTITIONS + 1, 1)]).values():
        made.result()
    with pytest.raises(KafkaUnavailable, match=f"{name} but does not show it yet"):
        lasting(lambda: topics.ensure({name: 1}), NotGranted, PATIENCE)
    grant(admin, right(ResourceType.TOPIC, name, AclOperation.DESCRIBE))
    with pytest.raises(WrongPartitions):
        lasting(lambda: topics.ensure({name: 1}), KafkaUnavailable, PATIENCE)


def test_a_relay_that_may_not_write_says_so(land: Country) -> None:
    """Without the right to write anywhere, of which a producer fails for good, a relay ends and says which."""
    land.take(*everyday(1))
    without = Relay(
        land.platform.database, land.platform.identity.names, granted(land, *DESCRIBE), land.clock, land.told.append
    )
    with pytest.raises(NotGranted, match=f"WRITE on the topic {land.topics.persons}"):
        without.run()


def test_a_record_that_may_not_be_written_is_not_sent_again(land: Country) -> None:
    """Without the right to write to one topic, a sender says so, and can still send to another."""
    topics = granted(land, *DESCRIBE)
    admin = AdminClient(land.topics.brokers.client())
    grant(admin, right(ResourceType.TOPIC, topics.life_dead, AclOperation.WRITE))
    with closing(Sender(topics.brokers)) as sender:
        eventually(lambda: sends(sender, topics.life_dead))
        with pytest.raises(NotGranted, match=f"WRITE on the topic {topics.persons}"):
            sender.send([Record(topics.persons, b"k", b"v")])
        assert sends(sender, topics.life_dead)


def sends(sender: Sender, topic: str) -> bool:
    """Whether it may by now."""
    with suppress(NotGranted):
        return sender.send([Record(topic, b"k", b"v")]) == 1
    return False


def test_who_may_not_read_is_told_so(land: Country) -> None:
    """Where a group or a topic may not be read, the look at it says which, and not that Kafka does not answer."""
    topics = granted(land, *DESCRIBE)
    assert_not_read(topics, f"READ on the group {topics.group('worker')}")
    others = msgspec.structs.replace(topics, prefix="nobodys.")
    grant(
        AdminClient(land.topics.brokers.client()),
        right(ResourceType.GROUP, others.group("worker"), AclOperation.READ),
    )
    assert_not_read(others, "READ on the topic nobodys.persons")


def assert_not_read(topics: Topics, words: str) -> None:
    """The look at the topic of those who are woken ends with these words."""
    with (
        closing(KafkaLag(topics, "worker", topics.persons, system_clock)) as lag,
        pytest.raises(NotGranted, match=words),
    ):
        lag.partitions()


def test_who_may_look_at_a_group_and_not_join_it_is_told_so(land: Country) -> None:
    """With DESCRIBE on its group alone a worker would get nothing for ever, and say nothing: it ends with 3."""
    topics = worker_without_group(land)
    code, said = ended(process(land, "worker", HABARSHY_KAFKA_USERNAME=broker.LESSER))
    right_missing = f"does not grant us READ on the group {topics.group('worker')}"
    assert (code, right_missing in said, "Traceback" in said) == (3, True, False), said
    with closing(KafkaLag(topics, "worker", topics.persons, system_clock)) as lag:
        assert len(lag.partitions()) == PARTITIONS  # the console, which joins nothing, sees what waits


def test_a_right_to_join_that_is_taken_away_ends_the_worker(land: Country) -> None:
    """Who had READ on its group and has it no more is told so while it runs."""
    topics = worker_without_group(land)
    admin = AdminClient(land.topics.brokers.client())
    reading = right(ResourceType.GROUP, topics.group("worker"), AclOperation.READ)
    grant(admin, reading)
    running = process(land, "worker", HABARSHY_KAFKA_USERNAME=broker.LESSER)
    says(running, "working on")
    withdraw(admin, reading)
    code, said = ended(running)
    assert (code, f"READ on the group {topics.group('worker')}" in said, "Traceback" in said) == (3, True, False), (
        said
    )


def worker_without_group(land: Country) -> Topics:
    """The topics as the other user has them, who has all the rights of a worker but that to join its group."""
    topics = granted(land, *DESCRIBE, AclOperation.READ)
    group = right(ResourceType.GROUP, topics.group("worker"), AclOperation.DESCRIBE)
    grant(AdminClient(land.topics.brokers.client()), group)
    return topics


def test_a_password_that_is_changed_ends_who_reads(server: URL, asking: broker.Broker, tmp_path: Path) -> None:
    """A worker and an intake that Kafka lets in no more end with 3 and the words of one that never came in."""
    with country(server, signed_in(asking.address, "habarshy"), tmp_path) as land:
        roles = [
            process(land, *role, HABARSHY_KAFKA_USERNAME="leaver") for role in (["worker"], ["worker", "--intake"])
        ]
        for role in roles:
            says(role, "working on")
        asking.change("leaver", "right", "another")
        for role in roles:
            code, said = ended(role)
            assert (code, "HABARSHY_KAFKA_USERNAME and _PASSWORD" in said, "Traceback" in said) == (3, True, False), (
                said
            )
