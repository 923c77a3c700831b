"""The topics: what they are called, and how they are made.

Topics are made by us, never by the broker: how many partitions they have decides which person's records go where.
"""

from collections.abc import Mapping

from confluent_kafka import KafkaError, KafkaException
from confluent_kafka.admin import AdminClient
from confluent_kafka.admin._metadata import TopicMetadata
from confluent_kafka.cimpl import NewTopic
from msgspec import Struct

from streams.brokers import Brokers
from streams.kafka_failures import DENIED, MAY_HEAL, Heard, NotGranted, TopicRefused, WrongPartitions, reason_of
from streams.topic_settings import FROM_ARRIVAL, kept_for, set_right

PARTITIONS = 12
"""Of every topic, for good: with another number, the same key would go to another partition."""
DEAD_BYTES = 2 * 1024 * 1024
"""The largest record that the topic of refused events takes: more than we send (streams/records.py)."""


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
