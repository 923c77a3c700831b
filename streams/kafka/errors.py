"""Errors of Kafka: those that waiting may heal (it does not answer) and those that it does not."""

from collections import deque
from collections.abc import Mapping

from confluent_kafka import KafkaError, KafkaException

from domain.core.translatable import N_, Said, Words


class KafkaFailure(Exception):
    """The base of all errors that keep a role from its work with Kafka.

    `told`: what to do, in a text for pages, which have it in the reader's language; without the words of the library.
    """

    told: str = Said(N_("Kafka refuses what is asked of it. The lines that the worker writes say what and why."))


class KafkaUnavailable(KafkaFailure):
    """Raised when Kafka does not answer."""

    def __init__(self, address: str, reason: str) -> None:
        self.told = Words(
            "Kafka does not answer at {address}. Start it, or name another in HABARSHY_KAFKA. One that expects TLS"
            " closes the connection: see HABARSHY_KAFKA_TLS.",
            address=address,
        )
        super().__init__(
            f"Kafka does not answer at {address} ({reason}). Start it, or name another in HABARSHY_KAFKA. One that"
            " expects TLS closes the connection: see HABARSHY_KAFKA_TLS."
        )


class TopicMissing(KafkaUnavailable):
    """Raised when Kafka answers, but lacks a topic. The relay makes it anew."""

    def __init__(self, topic: str) -> None:
        self.told = Words(
            "Kafka has no topic {topic}: somebody deleted it. A relay makes it anew within a minute.", topic=topic
        )
        Exception.__init__(self, self.told)


class TopicMadeAnew(KafkaFailure):
    """Raised when a topic was deleted and made anew, or lost records, under a process that reads it."""


class KafkaRefused(KafkaFailure):
    """Raised when Kafka does not accept our credentials or the encryption."""

    def __init__(self, address: str, reason: str) -> None:
        self.told = Words(
            "Kafka at {address} refuses us. Look at HABARSHY_KAFKA_USERNAME and _PASSWORD, _TLS, _CA_FILE.",
            address=address,
        )
        super().__init__(
            f"Kafka at {address} refuses us ({reason}). Look at HABARSHY_KAFKA_USERNAME and _PASSWORD, _TLS,"
            " _CA_FILE."
        )


class NotGranted(KafkaFailure):
    """Raised when our user lacks a right."""

    def __init__(self, address: str, right: str, reason: str) -> None:
        self.told = Words(
            "Kafka at {address} does not grant us a right. Let the user in HABARSHY_KAFKA_USERNAME have those that"
            " docs/kafka.md names.",
            address=address,
        )
        super().__init__(
            f"Kafka at {address} does not grant us {right} ({reason}). Let the user in HABARSHY_KAFKA_USERNAME have"
            " it; docs/kafka.md says which rights each role needs."
        )


class WrongPartitions(KafkaFailure):
    """Raised for a topic with another number of partitions than ours."""


class TopicRefused(KafkaFailure):
    """Raised when Kafka refuses to make a topic."""


class WrongTopicSettings(KafkaFailure):
    """Raised for a topic with another retention, which we may not alter."""


MAY_HEAL = frozenset({KafkaError._TRANSPORT, KafkaError._TIMED_OUT, KafkaError.REQUEST_TIMED_OUT})  # noqa: SLF001  (public, so named by the library)
_REFUSED = frozenset({KafkaError._AUTHENTICATION, KafkaError._SSL, KafkaError.SASL_AUTHENTICATION_FAILED})  # noqa: SLF001  (the same)


DENIED = frozenset(
    {
        KafkaError.TOPIC_AUTHORIZATION_FAILED,
        KafkaError.GROUP_AUTHORIZATION_FAILED,
        KafkaError.CLUSTER_AUTHORIZATION_FAILED,
    }
)
"""Our user is known but lacks a right."""


class ClientErrors:
    """The latest errors on a client's connections since it last worked; answers do not carry these."""

    def __init__(self) -> None:
        self._errors: deque[KafkaError] = deque(maxlen=100)  # two a second while a broker is away

    def __call__(self, error: KafkaError) -> None:
        """Keep an error; this is the client's `error_cb`."""
        if error.code() != KafkaError._ALL_BROKERS_DOWN:  # noqa: SLF001  (the same)
            self._errors.append(error)

    def works(self) -> None:
        """Forget the errors, because the client works again."""
        self._errors.clear()

    def failure(
        self, address: str, error: KafkaException, rights: Mapping[int, str] | None = None
    ) -> KafkaRefused | NotGranted | KafkaUnavailable:
        """Return the failure that an error means after the earlier ones; `rights`: missing rights by error code."""
        known = [*self._errors, error.args[0]]
        for one in known:
            if one.code() in _REFUSED:
                return KafkaRefused(address, one.str())
            if right := (rights or {}).get(one.code()):
                return NotGranted(address, right, one.str())
        return KafkaUnavailable(address, known[0].str())


def reason_of(error: KafkaException) -> str:
    """Return the broker's text of the error."""
    return str(error.args[0].str())


def settings_line(settings: Mapping[str, str]) -> str:
    """Return a topic's settings as Kafka's own tools take them."""
    return ",".join(f"{name}={value}" for name, value in settings.items())
