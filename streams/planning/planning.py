"""Planning: plan each person who waits, and bring the log to the plan. Read it from top to bottom.

A plan is made outside any transaction. Then one transaction checks that nothing has moved, and commits the facts, the
due rows and the planned marks together.
"""

from collections.abc import Callable, Sequence
from contextlib import suppress
from datetime import datetime

from sqlalchemy import Connection

from domain.planning.plan import whole_plan
from projections import area_plans, history, nudges, residents
from streams.log.log import Log
from streams.log.mapper import Entry
from streams.planning import histories, person_plans
from streams.planning.batches import BATCH, LEISURELY, PORTION, Batches
from streams.planning.person_plans import PersonPlan, Plans, RulesMoved, refuse_moved_rules
from streams.planning.residences import ResidenceRows
from streams.rules.in_force import Rules
from streams.rules.library import Library
from streams.storage.database import Database, Priority
from streams.storage.measures import planned


class Planning:
    """Plans persons. Any number of them may run at once, in any processes."""

    def __init__(
        self, database: Database, log: Log, library: Library, clock: Callable[[], datetime], portion: int = PORTION
    ) -> None:
        self._database, self._log, self._library, self._clock = database, log, library, clock
        self._batches = Batches(database, clock, portion, self.plan_batch, self._plan_nobody)
        self._stopping = False
        self.planned, self.planned_after = planned(), self._batches.planned_after

    def drain(self) -> int:
        """Plan until nobody waits; return how many plans were committed. `at_leisure` plans who may wait longer."""
        done = 0
        while not self._stopping and (persons := self.waiting()):
            done += self._batches.plan(persons)
        return done

    def waiting(self, limit: int = BATCH) -> list[str]:
        """Return persons with facts that are not planned yet, without those who cannot be planned."""
        return self._batches.waiting(limit)

    def plan_batch(self, persons: Sequence[str]) -> int:
        """Plan these persons; return how many plans were committed. Whoever changed meanwhile goes on waiting."""
        try:
            done = len(self.commit(self.plans(persons, self._library.rules())))
        except RulesMoved:
            return self.plan_batch(persons)
        self.planned.inc(done)
        return done

    def plans(self, persons: Sequence[str], rules: Rules) -> Plans:
        """Make the plans of those of the persons who have a history, without writing anything."""
        now, rulebook = self._clock(), rules.rulebook
        residences = ResidenceRows(rulebook.catalogue, rulebook.names)
        with self._database.reading() as connection:
            areas = area_plans.latest(connection)
            housed = residents.of_persons(connection, persons)
            marks = history.marks(connection, persons)
            nudges_marks = nudges.marks(connection, persons)
            known = nudges.of_persons(connection, persons)
            left = person_plans.planned_before_erasure(connection, self._log, known)
            their_histories = histories.histories(connection, self._log, persons, rulebook)
        found = []
        for person in (one for one in persons if one in marks):
            plan = person_plans.leaving_undecided(whole_plan(their_histories[person], rulebook), left)
            changes = person_plans.changes_of(plan, known[person], rulebook, now)
            homes = residences.rows(person, their_histories[person].facts)
            moved = homes != housed.get(person, [])
            mark, nudges_mark = marks[person], nudges_marks.get(person, 0)
            found.append(PersonPlan(person, mark, nudges_mark, changes, known[person], homes, moved))
        return Plans(found, areas, rules.position)

    def commit(self, plans: Plans) -> list[str]:
        """Bring the log to the plans in one transaction; return the persons done (not those who changed meanwhile).

        Raises:
            RulesMoved: other rules hold than the plans were made by.
        """
        return self._database.write(lambda connection: self._commit(connection, plans), Priority.PLANNING)

    def _commit(self, connection: Connection, plans: Plans) -> list[str]:
        persons = [plan.person for plan in plans.persons]
        self._log.keys.hold(connection, persons)
        nudges.hold(connection, [id_ for plan in plans.persons for id_ in plan.nudges])
        if area_plans.latest(connection) != plans.areas:
            return []  # the area event's own plan may already have passed these persons: plan them again with it
        marks, nudges_marks = history.marks(connection, persons), nudges.marks(connection, persons)
        still = [
            plan
            for plan in plans.persons
            if (marks.get(plan.person), nudges_marks.get(plan.person, 0)) == (plan.mark, plan.nudges_mark)
        ]
        history.mark_planned(connection, {plan.person: plan.mark for plan in still if plan.whole})
        refuse_moved_rules(connection, plans.rules)
        residents.store(connection, {plan.person: plan.residences for plan in still if plan.moved})
        before = {id_: nudge for plan in still for id_, nudge in plan.nudges.items()}
        nudges.store(connection, person_plans.changed_nudges(still), before)
        if entries := [Entry(*change) for plan in still for change in plan.changes]:
            self._log.append(connection, entries)
        return [plan.person for plan in still]

    def at_leisure(self, limit: int = LEISURELY) -> int:
        """Plan some of the persons who may wait at leisure; return how many plans were committed."""
        return self._batches.plan(self._batches.at_leisure(limit))

    def plan_woken(self, persons: Sequence[str]) -> dict[str, str]:
        """Plan those of these persons who wait, until none does; return person -> cause for the unplannable ones.

        A person who could not be planned before is tried again, because something new has happened to them.
        """
        return self._batches.plan_woken(persons)

    def _plan_nobody(self) -> None:
        """Run everything that planning does without any person, to raise errors that are no person's fault."""
        with suppress(RulesMoved):
            self.commit(self.plans((), self._library.rules()))

    def stop(self) -> None:
        """Begin no further batch."""
        self._stopping = True
