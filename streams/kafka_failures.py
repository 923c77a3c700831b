"""What Kafka keeps us from, in words: what waiting heals (it does not answer), and what it does not."""

from collections.abc import Iterable, Mapping

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

    Have it altered: kafka-configs.sh --alter --entity-type topics --entity-name {topic} --add-config {wanted}
    """

    def __init__(self, topic: str, found: Mapping[str, str], wanted: Mapping[str, str], reason: str) -> None:
        super().__init__(topic=topic, found=settings_line(found), wanted=settings_line(wanted), reason=reason)


MAY_HEAL = frozenset({KafkaError._TRANSPORT, KafkaError._TIMED_OUT, KafkaError.REQUEST_TIMED_OUT})  # noqa: SLF001  (public, so named by the library)
_REFUSED = frozenset({KafkaError._AUTHENTICATION, KafkaError._SSL, KafkaError.SASL_AUTHENTICATION_FAILED})  # noqa: SLF001  (the same)


def failure(address: str, error: KafkaException, heard: Iterable[KafkaError]) -> KafkaRefused | KafkaUnavailable:
    """What an error means, given what was heard on the connections meanwhile."""
    told = [each for each in heard if each.code() != KafkaError._ALL_BROKERS_DOWN]  # noqa: SLF001  (the same)
    if refusals := [each for each in told if each.code() in _REFUSED]:
        return KafkaRefused(address, refusals[0].str())
    return KafkaUnavailable(address, told[0].str() if told else reason_of(error))


def reason_of(error: KafkaException) -> str:
    """The broker's word for it."""
    return str(error.args[0].str())


def settings_line(settings: Mapping[str, str]) -> str:
    """Settings of a topic as Kafka's own tools take them."""
    return ",".join(f"{name}={value}" for name, value in settings.items())
