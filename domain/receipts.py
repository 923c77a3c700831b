"""What a provider or a reader reports about an attempt, in our words, whatever the provider's were."""

from enum import StrEnum


class Heard(StrEnum):
    """What a receipt says."""

    DELIVERED = "delivered"
    OPENED = "opened"
    FAILED = "failed"
