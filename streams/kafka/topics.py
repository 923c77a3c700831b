"""The topics: what they are called, and how they are made.

Topics are made by us, never by the broker: how many partitions they have decides which person's records go where.

How long topics keep records: looked at with every start, and set right, whoever made the topic and when.
"""

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
    Heard,
    KeptOtherwise,
    NotGranted,
    TopicRefused,
    WrongPartitions,
    reason_of,
    settings_line,
)

HOUR_MS = 3_600_000
FROM_ARRIVAL = {"message.timestamp.type": "LogAppendTime"}
"""By Kafka's default a record is as old as its producer says: one of 1970 is forgotten at once, one of 2100 never."""
SEGMENTS = 24
"""Of a partition: Kafka forgets whole ones, and goes on writing to one for a week, however briefly it is kept."""


def kept_for(hours: int) -> dict[str, str]:
    """The settings of a topic that keeps records for so long."""
    kept = hours * HOUR_MS
    return {"cleanup.policy": "delete", "retention.ms": str(kept), "segment.ms": str(kept // SEGMENTS)}


def set_right(
    address: str, admin: AdminClient, settings: Mapping[str, Mapping[str, str]], seconds: float
) -> list[str]:
    """Have these topics keep their records as these settings say; returns what was altered for that, in words.

    Raises:
        KeptOtherwise: one does not, and we may not alter it.
        NotGranted: we may not even look.
        KafkaException: no answer.
    """
    altered: list[str] = []
    for topic, wanted in settings.items():
        found = _found(address, admin, topic, seconds)
        other = {name: found[name] for name, value in wanted.items() if found[name] != value}
        if other:
            instead = {name: wanted[name] for name in other}
            _alter(address, admin, topic, other, instead, seconds)
            altered.append(f"the topic {topic} had {settings_line(other)}; it now has {settings_line(instead)}")
    return altered


def _found(address: str, admin: AdminClient, topic: str, seconds: float) -> dict[str, str]:
    [asked] = admin.describe_configs([ConfigResource(ResourceType.TOPIC, topic)]).values()
    try:
        return {name: str(entry.value) for name, entry in asked.result(seconds).items()}
    except KafkaException as error:
        if error.args[0].code() in DENIED:
            raise NotGranted(address, f"DESCRIBE_CONFIGS on the topic {topic}", reason_of(error)) from None
        raise


def _alter(
    address: str, admin: AdminClient, topic: str, found: Mapping[str, str], wanted: Mapping[str, str], seconds: float
) -> None:
    entries = [
        ConfigEntry(name, value, incremental_operation=AlterConfigOpType.SET) for name, value in wanted.items()
    ]
    resource = ConfigResource(ResourceType.TOPIC, topic, incremental_configs=entries)
    [asked] = admin.incremental_alter_configs([resource]).values()
    try:
        asked.result(seconds)
    except KafkaException as error:
        if error.args[0].code() in MAY_HEAL:
            raise
        raise KeptOtherwise(address, topic, found, wanted, reason_of(error)) from None


PARTITIONS = 12
"""Of every topic, for good: with another number, the same key would go to another partition."""
DEAD_BYTES = 2 * 1024 * 1024
"""The largest record that the topic of refused events takes: more than we send (streams/kafka/records.py)."""


class Topics(Struct, frozen=True):
    """Where Kafka is, and the names of what is ours there; several platforms on one Kafka have prefixes.

    `replication`: copies of each partition; `retention_hours`: of what only wakes. What registries send in, and
    what of it was refused, is kept `life_hours`: it is people's data. `answer_seconds`: how long Kafka may take.
    """

    brokers: Brokers
    prefix: str = ""
    replication: int = 1
    retention_hours: int = 7 * 24
    life_hours: int = 24
    answer_seconds: float = 5.0

    @property
    def address(self) -> str:
        """Where Kafka is."""
        return self.brokers.address

    @property
    def persons(self) -> str:
        """Who has something new: key = pseudonym, value = position, type and time; no personal data."""
        return f"{self.prefix}persons"

    @property
    def life_in(self) -> str:
        """CloudEvents of registries."""
        return f"{self.prefix}life-events.in"

    @property
    def life_dead(self) -> str:
        """Those of them that were refused, with the reason."""
        return f"{self.prefix}life-events.dead"

    def group(self, role: str) -> str:
        """The consumer group of a role."""
        return f"{self.prefix}habarshy-{role}"

    def hours(self) -> Mapping[str, int]:
        """Every topic, and for how long its records are kept."""
        return {
            self.persons: self.retention_hours,
            self.life_in: self.life_hours,
            self.life_dead: self.life_hours,
        }

    @property
    def replays(self) -> str:
        """Where a range of the log goes once more, for others than our workers."""
        return f"{self.persons}.replay"

    def ensure(self, hours: Mapping[str, int] | None = None) -> list[str]:
        """Make the topics that are missing, of ours or of these (with how long their records are kept).

        Returns what was altered of those of ours that were there and kept their records for another time.

        Raises:
            KafkaRefused, NotGranted: who we say we are is not accepted, or has not the rights.
            KafkaUnavailable: it does not answer, which may heal.
            KeptOtherwise, TopicRefused, WrongPartitions: a topic cannot be made, or is another than ours.
        """
        heard = Heard()
        admin = AdminClient(self.brokers.client() | {"error_cb": heard})
        wanted = self.hours() if hours is None else hours
        try:
            before = admin.list_topics(timeout=self.answer_seconds).topics
            self._make(admin, {name: kept for name, kept in wanted.items() if name not in before})
            found = admin.list_topics(timeout=self.answer_seconds).topics
            for name in wanted.keys() & found.keys():
                check_topic(name, found[name])
            ours = self.hours().items()
            there = {name: self._kept(name, kept) for name, kept in ours if name in wanted and name in before}
            return set_right(self.address, admin, there, self.answer_seconds * 2)
        except KafkaException as error:
            admin.poll(0)  # what it heard on its connections meanwhile
            raise heard.failure(self.address, error) from None

    def _make(self, admin: AdminClient, hours: Mapping[str, int]) -> None:
        if not hours:
            return
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
                if code != KafkaError.TOPIC_ALREADY_EXISTS:  # another process was quicker
                    raise TopicRefused(name, reason_of(error)) from None

    def _wanted(self, name: str, hours: int) -> NewTopic:
        kept = self._kept(name, hours)
        if name == self.life_dead:
            kept["max.message.bytes"] = str(DEAD_BYTES)
        return NewTopic(name, PARTITIONS, self.replication, config=kept)

    def _kept(self, name: str, hours: int) -> dict[str, str]:
        """How it keeps records; people's data from when it came, whatever time its sender gave it."""
        return kept_for(hours) | (FROM_ARRIVAL if name in {self.life_in, self.life_dead} else {})


def check_topic(topic: str, found: TopicMetadata) -> None:
    """Nothing, if its partitions are as many as ours, or it is gone.

    Raises:
        WrongPartitions: there are others.
        KafkaException: we may not see it.
    """
    if found.error is not None and found.error.code() in DENIED:
        raise KafkaException(found.error)
    if (count := len(found.partitions)) not in (0, PARTITIONS):
        raise WrongPartitions(topic, count, PARTITIONS)
