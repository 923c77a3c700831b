"""The three reports about an attempt that a provider or a reader may send, whatever words the provider uses."""

from enum import StrEnum


class ReceiptStatus(StrEnum):
    """The content of a receipt."""

    DELIVERED = "delivered"
    OPENED = "opened"
    FAILED = "failed"


PROVIDER_FAILURES = frozenset(
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
PASSING_FAILURES = PROVIDER_FAILURES | {"busy", "closed"}
"""The reasons after which the same message may go by the same provider once its outage is over."""
