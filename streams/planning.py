"""Planning: for each person woken, plan from the database and bring the log to the plan."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import datetime
from uuid import UUID

from msgspec import Struct
from sqlalchemy import Connection

from domain.diff import Change, diff
from domain.nudge import Nudge, evolve
from domain.plan import whole_plan
from projections import history, nudges
from projections.history import Mark
from projections.tables import micros
from streams import reading
from streams.database import Database, Priority
from streams.library import Library
from streams.log import Log
from streams.mapper import Entry

BATCH = 4000


class _Planned(Struct, frozen=True):
    """What one person's plan asks of the log, and the state of the person that it was made from."""

    person: str
    mark: Mark
    nudges_mark: int
    changes: list[Change]
    nudges: Mapping[UUID, Nudge]


class Planning:
    """Plans outside the transaction; commits facts, due rows and planned marks together, or not at all."""

    def __init__(self, database: Database, log: Log, library: Library, clock: Callable[[], datetime]) -> None:
        self._database, self._log, self._library, self._clock = database, log, library, clock
        self._unplannable: set[str] = set()
        self._stopping = False

    def stop(self) -> None:
        """Begin no further batch."""
        self._stopping = True

    def drain(self, woken_before: datetime | None = None) -> int:
        """Plan until nobody waits (since before that moment); returns how many plans were committed."""
        done = 0
        while not self._stopping and (persons := self.waiting(woken_before)):
            done += self._plan_each(persons)
        return done

    def _plan_each(self, persons: Sequence[str]) -> int:
        """Plan a batch; where it cannot be planned, each person by themselves, so that one stops nobody else.

        Who cannot be planned is left unplanned, and not tried again by this process.
        """
        try:
            return self.plan_batch(persons)
        except (ArithmeticError, LookupError, TypeError, ValueError):
            if len(persons) == 1:
                self._unplannable.update(persons)
                return 0
        return sum(self._plan_each([person]) for person in persons)

    def waiting(self, woken_before: datetime | None = None, limit: int = BATCH) -> list[str]:
        """Persons with facts that are not planned yet."""
        before = None if woken_before is None else micros(woken_before)
        with self._database.reading() as connection:
            found = history.unplanned(connection, limit + len(self._unplannable), before)
        return [person for person in found if person not in self._unplannable][:limit]

    def plan_batch(self, persons: Sequence[str]) -> int:
        """Plan these persons; returns for how many it was committed (a history that moved meanwhile waits on)."""
        now = self._clock()
        plans = self._plans(persons, now)
        return self._database.write(lambda connection: self._commit(connection, plans), Priority.PLANNING)

    def _plans(self, persons: Sequence[str], now: datetime) -> list[_Planned]:
        rulebook = self._library.rules().rulebook
        with self._database.reading() as connection:
            marks = history.marks(connection, persons)
            nudges_marks = nudges.marks(connection, persons)
            known = nudges.of_persons(connection, persons)
            histories = reading.histories(connection, self._log, persons, rulebook)
        return [
            _Planned(
                person, marks[person], nudges_marks.get(person, 0),
                diff(whole_plan(histories[person], rulebook), known[person], rulebook, now), known[person],
            )
            for person in persons if person in marks
        ]  # fmt: skip

    def _commit(self, connection: Connection, plans: Sequence[_Planned]) -> int:
        persons = [plan.person for plan in plans]
        self._log.keys.hold(connection, persons)
        nudges.hold(connection, [id_ for plan in plans for id_ in plan.nudges])
        marks, nudges_marks = history.marks(connection, persons), nudges.marks(connection, persons)
        still = [
            plan for plan in plans
            if marks.get(plan.person) == plan.mark and nudges_marks.get(plan.person, 0) == plan.nudges_mark
        ]  # fmt: skip
        history.mark_planned(connection, {plan.person: plan.mark for plan in still})
        changed = list(_changed(still))
        nudges.store(
            connection, [nudge for nudge, _ in changed], fresh=[nudge.intent.id for nudge, new in changed if new]
        )
        entries = [Entry(*change) for plan in still for change in plan.changes]
        if entries:
            self._log.append(connection, entries)
        return len(still)


def _changed(plans: Sequence[_Planned]) -> Iterator[tuple[Nudge, bool]]:
    """Each changed nudge as it is after its change, and whether it is new."""
    for plan in plans:
        for change in plan.changes:
            before = plan.nudges.get(change.nudge)
            yield evolve(before, change.nudge, change.version, change.fact), before is None
