"""Records as they come from Kafka, and who does something with them."""

from collections.abc import Sequence
from typing import Protocol

from msgspec import Struct


class Incoming(Struct, frozen=True, gc=False):
    """A record as it came: where it stands (partition and offset), and what is in it."""

    partition: int
    offset: int
    key: bytes | None
    value: bytes | None
    headers: Sequence[tuple[str, bytes]] = ()


class Handler(Protocol):
    """What is done with the records of a topic, in batches, each in a thread."""

    @property
    def topic(self) -> str:
        """Whose records."""

    def take(self, records: Sequence[Incoming]) -> None:
        """Do it, and commit: what this returns from is acknowledged. It may come again, and must bear that."""
