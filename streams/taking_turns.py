"""Who goes first where rates bind: emergencies, the urgent, then in turns, each trigger one message a turn."""

from collections.abc import Callable, Sequence
from itertools import count
from uuid import UUID

from domain.overrides import OVERRIDES
from domain.triggers import RANKS
from projections.tables import URGENT
from streams.cases import Case


def is_urgent(case: Case) -> bool:
    """Whether it goes past others."""
    return RANKS[case.nudge.intent.klass] <= URGENT


def is_emergency(case: Case) -> bool:
    """Whether it goes past all others, and waits for no agency's rate."""
    return OVERRIDES[case.nudge.intent.klass].pace


class Turns:
    """Remembers whose turn it was; `bound`: whether a case's agency has a rate."""

    def __init__(self, bound: Callable[[Case], bool]) -> None:
        self._bound = bound
        self._served: dict[str, int] = {}
        self._count = count(1)

    def ordered(self, cases: Sequence[Case]) -> list[Case]:
        """The cases as they are to be sent; all of one nudge stay together.

        What its agency's rate does not hold up comes before what it does. Of a trigger, what was due first goes
        first; of triggers, the one whose last message is longest ago.
        """
        place: dict[UUID, tuple[int, int, int]] = {}
        many: dict[str, int] = {}
        for number, case in enumerate(cases):
            intent = case.nudge.intent
            if intent.id not in place:
                many[intent.trigger] = many.get(intent.trigger, 0) + 1
                place[intent.id] = (many[intent.trigger], self._served.get(intent.trigger, 0), number)
        return sorted(
            cases,
            key=lambda case: (
                not is_emergency(case),
                not is_urgent(case),
                self._bound(case),
                *place[case.nudge.intent.id],
            ),
        )

    def note(self, cases: Sequence[Case]) -> None:
        """These were handed over."""
        for case in cases:
            self._served[case.nudge.intent.trigger] = next(self._count)
