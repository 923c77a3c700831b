"""What a provider or a reader reports about an attempt, in our words, whatever the provider's were."""

from enum import StrEnum


class Heard(StrEnum):
    """What a receipt says."""

    DELIVERED = "delivered"
    OPENED = "opened"
    FAILED = "failed"


OF_THE_PROVIDER = frozenset(
    {
        "not_admitted",
        "unreachable",
        "link_lost",
        "timed_out",
        "garbled",
        "no_time",
        "never_came",
    }
)
"""The reasons of a failure that lie with the provider and not with a message: another may do better, or it later."""
PASSING = OF_THE_PROVIDER | {"busy", "closed"}
"""The reasons after which the same message may go by the same provider once its outage is over."""
