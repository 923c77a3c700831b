"""The sending rate: as fast as the window allows, and slower when the provider asks for it."""

from dataclasses import dataclass
from typing import Final

_FIRST_REST: Final = 0.05
_LONGEST_REST: Final = 2.0


@dataclass(slots=True)
class Pace:
    """Additive increase, multiplicative decrease of what may be under way at once, at most `window`.

    Being throttled halves it, and nothing goes for a moment, which doubles as long as that does not help. What
    was under way already when we slowed down does not slow us down again. Times are seconds of one clock.
    """

    window: int
    allowed: float = 0.0
    opens: float = 0.0
    _rest: float = _FIRST_REST

    def __post_init__(self) -> None:
        self.allowed = float(self.window)

    def throttled(self, now: float) -> None:
        """The provider asked us to go slower."""
        if now < self.opens:
            return
        self.allowed = max(1.0, self.allowed / 2)
        self.opens = now + self._rest
        self._rest = min(_LONGEST_REST, self._rest * 2)

    def taken(self) -> None:
        """The provider took a message."""
        if self.allowed < self.window:
            self.allowed = min(float(self.window), self.allowed + 1 / self.allowed)
            self._rest = max(_FIRST_REST, self._rest * 0.9)
