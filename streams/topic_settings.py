"""How long topics keep records: looked at with every start, and set right, whoever made the topic and when."""

from collections.abc import Mapping

from confluent_kafka import KafkaException
from confluent_kafka.admin import AdminClient
from confluent_kafka.admin._config import AlterConfigOpType, ConfigEntry, ConfigResource
from confluent_kafka.admin._resource import ResourceType

from streams.kafka_failures import DENIED, MAY_HEAL, KeptOtherwise, NotGranted, reason_of, settings_line

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
