"""Registries that report through Kafka."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import msgspec

from streams.intake.cloudevents import Envelope
from streams.intake.intake import Intake
from streams.kafka.consume_intake import IntakeHandler
from streams.kafka.producer import Record, Sender
from streams.queues.refused_events import RefusedEvents
from tests.streams.distributed import Country, working

STRUCTURED = [("content-type", b"application/cloudevents+json; charset=UTF-8")]


def body(envelope: Envelope, **changes: Any) -> bytes:
    """The event as JSON."""
    found = {name: value for name, value in msgspec.to_builtins(envelope).items() if value not in (None, False)}
    return msgspec.json.encode(found | changes)


def binary(envelope: Envelope) -> tuple[bytes, list[tuple[str, bytes]]]:
    """The event in binary mode: its data, and its attributes as headers."""
    names = ("specversion", "id", "source", "type", "time", "subject")
    attributes = [(f"ce_{name}", str(getattr(envelope, name)).encode()) for name in names]
    return msgspec.json.encode(envelope.data), [*attributes, ("content-type", b"application/json")]


@contextmanager
def taking_in(land: Country, intake: Intake | None = None) -> Iterator[Callable[..., None]]:
    """Events are taken in from Kafka during the block, which gets the means to send some."""
    sender, own = Sender(land.topics.brokers), Sender(land.topics.brokers)

    def send(value: bytes | None, headers: list[tuple[str, bytes]], key: bytes | None = None) -> None:
        sender.send([Record(land.topics.life_in, key, value, headers)])

    counts = RefusedEvents(land.platform.database, land.clock)
    with working(land, IntakeHandler(intake or land.platform.intake, land.topics, own, counts), role="intake"):
        yield send
    sender.close()
    own.close()


def taken(land: Country, count: int) -> Callable[[], bool]:
    """Whether so many records were acknowledged."""
    return lambda: land.committed("intake", land.topics.life_in) == count
