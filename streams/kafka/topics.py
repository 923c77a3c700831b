"""The topics: their names, and their settings, which every start checks and applies.

Topics are made by us, never by the broker: the number of partitions decides which person's records go where.
"""

import time
from collections.abc import Mapping

from confluent_kafka import KafkaError, KafkaException
from confluent_kafka.admin import AdminClient
from confluent_kafka.admin._config import AlterConfigOpType, ConfigEntry, ConfigResource
from confluent_kafka.admin._metadata import TopicMetadata
from confluent_kafka.admin._resource import ResourceType
from confluent_kafka.cimpl import NewTopic
from msgspec import Struct

from streams.kafka.brokers import Brokers
from streams.kafka.errors import (
    DENIED,
    MAY_HEAL,
    ClientErrors,
    KafkaUnavailable,
    NotGranted,
    TopicRefused,
    WrongPartitions,
    WrongTopicSettings,
    reason_of,
    settings_line,
)

HOUR_MS = 3_600_000
FROM_ARRIVAL = {"message.timestamp.type": "LogAppendTime"}
"""The setting by which a record is as old as its arrival.

By default its producer gives its time: a record of 1970 is deleted at once, one of 2100 never.
"""
_LOOK_EVERY = 0.1
"""Seconds between two looks whether a topic is shown."""
SEGMENTS = 24
"""The segments of a partition: Kafka deletes whole ones only, and by default writes to one for a week."""


PARTITIONS = 12
"""The partitions of a topic, unless the settings say otherwise. They are for good: with another number, the same key
would go to another partition. More of them are a new generation of topics, by another prefix (docs/operations.md).
"""
DEAD_BYTES = 2 * 1024 * 1024
"""The largest record of the topic of refused events: larger than any that we send (streams/kafka/producer.py)."""


