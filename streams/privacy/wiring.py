"""Build the objects of streams.privacy."""

from msgspec import Struct

from streams.privacy.erasure import Erasing
from streams.privacy.retention import Retiring
from streams.queues.dead_letters import DeadLetterQueue
from streams.rules.context import WriteContext


class PrivacyParts(Struct, frozen=True):
    """Erasure of a person, and the end of what has been kept long enough."""

    erasure: Erasing
    retention: Retiring


def build(context: WriteContext, dead_letters: DeadLetterQueue) -> PrivacyParts:
    """Return the objects of this package."""
    return PrivacyParts(Erasing(context, dead_letters), Retiring(context))
