"""Planning: plan each person who waits and append the facts that bring the log to the plan.

A nudge planned before its person was erased stays as it is, because the reasons for it are gone.
"""

from collections.abc import Callable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from contextlib import suppress
from datetime import datetime
from operator import itemgetter
from uuid import UUID

from msgspec import Struct
from msgspec.structs import replace
from sqlalchemy import Connection, Select, func, select

from domain.facts.facts import NudgePlanned, NudgeRescheduled
from domain.nudges.diff import Change, diff
from domain.nudges.later_completion import afterwards
from domain.nudges.nudge import Nudge, evolve
from domain.planning.plan import Plan, whole_plan
from domain.rules.rulebook import Rulebook
from projections import area_plans, erased, governance, history, nudges, residents
from projections.bulk import among, chunked
from projections.history import Mark
from projections.residents import Resident
from projections.tables import history as rows
from projections.tables import micros
from streams.log.log import Log
from streams.log.mapper import Entry
from streams.planning import histories as reading
from streams.planning.residences import ResidenceRows
from streams.rules.in_force import Rules
from streams.rules.library import Library
from streams.storage.database import Database, Priority
from streams.storage.errors import SYSTEM_ERRORS
from streams.storage.measures import planned, planned_after

_PLANNED = (NudgePlanned.TOPIC, NudgeRescheduled.TOPIC)


def planned_before_erasure(
    connection: Connection, log: Log, known: Mapping[str, Mapping[UUID, Nudge]]
) -> frozenset[UUID]:
    """Return those of the persons' nudges that were last planned before their person was erased.

    Usually empty: such a person was erased and then named again by a later event.
    """
    since = erased.since(connection, [person for person, theirs in known.items() if theirs])
    ids = [id_ for person in since for id_ in known[person]]
    if not ids:
        return frozenset()
    last = {entry.originator_id: entry.position for entry in log.streams(connection, ids, _PLANNED)}
    return frozenset([id_ for person, at in since.items() for id_ in known[person] if last[id_] < at])


def leaving_undecided(plan: Plan, nudges: AbstractSet[UUID]) -> Plan:
    """Return the plan with these nudges undecided: they stay as they are unless the plan asks for them."""
    return replace(plan, undecided=plan.undecided.union(nudges)) if nudges else plan


BATCH, LEISURELY, WOKEN = 1500, 500, 250
"""Persons in one transaction: of all who wait, of those planned at leisure, and of those woken by records.

A person whose history or nudges change meanwhile is planned again, and all wait for the last one of their round. With
a thousand at once, a round took so long that most had changed, and events waited for half a minute.
"""

PORTION = 4000
"""Facts of the persons in one transaction: about half a second's work."""


class PersonPlan(Struct, frozen=True):
    """The changes that one person's plan asks for, and the state of the person that it was made from.

    `residences`: the person's rows for the view `residents`; `moved`: the view has other rows; `whole`: False if
    `changes` are only a part of what the plan asks for.
    """

    person: str
    mark: Mark
    nudges_mark: int
    changes: Sequence[Change]
    nudges: Mapping[UUID, Nudge]
    residences: list[Resident]
    moved: bool
    whole: bool = True


class Plans(Struct, frozen=True):
    """Plans made at one moment, by the rules at position `rules` of the log, with all area events up to `areas`."""

    persons: Sequence[PersonPlan]
    areas: int
    rules: int


class RulesMoved(Exception):
    """Raised when a governance fact was appended since the rules were read; plan again by the new rules."""


def refuse_moved_rules(connection: Connection, position: int) -> None:
    """Check that the rules of that position still hold. Call it after the rows are marked as planned.

    A publication wakes those rows first, so either this check sees the publication, or the waking removes the mark.

    Raises:
        RulesMoved: other rules hold now.
    """
    if governance.latest(connection) != position:
        raise RulesMoved


