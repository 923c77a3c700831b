"""Fair ordering where rates apply: emergencies, then what is urgent, then the triggers in turns."""

from collections.abc import Callable, Sequence
from itertools import count
from uuid import UUID

from domain.rules.triggers import RANKS
from projections.tables import URGENT
from streams.delivery.decide.case import Case


def is_urgent(case: Case) -> bool:
    """Return whether it passes others."""
    return RANKS[case.nudge.intent.klass] <= URGENT


def is_emergency(case: Case) -> bool:
    """Return whether it passes all others."""
    return case.nudge.intent.klass == "emergency"


class FairOrdering:
    """Orders cases, each trigger one message a turn. `limited`: whether a rate applies to a case's agency."""

    def __init__(self, limited: Callable[[Case], bool]) -> None:
        self._limited = limited
        self._served: dict[str, int] = {}
        self._count = count(1)

    def ordered(self, cases: Sequence[Case]) -> list[Case]:
        """Return the cases in the order in which they are sent; all of one nudge stay together.

        Cases whose agency has no rate come first. Within a trigger the order stays; among triggers, the one whose
        last message is longest ago is first.
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
                self._limited(case),
                *place[case.nudge.intent.id],
            ),
        )

    def note_sent(self, cases: Sequence[Case]) -> None:
        """Remember that these are handed over."""
        for case in cases:
            self._served[case.nudge.intent.trigger] = next(self._count)
