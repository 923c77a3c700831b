"""What Kafka keeps us from, in words: what waiting heals (it does not answer), and what it does not."""

from collections import deque
from collections.abc import Mapping

from confluent_kafka import KafkaError, KafkaException


class KafkaFailure(Exception):
    """Kafka keeps us from our work; each kind says in its own words why."""

    def __init__(self, **named: object) -> None:
        text = " ".join((type(self).__doc__ or "").split())
        super().__init__(text.format(**named))


class KafkaUnavailable(KafkaFailure):
    """Kafka does not answer at {address} ({reason}). Start it, or name another in HABARSHY_KAFKA.

    One that expects TLS closes the connection: see HABARSHY_KAFKA_TLS.
    """

    def __init__(self, address: str, reason: str) -> None:
        super().__init__(address=address, reason=reason)


class KafkaRefused(KafkaFailure):
    """Kafka at {address} refuses us ({reason}). Look at HABARSHY_KAFKA_USERNAME and _PASSWORD, _TLS, _CA_FILE."""

    def __init__(self, address: str, reason: str) -> None:
        super().__init__(address=address, reason=reason)


class NotGranted(KafkaFailure):
    """Kafka at {address} does not grant us {right} ({reason}).

    Let the user in HABARSHY_KAFKA_USERNAME have it; docs/kafka.md says which rights each role needs.
    """

    def __init__(self, address: str, right: str, reason: str) -> None:
        super().__init__(address=address, right=right, reason=reason)


class WrongPartitions(KafkaFailure):
    """The topic {topic} has {found} partitions, not {wanted}: a person's records would lose their order.

    Let its readers drain it, delete it, and start again: it is made anew, and nothing is lost with it.
    """

    def __init__(self, topic: str, found: int, wanted: int) -> None:
        super().__init__(topic=topic, found=found, wanted=wanted)


class TopicRefused(KafkaFailure):
    """Kafka refuses to make the topic {topic}: {reason}."""

    def __init__(self, topic: str, reason: str) -> None:
        super().__init__(topic=topic, reason=reason)


class KeptOtherwise(KafkaFailure):
    """The topic {topic} has {found}, so it keeps records otherwise than the settings say ({reason}).

    Have it altered: kafka-configs.sh --bootstrap-server {address} --alter --entity-type topics --entity-name {topic}
    --add-config {wanted}
    """

    def __init__(
        self, address: str, topic: str, found: Mapping[str, str], wanted: Mapping[str, str], reason: str
    ) -> None:
        found_line, wanted_line = settings_line(found), settings_line(wanted)
        super().__init__(address=address, topic=topic, found=found_line, wanted=wanted_line, reason=reason)


MAY_HEAL = frozenset({KafkaError._TRANSPORT, KafkaError._TIMED_OUT, KafkaError.REQUEST_TIMED_OUT})  # noqa: SLF001  (public, so named by the library)
_REFUSED = frozenset({KafkaError._AUTHENTICATION, KafkaError._SSL, KafkaError.SASL_AUTHENTICATION_FAILED})  # noqa: SLF001  (the same)


DENIED = frozenset(
    {
        KafkaError.TOPIC_AUTHORIZATION_FAILED,
        KafkaError.GROUP_AUTHORIZATION_FAILED,
        KafkaError.CLUSTER_AUTHORIZATION_FAILED,
    }
)
"""Kafka knows us, and this we may not."""


class Heard:
    """What was heard on the connections of a client, beside its answers: the last of it, since it last worked."""

    def __init__(self) -> None:
        self._errors: deque[KafkaError] = deque(maxlen=100)  # while a broker is away there are two a second

    def __call__(self, error: KafkaError) -> None:
        """The client's `error_cb`."""
        if error.code() != KafkaError._ALL_BROKERS_DOWN:  # noqa: SLF001  (the same)
            self._errors.append(error)

    def works(self) -> None:
        """What was heard before says nothing any more."""
        self._errors.clear()

    def failure(
        self, address: str, error: KafkaException, rights: Mapping[int, str] | None = None
    ) -> KafkaRefused | NotGranted | KafkaUnavailable:
        """What an error means after all that; `rights`: which one is missing, by the code that says so."""
        told = [*self._errors, error.args[0]]
        for each in told:
            if each.code() in _REFUSED:
                return KafkaRefused(address, each.str())
            if right := (rights or {}).get(each.code()):
                return NotGranted(address, right, each.str())
        return KafkaUnavailable(address, told[0].str())


def reason_of(error: KafkaException) -> str:
    """The broker's word for it."""
    return str(error.args[0].str())


def settings_line(settings: Mapping[str, str]) -> str:
    """Settings of a topic as Kafka's own tools take them."""
    return ",".join(f"{name}={value}" for name, value in settings.items())
