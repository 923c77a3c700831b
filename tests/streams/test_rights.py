"""A Kafka that asks who we are, and grants each user some rights: what we may not do is said."""

from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest
from confluent_kafka.admin import AdminClient
from confluent_kafka.admin._acl import AclBinding, AclOperation, AclPermissionType
from confluent_kafka.admin._resource import ResourcePatternType, ResourceType
from sqlalchemy.engine import URL

from streams.brokers import Brokers
from streams.kafka_failures import KeptOtherwise, NotGranted
from streams.topics import Topics
from tests.services import kafka as broker
from tests.streams.distributed import Country, country, eventually
from tests.streams.test_signing_in import assert_refused, assert_roles_work

DESCRIBE = (AclOperation.DESCRIBE, AclOperation.DESCRIBE_CONFIGS)


@pytest.fixture(scope="module")
def asking() -> Iterator[broker.Broker]:
    """A broker at which all have to sign in, where one user may do everything, and the other one nothing."""
    with broker.own({"habarshy": "right", "lesser": "right"}) as made:
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
    rights = [_right(topic, each) for topic in land.topics.hours() for each in operations]
    for given in admin.create_acls(rights).values():
        given.result()
    topics = msgspec.structs.replace(land.topics, brokers=signed_in(land.topics.address, "lesser"))
    seeing = AdminClient(topics.brokers.client())
    eventually(lambda: topics.hours().keys() <= seeing.list_topics().topics.keys())
    return topics


def _right(topic: str, operation: AclOperation) -> AclBinding:
    return AclBinding(
        ResourceType.TOPIC, topic, ResourcePatternType.LITERAL, "User:lesser", "*", operation, AclPermissionType.ALLOW
    )


def test_roles_sign_in_to_kafka(land: Country) -> None:
    """Where Kafka asks who we are, relay and worker sign in; with a wrong password they end with 3, and say so."""
    assert_roles_work(land)
    assert_refused(land, ["worker"], "Invalid username or password", HABARSHY_KAFKA_PASSWORD="wr0ng")


def test_who_may_not_alter_a_topic_says_what_to_alter(land: Country) -> None:
    """A topic that keeps people's data for another time, and that we may not alter, stops us, with the command."""
    topics = granted(land, *DESCRIBE)
    assert topics.ensure() == []
    with pytest.raises(KeptOtherwise, match=rf"{topics.life_in} .*retention.ms=86400000") as refused:
        msgspec.structs.replace(topics, life_hours=1).ensure()
    assert f"--entity-name {topics.life_in} --add-config retention.ms=3600000" in str(refused.value)


def test_who_may_not_look_how_long_a_topic_keeps_is_told_so(land: Country) -> None:
    """Nobody works on a topic that may keep people's data for ever: who cannot know says which right is missing."""
    with pytest.raises(NotGranted, match="DESCRIBE_CONFIGS on the topic"):
        granted(land, AclOperation.DESCRIBE).ensure()
