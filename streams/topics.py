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

PARTITIONS = 12
"""Of every topic, for good: with another number, the same key would go to another partition."""
HOUR_MS = 3_600_000
DEAD_BYTES = 2 * 1024 * 1024
"""The largest record that the topic of refused events takes: more than we send (streams/records.py)."""


class KafkaUnavailable(Exception):
    """Kafka does not answer at {address} ({reason}). Start it, or name another in HABARSHY_KAFKA.

    One that expects TLS closes the connection: see HABARSHY_KAFKA_TLS.
    """

    def __init__(self, address: str, reason: str) -> None:
        text = " ".join((type(self).__doc__ or "").split())
        super().__init__(text.format(address=address, reason=reason))


class KafkaRefused(Exception):
    """Kafka at {address} refuses us ({reason}). Look at HABARSHY_KAFKA_USERNAME and _PASSWORD, _TLS, _CA_FILE."""

    def __init__(self, address: str, reason: str) -> None:
        super().__init__((type(self).__doc__ or "").format(address=address, reason=reason))


class WrongPartitions(Exception):
    """The topic {topic} has {found} partitions, not {wanted}: a person's records would lose their order.

    Let the workers drain it, delete it, and start again: it is made anew, and nothing is lost with it.
    """

    def __init__(self, topic: str, found: int, wanted: int) -> None:
        text = " ".join((type(self).__doc__ or "").split())
        super().__init__(text.format(topic=topic, found=found, wanted=wanted))


class TopicRefused(Exception):
    """Kafka refuses to make the topic {topic}: {reason}."""

    def __init__(self, topic: str, reason: str) -> None:
        super().__init__((type(self).__doc__ or "").format(topic=topic, reason=reason))


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
            self.persons: self.retention_hours, self.life_in: self.life_hours, self.life_dead: self.life_hours,
        }  # fmt: skip

    @property
    def replays(self) -> str:
        """Where a range of the log goes once more, for others than our workers."""
        return f"{self.persons}.replay"

    def ensure(self, hours: Mapping[str, int] | None = None) -> None:
        """Make the topics that are missing, of ours or of these (with how long their records are kept).

        Raises:
            KafkaRefused: who we say we are is not accepted.
            KafkaUnavailable: it does not answer, which may heal.
            TopicRefused, WrongPartitions: a topic cannot be made, or is another than ours.
        """
        heard: list[KafkaError] = []
        admin = AdminClient(self.brokers.client() | {"error_cb": heard.append})
        try:
            found = admin.list_topics(timeout=self.answer_seconds).topics
            wanted = self.hours() if hours is None else hours
            self._make(admin, {name: kept for name, kept in wanted.items() if name not in found})
            found = admin.list_topics(timeout=self.answer_seconds).topics
        except KafkaException as error:
            admin.poll(0)  # what it heard on its connections meanwhile
            if refusals := [each for each in heard if each.code() in _REFUSED]:
                raise KafkaRefused(self.address, refusals[0].str()) from None
            telling = [each for each in heard if each.code() != KafkaError._ALL_BROKERS_DOWN]  # noqa: SLF001  (public, so named by the library)
            reason = telling[0].str() if telling else reason_of(error)
            raise KafkaUnavailable(self.address, reason) from None
        self._check(found)

    def _make(self, admin: AdminClient, hours: Mapping[str, int]) -> None:
        if not hours:
            return
        wanted = [self._wanted(name, kept) for name, kept in hours.items()]
        for name, made in admin.create_topics(wanted, operation_timeout=self.answer_seconds).items():
            try:
                made.result(self.answer_seconds * 2)
            except KafkaException as error:
                code = error.args[0].code()
                if code in _MAY_HEAL:
                    raise
                if code != KafkaError.TOPIC_ALREADY_EXISTS:  # another process was quicker
                    raise TopicRefused(name, reason_of(error)) from None

    def _wanted(self, name: str, hours: int) -> NewTopic:
        kept = {"cleanup.policy": "delete", "retention.ms": str(hours * HOUR_MS)}
        if name == self.life_dead:
            kept["max.message.bytes"] = str(DEAD_BYTES)
        return NewTopic(name, PARTITIONS, self.replication, config=kept)

    def _check(self, found: Mapping[str, TopicMetadata]) -> None:
        for name in self.hours():
            if name in found and (count := len(found[name].partitions)) != PARTITIONS:
                raise WrongPartitions(name, count, PARTITIONS)


_MAY_HEAL = frozenset({KafkaError._TRANSPORT, KafkaError._TIMED_OUT, KafkaError.REQUEST_TIMED_OUT})  # noqa: SLF001  (public, so named by the library)


_REFUSED = frozenset({KafkaError._AUTHENTICATION, KafkaError._SSL, KafkaError.SASL_AUTHENTICATION_FAILED})  # noqa: SLF001  (the same)


def reason_of(error: KafkaException) -> str:
    """The broker's word for it."""
    return str(error.args[0].str())
