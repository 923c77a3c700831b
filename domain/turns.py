"""The edges of a person's entitlements, as what triggers start on."""

from collections.abc import Iterator
from uuid import UUID

from msgspec.structs import replace

from domain.course import Course
from domain.eligibility import Case, Period, entitled_values
from domain.history import History
from domain.rulebook import Rulebook
from domain.starts import Start
from domain.triggers import Turn


class Turns:
    """Of one person; the history is folded, and each benefit judged, at most once, and only if a trigger asks."""

    def __init__(self, history: History, rulebook: Rulebook) -> None:
        self._history, self._rulebook = history, rulebook
        self._course: Course | None = None
        self._cases: dict[tuple[str, UUID], tuple[Case, list[Period]]] = {}

    def starts(self, start: Start, turn: Turn) -> Iterator[tuple[int, Start]]:
        """Each becoming (or ceasing) about the event of the start, with its values; numbered from 0."""
        case, periods = self._case(start, turn)
        for number, period in enumerate(periods):
            edge = period.start if turn.becomes else period.end
            if edge is not None:
                yield number, replace(start, values=case.values(edge) | entitled_values(period, start.zone))

    def _case(self, start: Start, turn: Turn) -> tuple[Case, list[Period]]:
        about = (turn.benefit.name, start.fact.event.stream)
        if about not in self._cases:
            self._course = self._course or Course(self._history, self._rulebook)
            case = Case(turn.benefit, start.fact, self._course)
            self._cases[about] = (case, case.periods())
        return self._cases[about]
