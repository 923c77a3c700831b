"""The Kafka topics that the settings name."""

from app.settings import BadSettings, Settings
from streams.kafka.brokers import Brokers
from streams.kafka.topics import Topics


def topics_of(settings: Settings) -> Topics:
    """Return the topics of the settings.

    Raises:
        BadSettings: no broker is named, or nobody can be trusted by the certificates of the file.
    """
    if not settings.kafka:
        raise BadSettings("kafka: no broker is named; write HABARSHY_KAFKA=host:9092")
    who = settings.kafka_username, settings.kafka_password.get_secret_value(), settings.kafka_mechanism
    brokers = Brokers(settings.kafka, settings.kafka_tls, settings.kafka_ca_file, *who)
    try:
        brokers.context()
    except OSError as error:  # no file, or no certificates in it
        raise BadSettings(f"kafka_ca_file: {settings.kafka_ca_file}: {error.strerror or error}") from None
    return Topics(
        brokers,
        settings.kafka_prefix,
        settings.kafka_replication,
        settings.kafka_retention_hours,
        settings.kafka_life_hours,
        partitions=settings.kafka_partitions,
    )
