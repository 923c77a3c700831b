"""The answer to whether somebody is entitled to a benefit, with everything that it follows from."""

from collections.abc import Mapping
from datetime import date
from enum import StrEnum
from typing import Any

from msgspec import Struct

from domain.core.events import Effective
from domain.rules.benefits import Benefit, Requirement
from domain.rules.parameters import Number


class ObstacleKind(StrEnum):
    """The reasons why somebody is not entitled."""

    NO_EVENT = "no_event"
    NO_DATE = "no_date"
    NOT_YET = "not_yet"
    OVER = "over"
    CONDITION = "condition"
    HAD = "had"
    DIED = "died"


class Obstacle(Struct, frozen=True):
    """A reason against an entitlement. `day`: its first or last day; `requirement`: the condition that does not hold.

    `unknown`: the condition needs a value that is missing; `fact`: the event by which the benefit was had.
    """

    why: ObstacleKind
    day: date | None = None
    requirement: Requirement | None = None
    unknown: bool = False
    fact: Effective | None = None


class Applied(Struct, frozen=True):
    """A parameter as it was applied: its value, and from which day the law sets it."""

    value: Number
    since: str


class Answer(Struct, frozen=True):
    """A person's entitlement to a benefit on a day, with its grounds.

    `about`: the event (None: there is none, or the benefit is about the person alone); `start`, `until`: first day,
    and the day on which it is over; `amount`: in tenge, for who is entitled; `used`: dotted name -> value read.
    """

    benefit: Benefit
    about: Effective | None
    obstacles: tuple[Obstacle, ...]
    start: date | None
    until: date | None
    amount: int | None
    parameters: Mapping[str, Applied]
    used: Mapping[str, Any]
    facts: tuple[Effective, ...]

    @property
    def entitled(self) -> bool:
        """Return True if there is no obstacle."""
        return not self.obstacles