class Planning:
    """Plans outside the transaction; commits facts, due rows and planned marks together, or not at all."""

    def __init__(
        self,
        database: Database,
        log: Log,
        library: Library,
        clock: Callable[[], datetime],
        portion: int = PORTION,
    ) -> None:
        self._database, self._log, self._library, self._clock = database, log, library, clock
        self._portion = portion
        self._unplannable: dict[str, str] = {}
        self._stopping = False
        self.planned, self.planned_after = planned(), planned_after()

    def stop(self) -> None:
        """Begin no further batch."""
        self._stopping = True

    def drain(self) -> int:
        """Plan until nobody waits; return how many plans were committed.

        Persons who may wait at leisure are left to `at_leisure`.
        """
        done = 0
        while not self._stopping and (persons := self.waiting()):
            done += self._plan_each(persons)
        return done

    def at_leisure(self, limit: int = LEISURELY) -> int:
        """Plan some of the persons who may wait at leisure; return how many plans were committed."""
        query = select(rows.c.person).where(~rows.c.planned, rows.c.woken >= history.AT_LEISURE)
        query = query.order_by(rows.c.woken, rows.c.person).limit(limit + len(self._unplannable))
        with self._database.reading() as connection:
            found = list(dict.fromkeys(connection.execute(query).scalars()))
        return self._plan_each([person for person in found if person not in self._unplannable][:limit])

    def _plan_each(self, persons: Sequence[str]) -> int:
        """Plan a batch in portions, persons with few facts first, so that nobody waits for one with thousands."""
        return sum(self._plan_portion(portion) for portion in self._portions(persons))

    def _portions(self, persons: Sequence[str]) -> list[list[str]]:
        """Divide the persons, those with the fewest facts first, into portions of limited facts or of one person."""
        portions: list[list[str]] = []
        total = 0
        for person, facts in self._lightest_first(persons):
            total += facts
            if not portions or total > self._portion:
                portions.append([])
                total = facts
            portions[-1].append(person)
        return portions

    def _lightest_first(self, persons: Sequence[str]) -> list[tuple[str, int]]:
        """Return the persons with the number of their facts, the fewest first."""
        with self._database.reading() as connection:
            marks = history.marks(connection, persons)
        facts = [(person, marks[person].rows if person in marks else 0) for person in persons]
        return sorted(facts, key=itemgetter(1))

    def _plan_portion(self, persons: Sequence[str]) -> int:
        """Plan these persons together; if that fails, in ever smaller parts, so that one person stops nobody else.

        A person who cannot be planned stays unplanned, and this process does not try again. An error that also occurs
        without any person is raised.
        """
        try:
            return self.plan_batch(persons)
        except SYSTEM_ERRORS:
            raise
        except Exception as error:  # noqa: BLE001  (whatever a defect about one person's facts raises)
            if len(persons) == 1:
                self._plan_nobody()
                self._unplannable[persons[0]] = type(error).__name__
                return 0
        half = len(persons) // 2
        return self._plan_portion(persons[:half]) + self._plan_portion(persons[half:])

    def _plan_nobody(self) -> None:
        """Run everything that planning does without any person, to raise errors that are no person's fault."""
        with suppress(RulesMoved):
            self.commit(self.plans((), self._library.rules()))

    def plan_woken(self, persons: Sequence[str]) -> dict[str, str]:
        """Plan those of these persons who wait, until none does; return person -> cause for the unplannable ones.

        A person who could not be planned before is tried again, because something new has happened to them.
        """
        for person in persons:
            self._unplannable.pop(person, None)
        for part in chunked([person for person, _ in self._lightest_first(persons)], WOKEN):
            while waiting := self._waiting_among(part):
                self._plan_each(list(waiting))
                now = micros(self._clock())
                for recorded in waiting.values():
                    self.planned_after.observe(max(0.0, (now - recorded) / 1_000_000))
        return {person: self._unplannable[person] for person in persons if person in self._unplannable}

    def _waiting_among(self, persons: Sequence[str]) -> dict[str, int]:
        """Return those of the persons who wait, and since when (microseconds)."""
        with self._database.reading() as connection:
            found = connection.execute(_waiting(persons)).all()
        return {person: since for person, since in found if person not in self._unplannable}

    def waiting(self, limit: int = BATCH) -> list[str]:
        """Return persons with facts that are not planned yet."""
        with self._database.reading() as connection:
            found = history.unplanned(connection, limit + len(self._unplannable), history.AT_LEISURE)
        return [person for person in found if person not in self._unplannable][:limit]

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
        residing = ResidenceRows(rulebook.catalogue, rulebook.names)
        with self._database.reading() as connection:
            areas = area_plans.latest(connection)
            housed = residents.of_persons(connection, persons)
            marks = history.marks(connection, persons)
            nudges_marks = nudges.marks(connection, persons)
            known = nudges.of_persons(connection, persons)
            left = planned_before_erasure(connection, self._log, known)
            histories = reading.histories(connection, self._log, persons, rulebook)
        homes = {person: residing.rows(person, each.facts) for person, each in histories.items()}
        return Plans(
            [
                PersonPlan(
                    person,
                    marks[person],
                    nudges_marks.get(person, 0),
                    _changes(
                        leaving_undecided(whole_plan(histories[person], rulebook), left), known[person], rulebook, now
                    ),
                    known[person],
                    homes[person],
                    homes[person] != housed.get(person, []),
                )
                for person in persons
                if person in marks
            ],
            areas,
            rules.position,
        )

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
            if marks.get(plan.person) == plan.mark and nudges_marks.get(plan.person, 0) == plan.nudges_mark
        ]
        history.mark_planned(connection, {plan.person: plan.mark for plan in still if plan.whole})
        refuse_moved_rules(connection, plans.rules)
        residents.store(connection, {plan.person: plan.residences for plan in still if plan.moved})
        before = {id_: nudge for plan in still for id_, nudge in plan.nudges.items()}
        nudges.store(connection, _changed(still), before)
        entries = [Entry(*change) for plan in still for change in plan.changes]
        if entries:
            self._log.append(connection, entries)
        return [plan.person for plan in still]


def _changes(plan: Plan, known: Mapping[UUID, Nudge], rulebook: Rulebook, now: datetime) -> list[Change]:
    changes = diff(plan, known, rulebook, now)
    return [*changes, *afterwards(plan, known, changes, now)]


def _waiting(persons: Sequence[str]) -> Select[str, int]:
    """Return those of them who wait, and not only at leisure, with when the first of what waits was recorded."""
    theirs = select(rows.c.person, func.min(rows.c.recorded)).where(among(rows.c.person, persons), ~rows.c.planned)
    return theirs.where(rows.c.woken < history.AT_LEISURE).group_by(rows.c.person)


def _changed(plans: Sequence[PersonPlan]) -> list[Nudge]:
    """Return the changed nudges as they are after their changes."""
    now: dict[UUID, Nudge] = {}
    for plan in plans:
        for change in plan.changes:
            now[change.nudge] = evolve(now.get(change.nudge) or plan.nudges.get(change.nudge), *change)
    return list(now.values())
