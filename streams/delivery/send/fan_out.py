"""Fan-out: a push message goes to each device of its recipient, and the attempt has one outcome."""

from collections.abc import Sequence

from msgspec import Struct

from notifiers.port.interface import Accepted, GiveUp, Message, Outcome, RetryLater, Unknown
from streams.delivery.outcomes.attempts import Attempt

_BEST = (Accepted, Unknown, RetryLater, GiveUp)


class FanOut(Struct, frozen=True):
    """The messages of some attempts, by attempt."""

    copies: Sequence[Sequence[Message]]

    @property
    def messages(self) -> list[Message]:
        """Return the messages in the order in which they are sent."""
        return [message for each in self.copies for message in each]

    def merged(self, outcomes: Sequence[Outcome]) -> list[Outcome]:
        """Return the outcome of each attempt from those of its messages."""
        left = iter(outcomes)
        return [best([next(left) for _ in each]) for each in self.copies]


def fan_out(attempts: Sequence[Attempt]) -> FanOut:
    """Return the messages of the attempts."""
    return FanOut([attempt.copies for attempt in attempts])


def best(outcomes: Sequence[Outcome]) -> Outcome:
    """Return the outcome of an attempt that went to several devices.

    One device that has it is enough: a retry would show it there again. What perhaps arrived is not repeated blindly
    because another device was busy.
    """
    return min(outcomes, key=lambda outcome: _BEST.index(type(outcome)))
