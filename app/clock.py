"""The only place that reads the machine's clock."""

from collections.abc import Callable
from datetime import UTC, datetime

Clock = Callable[[], datetime]


def system_clock() -> datetime:
    """Return the moment, in UTC."""
    return datetime.now(UTC)  # noqa: TID251  (this is the place)


def fixed(moment: datetime) -> Clock:
    """Return a clock that stands still."""
    return lambda: moment


class VirtualClock:
    """A clock that is moved by hand, and never back."""

    def __init__(self, start: datetime) -> None:
        self._now = start

    def __call__(self) -> datetime:
        """Return the moment it shows."""
        return self._now

    def advance_to(self, moment: datetime) -> None:
        """Move the clock to that moment, unless it is later already."""
        self._now = max(self._now, moment)
