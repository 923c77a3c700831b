"""A delivery that something is decided on, with what was read for that."""

from collections.abc import Callable, Iterable
from datetime import datetime

from msgspec import Struct
from msgspec.structs import replace

from domain.core.events import LifeEvent
from domain.nudges.nudge import Nudge
from domain.nudges.settle import Decision, Reason, Settlement, Withhold, leaves_digest, settle
from domain.persons.history import History
from domain.persons.person import Person


class Case(Struct, frozen=True):
    """One delivery to decide on.

    `about`: the person whom the nudge concerns; `cause`: the life event behind it; `history`: of that person. Of a
    digest, `members` go with it, and `leaving` leave it, each by its own decision.
    """

    settlement: Settlement
    about: Person
    cause: LifeEvent | None
    decision: Decision
    history: History
    members: tuple["Case", ...] = ()
    leaving: tuple["Case", ...] = ()

    @property
    def nudge(self) -> Nudge:
        """The nudge that is delivered."""
        return self.settlement.nudge

    @property
    def recipient(self) -> Person:
        """Who gets it."""
        return self.settlement.person


def decide_digest(
    digest: Settlement,
    travelling: Iterable[Settlement],
    now: datetime,
    case_of: Callable[[Settlement, Decision], Case],
) -> Case:
    """The case of a digest, with what goes with it now, and what does not any more."""
    left = [(each, leaves_digest(each, now)) for each in travelling]
    going = [each for each, reason in left if reason is None]
    decision = settle(digest, now) if going else Withhold(Reason.NOTHING_LEFT)
    return replace(
        case_of(digest, decision),
        members=tuple(case_of(each, decision) for each in going),
        leaving=tuple(case_of(each, reason) for each, reason in left if reason is not None),
    )
