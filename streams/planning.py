"""Planning: for each person woken, plan from the database and bring the log to the plan."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import datetime
from uuid import UUID

from msgspec import Struct
from sqlalchemy import Connection

from domain.diff import Change, diff
from domain.nudge import Nudge, evolve
from domain.plan import whole_plan
from domain.rulebook import Rulebook
from projections import area_plans, governance, history, nudges, residents
from projections.history import Mark
from projections.residents import Resident
from projections.tables import micros
from streams import reading
from streams.database import Database, Priority
from streams.library import Library
from streams.log import Log
from streams.mapper import Entry
from streams.residing import Residing

BATCH, LEISURELY = 4000, 500


class _Planned(Struct, frozen=True):
    """What one person's plan asks of the log, and the state of the person that it was made from.

    `residences`: where they live, if that is not what the view says.
    """

    person: str
    mark: Mark
    nudges_mark: int
    changes: list[Change]
    nudges: Mapping[UUID, Nudge]
    residences: list[Resident] | None


class RulesMoved(Exception):
    """A governance fact was appended since the rules were read; plan again by those that hold now."""


def refuse_moved_rules(connection: Connection, position: int) -> None:
    """Nothing, if the rules of that position still hold; asked after the rows are written that are planned.

    Whoever publishes wakes those rows first: so either this sees the publication, or the waking undoes the mark.

    Raises:
        RulesMoved: others hold.
    """
    if governance.latest(connection) != position:
        raise RulesMoved


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
        """Plan until nobody waits (since before that moment); returns how many plans were committed.

        Who may wait at leisure is left to `at_leisure`.
        """
        done = 0
        while not self._stopping and (persons := self.waiting(woken_before)):
            done += self._plan_each(persons)
        return done

    def at_leisure(self, limit: int = LEISURELY) -> int:
        """Plan some of those whom nobody waits for; returns how many plans were committed."""
        with self._database.reading() as connection:
            found = history.unplanned(connection, limit + len(self._unplannable))
        return self._plan_each([person for person in found if person not in self._unplannable][:limit])

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
        before = history.AT_LEISURE if woken_before is None else micros(woken_before)
        with self._database.reading() as connection:
            found = history.unplanned(connection, limit + len(self._unplannable), before)
        return [person for person in found if person not in self._unplannable][:limit]

    def plan_batch(self, persons: Sequence[str]) -> int:
        """Plan these persons; returns for how many it was committed (a history that moved meanwhile waits on)."""
        rules = self._library.rules()
        plans, areas = self._plans(persons, rules.rulebook)
        try:
            return self._database.write(
                lambda connection: self._commit(connection, plans, areas, rules.position), Priority.PLANNING
            )
        except RulesMoved:
            return self.plan_batch(persons)

    def _plans(self, persons: Sequence[str], rulebook: Rulebook) -> tuple[list[_Planned], int]:
        """The plans, and up to which area event they know all."""
        now = self._clock()
        residing = Residing(rulebook.catalogue, rulebook.names)
        with self._database.reading() as connection:
            areas = area_plans.latest(connection)
            housed = residents.of_persons(connection, persons)
            marks = history.marks(connection, persons)
            nudges_marks = nudges.marks(connection, persons)
            known = nudges.of_persons(connection, persons)
            histories = reading.histories(connection, self._log, persons, rulebook)
        return [
            _Planned(
                person, marks[person], nudges_marks.get(person, 0),
                diff(whole_plan(histories[person], rulebook), known[person], rulebook, now), known[person],
                _moved(housed.get(person, []), residing.rows(person, histories[person].facts)),
            )
            for person in persons if person in marks
        ], areas  # fmt: skip

    def _commit(self, connection: Connection, plans: Sequence[_Planned], areas: int, rules: int) -> int:
        persons = [plan.person for plan in plans]
        self._log.keys.hold(connection, persons)
        nudges.hold(connection, [id_ for plan in plans for id_ in plan.nudges])
        if area_plans.latest(connection) != areas:
            return 0  # who is planned without the area event might be passed by its plan: plan them again
        marks, nudges_marks = history.marks(connection, persons), nudges.marks(connection, persons)
        still = [
            plan for plan in plans
            if marks.get(plan.person) == plan.mark and nudges_marks.get(plan.person, 0) == plan.nudges_mark
        ]  # fmt: skip
        history.mark_planned(connection, {plan.person: plan.mark for plan in still})
        refuse_moved_rules(connection, rules)
        residents.store(connection, {plan.person: plan.residences for plan in still if plan.residences is not None})
        changed = list(_changed(still))
        before = {id_: nudge for plan in still for id_, nudge in plan.nudges.items()}
        nudges.store(connection, changed, before)
        entries = [Entry(*change) for plan in still for change in plan.changes]
        if entries:
            self._log.append(connection, entries)
        return len(still)


def _moved(before: list[Resident], now: list[Resident]) -> list[Resident] | None:
    return None if before == now else now


def _changed(plans: Sequence[_Planned]) -> Iterator[Nudge]:
    """Each changed nudge as it is after its change."""
    for plan in plans:
        for change in plan.changes:
            yield evolve(plan.nudges.get(change.nudge), change.nudge, change.version, change.fact)