class Topics(Struct, frozen=True):
    """The brokers, and the names and settings of our topics; several platforms on one Kafka have prefixes.

    `replication`: copies of each partition; `retention_hours`: of wake-ups and replays; `life_hours`: of registries'
    events, accepted or refused, which are personal data; `answer_seconds`: Kafka's time to answer; `partitions`: of
    each topic.
    """

    brokers: Brokers
    prefix: str = ""
    replication: int = 1
    retention_hours: int = 7 * 24
    life_hours: int = 24
    answer_seconds: float = 5.0
    partitions: int = PARTITIONS

    @property
    def address(self) -> str:
        """The brokers' address."""
        return self.brokers.address

    @property
    def persons(self) -> str:
        """The topic of wake-ups: key = pseudonym, value = position, type and time; no personal data."""
        return f"{self.prefix}persons"

    @property
    def life_in(self) -> str:
        """The topic of registries' CloudEvents."""
        return f"{self.prefix}life-events.in"

    @property
    def life_dead(self) -> str:
        """The topic of refused CloudEvents, with the reason."""
        return f"{self.prefix}life-events.dead"

    def group(self, role: str) -> str:
        """Return the consumer group of a role."""
        return f"{self.prefix}habarshy-{role}"

    def hours(self) -> Mapping[str, int]:
        """Return every topic, with the hours that its records are kept."""
        return {
            self.persons: self.retention_hours,
            self.life_in: self.life_hours,
            self.life_dead: self.life_hours,
        }

    @property
    def replays(self) -> str:
        """The topic of replays, for other consumers than our workers."""
        return f"{self.persons}.replay"

    def ensure(self, hours: Mapping[str, int] | None = None) -> list[str]:
        """Make the missing topics: ours, or these (with the hours that their records are kept).

        Give our existing topics their retention; return a line for each that was altered.

        Raises:
            KafkaRefused, NotGranted: our user is not accepted, or lacks a right.
            KafkaUnavailable: Kafka does not answer, or does not show a topic yet that others made; waiting may help.
            WrongTopicSettings, TopicRefused, WrongPartitions: a topic cannot be made, or is not like ours.
        """
        heard = ClientErrors()
        admin = AdminClient(self.brokers.client() | {"error_cb": heard})
        wanted = self.hours() if hours is None else hours
        try:
            before = admin.list_topics(timeout=self.answer_seconds).topics
            by_others = self._make(admin, {name: kept for name, kept in wanted.items() if name not in before})
            found = self._shown(admin, by_others)
            for name in wanted.keys() & found.keys():
                check_topic(name, found[name], self.partitions)
            ours = self.hours().items()
            there = {name: self._kept(name, kept) for name, kept in ours if name in wanted and name in before}
            return self._apply(admin, there)
        except KafkaException as error:
            admin.poll(0)  # collects the errors of its connections
            raise heard.failure(self.address, error) from None

    def _make(self, admin: AdminClient, hours: Mapping[str, int]) -> set[str]:
        """Make these topics; return those that another process made meanwhile."""
        if not hours:
            return set()
        by_others = set()
        wanted = [self._wanted(name, kept) for name, kept in hours.items()]
        for name, made in admin.create_topics(wanted, operation_timeout=self.answer_seconds).items():
            try:
                made.result(self.answer_seconds * 2)
            except KafkaException as error:
                code = error.args[0].code()
                if code in MAY_HEAL:
                    raise
                if code in DENIED:
                    right = f"DESCRIBE on the topic {name}, or CREATE where it is missing"
                    raise NotGranted(self.address, right, reason_of(error)) from None
                if code != KafkaError.TOPIC_ALREADY_EXISTS:
                    raise TopicRefused(f"Kafka refuses to make the topic {name}: {reason_of(error)}.") from None
                by_others.add(name)
        return by_others

    def _shown(self, admin: AdminClient, by_others: set[str]) -> Mapping[str, TopicMetadata]:
        """Return all topics, once those are shown that others made: they may have another number of partitions.

        A broker shows a topic a moment after it was made.
        """
        until = time.monotonic() + self.answer_seconds
        while unseen := by_others - (found := admin.list_topics(timeout=self.answer_seconds).topics).keys():
            if time.monotonic() > until:
                raise KafkaUnavailable(self.address, f"it has the topic {min(unseen)} but does not show it yet")
            admin.poll(_LOOK_EVERY)
        return found

    def _apply(self, admin: AdminClient, settings: Mapping[str, Mapping[str, str]]) -> list[str]:
        """Give these topics their settings; return a line for each that was altered.

        Raises:
            WrongTopicSettings: one has other settings, and we may not alter it.
            NotGranted: we may not read the settings.
            KafkaException: no answer.
        """
        altered: list[str] = []
        for topic, wanted in settings.items():
            found = self._found(admin, topic)
            other = {name: found[name] for name, value in wanted.items() if found[name] != value}
            if other:
                instead = {name: wanted[name] for name in other}
                self._alter(admin, topic, other, instead)
                altered.append(f"the topic {topic} had {settings_line(other)}; it now has {settings_line(instead)}")
        return altered

    def _found(self, admin: AdminClient, topic: str) -> dict[str, str]:
        [asked] = admin.describe_configs([ConfigResource(ResourceType.TOPIC, topic)]).values()
        try:
            return {name: str(entry.value) for name, entry in asked.result(self.answer_seconds * 2).items()}
        except KafkaException as error:
            if error.args[0].code() in DENIED:
                raise NotGranted(self.address, f"DESCRIBE_CONFIGS on the topic {topic}", reason_of(error)) from None
            raise

    def _alter(self, admin: AdminClient, topic: str, found: Mapping[str, str], wanted: Mapping[str, str]) -> None:
        entries = [
            ConfigEntry(name, value, incremental_operation=AlterConfigOpType.SET) for name, value in wanted.items()
        ]
        resource = ConfigResource(ResourceType.TOPIC, topic, incremental_configs=entries)
        [asked] = admin.incremental_alter_configs([resource]).values()
        try:
            asked.result(self.answer_seconds * 2)
        except KafkaException as error:
            if error.args[0].code() in MAY_HEAL:
                raise
            raise WrongTopicSettings(
                f"The topic {topic} has {settings_line(found)}, so it keeps records otherwise than the settings say"
                f" ({reason_of(error)}). Have it altered: kafka-configs.sh --bootstrap-server {self.address} --alter"
                f" --entity-type topics --entity-name {topic} --add-config {settings_line(wanted)}"
            ) from None

    def _wanted(self, name: str, hours: int) -> NewTopic:
        kept = self._kept(name, hours)
        if name == self.life_dead:
            kept["max.message.bytes"] = str(DEAD_BYTES)
        return NewTopic(name, self.partitions, self.replication, config=kept)

    def _kept(self, name: str, hours: int) -> dict[str, str]:
        """Return a topic's retention settings; those with personal data count from a record's arrival."""
        kept = hours * HOUR_MS
        deleted = {"cleanup.policy": "delete", "retention.ms": str(kept), "segment.ms": str(kept // SEGMENTS)}
        return deleted | (FROM_ARRIVAL if name in {self.life_in, self.life_dead} else {})


def check_topic(topic: str, found: TopicMetadata, partitions: int) -> None:
    """Check the topic's number of partitions; a missing topic passes.

    Raises:
        WrongPartitions: it is another than ours.
        KafkaException: we may not see the topic.
    """
    if found.error is not None and found.error.code() in DENIED:
        raise KafkaException(found.error)
    if (count := len(found.partitions)) not in (0, partitions):
        raise WrongPartitions(
            f"The topic {topic} has {count} partitions, not {partitions}: a person's records would lose their order."
            " Let its readers drain it, delete it, and start again: it is made anew, and nothing is lost with it."
            " More partitions need topics of another prefix (docs/operations.md)."
        )
