"""Planning: plan each person who waits, and bring the log to the plan. Read it from top to bottom.

A plan is made outside any transaction. Then one transaction checks that nothing has moved, and commits the facts, the
due rows and the planned marks together.
"""

from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from datetime import datetime

from sqlalchemy import Connection

from domain.planning.affected import AffectedTriggers, RulebookPart
from domain.planning.plan import whole_plan
from projections import area_plans, history, nudges, residents
from projections.history import News
from streams.log.log import Log
from streams.log.mapper import Entry
from streams.planning import histories, person_plans
from streams.planning.batches import AT_LEISURE_SIZE, BATCH_SIZE, PORTION_FACTS, Batches
from streams.planning.person_plans import PersonPlan, Plans, RulesMoved, refuse_moved_rules
from streams.planning.residences import ResidenceRows
from streams.rules.in_force import Rules
from streams.rules.library import Library
from streams.storage import signals
from streams.storage.database import Database, Priority
from streams.storage.measures import planned_counter
from streams.storage.signals import Signal


class Planning:
    """Plans persons. Any number of them may run at once, in any processes.

    `on_unplannable`: gets the persons who cannot be planned (person -> cause) at once, unless a record woke them.
    """

    def __init__(
        self,
        database: Database,
        log: Log,
        library: Library,
        clock: Callable[[], datetime],
        portion: int = PORTION_FACTS,
        on_unplannable: Callable[[Mapping[str, str]], object] = len,
    ) -> None:
        self._aside = on_unplannable
        self._database, self._log, self._library, self._clock = database, log, library, clock
        self._affected: AffectedTriggers | None = None
        self._batches = Batches(database, clock, portion, self.plan_batch, self._plan_nobody)
        self._stopping = False
        self.planned, self.planned_after = planned_counter(), self._batches.planned_after

    def drain(self) -> int:
        """Plan until nobody waits; return how many plans were committed.

        `plan_at_leisure` plans those who may wait longer.
        """
        done = 0
        while not self._stopping and (persons := self.waiting()):
            done += self._plan_batch(persons)
        return done

    def _plan_batch(self, persons: Sequence[str]) -> int:
        """Plan a batch of persons who wait, and tell of those who cannot be planned."""
        done = self._batches.plan(persons)
        if causes := self._batches.unplannable_among(persons):
            self._aside(causes)
        return done

    def waiting(self, limit: int = BATCH_SIZE) -> list[str]:
        """Return persons with facts that are not planned yet, without those who cannot be planned."""
        return self._batches.waiting(limit)

    def plan_batch(self, news: Mapping[str, News]) -> int:
        """Plan these persons; return how many plans were committed. Whoever changed meanwhile goes on waiting."""
        try:
            done = len(self.commit(self.plans(news, self._library.rules())))
        except RulesMoved:
            return self.plan_batch(news)
        self.planned.inc(done)
        return done

    def news(self, persons: Sequence[str]) -> dict[str, News]:
        """Return person -> what waits of them; persons without a history are left out."""
        return self._batches.news(persons)

    def plans(self, news: Mapping[str, News], rules: Rules) -> Plans:
        """Make the plans of what waits of the persons, without writing anything.

        Whoever only has new events is planned for the triggers that these affect.
        """
        affected = self._affected_by(rules)
        parts = {
            person: affected.everything if one.replan else affected.by(one.types) for person, one in news.items()
        }
        return self._plans(news, rules, parts)

    def whole_plans(self, persons: Sequence[str], rules: Rules) -> Plans:
        """Make the whole plans of those of the persons who have a history, without writing anything."""
        news = self.news(persons)
        return self._plans(news, rules, dict.fromkeys(news, self._affected_by(rules).everything))

    def _affected_by(self, rules: Rules) -> AffectedTriggers:
        affected = self._affected  # another thread may replace it meanwhile, by that of other rules
        if affected is None or affected.everything.rulebook is not rules.rulebook:
            affected = self._affected = AffectedTriggers(rules.rulebook)
        return affected

    def _plans(self, news: Mapping[str, News], rules: Rules, parts: Mapping[str, RulebookPart]) -> Plans:
        now, rulebook = self._clock(), rules.rulebook
        residences = ResidenceRows(rulebook.catalogue, rulebook.names)
        with self._database.reading() as connection:
            areas = area_plans.latest(connection)
            moving = {one for one, part in parts.items() if part.is_whole or news[one].types & residences.types}
            housed = residents.of_persons(connection, sorted(moving))
            all_nudges = nudges.of_persons(connection, [person for person, part in parts.items() if part.decides])
            known = {one: person_plans.decided_by(part, all_nudges.get(one, {})) for one, part in parts.items()}
            left = person_plans.planned_before_erasure(connection, self._log, known)
            their_histories = histories.of_rulebook_parts(connection, self._log, parts)
        found = []
        for person, part in parts.items():
            plan = person_plans.leaving_undecided(whole_plan(their_histories[person], part.rulebook), left)
            changes = person_plans.changes_of(plan, known[person], part.rulebook, now)
            homes = residences.rows(person, their_histories[person].facts)
            moved = person in moving and homes != housed.get(person, [])
            found.append(
                PersonPlan(person, news[person].version, changes, known[person], homes, moved, not part.is_whole)
            )
        return Plans(found, areas, rules.position)

    def commit(self, plans: Plans) -> list[str]:
        """Bring the log to the plans in one transaction; return the persons done (not those who changed meanwhile).

        Raises:
            RulesMoved: other rules hold than the plans were made by.
            WrongClock: our clock and the database's are too far apart.
        """
        return self._database.write(lambda connection: self._commit(connection, plans), Priority.PLANNING)

    def _commit(self, connection: Connection, plans: Plans) -> list[str]:
        self._database.server_clock.check(connection)
        persons = [plan.person for plan in plans.persons]
        self._log.keys.hold(connection, persons)
        versions = nudges.versions_held(connection, [id_ for plan in plans.persons for id_ in plan.nudges])
        if area_plans.latest(connection) != plans.areas:
            return []  # the area event's own plan may already have passed these persons: plan them again with it
        now = history.versions(connection, persons)
        still = [plan for plan in plans.persons if plan.is_made_from(now.get(plan.person), versions)]
        for by_news in (False, True):
            done = {
                plan.person: plan.history for plan in still if plan.is_whole and plan.for_new_events_only is by_news
            }
            history.mark_planned(connection, done, by_news=by_news)
        refuse_moved_rules(connection, plans.rules)
        residents.store(connection, {plan.person: plan.residences for plan in still if plan.residences_changed})
        before = {id_: nudge for plan in still for id_, nudge in plan.nudges.items()}
        changed = person_plans.changed_nudges(still)
        nudges.store(connection, changed, before)
        if changed and person_plans.any_due(changed, self._clock()):
            signals.send(connection, Signal.DUE)
        if entries := [Entry(*change) for plan in still for change in plan.changes]:
            self._log.append(connection, entries)
        return [plan.person for plan in still]

    def plan_at_leisure(self) -> int:
        """Plan some of the persons who may wait at leisure; return how many plans were committed."""
        return self._plan_batch(self._batches.persons_at_leisure(AT_LEISURE_SIZE))

    def plan_woken(self, persons: Sequence[str]) -> dict[str, str]:
        """Plan those of these persons who wait, until none does; return person -> cause for the unplannable ones.

        A person who could not be planned before is tried again, because something new has happened to them.
        """
        return self._batches.plan_woken(persons)

    def _plan_nobody(self) -> None:
        """Run everything that planning does without any person, to raise errors that are no person's fault."""
        with suppress(RulesMoved):
            self.commit(self.plans({}, self._library.rules()))

    def stop(self) -> None:
        """Begin no further batch."""
        self._stopping = True
