"""Plan area events for all residents of the area, a chunk at a time, and only while no person waits to be planned.

Each chunk is one transaction with its facts, its due rows and its progress, so a killed process loses one chunk.
Any number of processes plan chunks of one area event at once.
Residents who are alike are planned by planning one of them (domain/planning/area_plan_sharing.py); all others are
left to `Planning`. An area event that cannot be planned becomes a dead letter, so that the next one has its turn.
"""

from bisect import bisect_left
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from sqlalchemy import Connection
from sqlalchemy.exc import IntegrityError

from domain.core.events import LifeEvent
from domain.nudges.diff import Change, diff
from domain.nudges.nudge import Nudge, evolve
from domain.planning.area_plan_sharing import Likeness, ResidentPlan
from projections import area_plans, happened_in_areas, history, nudges, residents
from projections.area_plans import AreaPlan, Chunk
from projections.residents import Resident
from projections.tables import micros
from streams.log.loads import originals_as_loaded
from streams.log.log import Log
from streams.log.mapper import Entry
from streams.planning import histories
from streams.planning.histories import Revisions
from streams.planning.person_plans import RulesMoved, leaving_undecided, planned_before_erasure, refuse_moved_rules
from streams.planning.planning import Planning
from streams.queues.dead_letters import DeadLetterQueue, Letter, LetterKind
from streams.rules.in_force import Rules
from streams.rules.library import Library
from streams.storage.database import Database, Priority
from streams.storage.errors import SYSTEM_ERRORS

AREA = "area"
"""The kind of the dead letters about area events."""


class AreaQuarantine:
    """Keeps area events that cannot be planned as dead letters, until they are planned."""

    def __init__(self, database: Database, letters: DeadLetterQueue) -> None:
        self._database, self._letters = database, letters

    def keep(self, work: AreaPlan, cause: str) -> None:
        """Move the area event from the waiting ones to the dead letters, unless a new revision came meanwhile."""
        self._database.write(lambda connection: self._keep(connection, work, cause), Priority.PLANNING)

    def _keep(self, connection: Connection, work: AreaPlan, cause: str) -> None:
        if area_plans.end(connection, work):
            self._letters.put(connection, Letter(AREA, work.original.hex, cause, work.original.bytes))

    def settle(self, connection: Connection, original: UUID) -> None:
        """Remove the area event's letter: it is now planned for all residents."""
        self._letters.resolve_one(connection, AREA, original.hex)


def letter_kind_of_areas(retry: Callable[[UUID], None]) -> LetterKind:
    """Return how a letter about an area event is retried (by `retry`) and described."""
    return LetterKind(lambda content: retry(UUID(bytes=content)), lambda content: f"area event {UUID(bytes=content)}")


CHUNK_SIZE = 10_000
"""Residents in one transaction. Other writers wait for at most one such transaction."""
MOST_CHUNKS = 100
"""Chunks into which residents are divided at a time. All of them are planned before more are made."""
CROWD = 10_000
"""Persons waiting for their own plan whom a chunk can skip. While more wait, they are planned first."""
HELPERS_CROWD = 250
"""While so many wait, processes that do not lead plan those whom records wake, and no area."""


class AreaPlanning:
    """Plans area events, after all persons who wait."""

    def __init__(
        self,
        database: Database,
        log: Log,
        library: Library,
        planning: Planning,
        letters: DeadLetterQueue,
        clock: Callable[[], datetime],
        chunk: int = CHUNK_SIZE,
    ) -> None:
        self._database, self._log, self._library, self._planning = database, log, library, planning
        self._quarantine, self._clock, self._size = AreaQuarantine(database, letters), clock, chunk
        self._stopping = False

    def stop(self) -> None:
        """Begin no further chunk."""
        self._stopping = True

    def drain(self) -> int:
        """Plan until no area event waits; return the number of turns taken."""
        turns = 0
        while not self._stopping and self.turn():
            turns += 1
        return turns

    def turn(self, *, leads: bool = True) -> bool:
        """Plan one chunk of residents, or some persons left to planning; return False if there was nothing to do.

        Any number of processes take turns at once. `leads`: this one also plans persons who wait, where too many do;
        others do nothing here while some do. An area event that makes its chunk fail becomes a dead letter. `retry`
        or a new revision plans it later.
        """
        rules, now = self._library.rules(), self._clock()
        with self._database.reading() as connection:
            waits = bool(area_plans.waiting_for(connection))
            most = CROWD if leads else HELPERS_CROWD
            crowded = (waits or not leads) and len(history.unplanned(connection, most, history.AT_LEISURE)) == most
        if crowded and not leads:
            return False
        if crowded and (persons := self._planning.waiting()):
            self._planning.plan_woken(persons)
            return True
        if waits and self._one_chunk(rules, now):
            return True
        return bool(self._planning.plan_at_leisure())

    def _one_chunk(self, rules: Rules, now: datetime) -> bool:
        """Plan one chunk; return False if other processes plan all that are left."""
        try:
            return self._database.write(lambda connection: self._chunk(connection, rules, now).plan(), Priority.AREAS)
        except RulesMoved:
            pass
        except _Unplannable as found:
            self._quarantine.keep(found.work, found.cause)
        return True

    def retry(self, original: UUID) -> None:
        """Plan the next chunk of an area event that is a dead letter; if that works, the rest is planned in turn.

        Raises: the error that keeps it from being planned.
        """
        rules, now = self._library.rules(), self._clock()
        try:
            self._database.write(
                lambda connection: self._chunk(connection, rules, now).retry(original), Priority.AREAS
            )
        except RulesMoved:
            self.retry(original)

    def _chunk(self, connection: Connection, rules: Rules, now: datetime) -> "_Chunk":
        self._database.server_clock.check(connection)
        return _Chunk(connection, self._log, self._quarantine, rules, now, self._size)


class _Unplannable(Exception):
    """Raised when the chunk of an area event fails for a reason that a retry will not remove."""

    def __init__(self, work: AreaPlan, cause: str) -> None:
        super().__init__(cause)
        self.work, self.cause = work, cause


class _GroupKey(NamedTuple):
    """The key that groups residents who get the same plan: area and zone, area events since they came, canaries."""

    home: str
    events_before: int
    lots: tuple[bool, ...]


class _Chunk:
    """One transaction: some residents of the first area event that waits and is not all in other hands."""

    def __init__(
        self, connection: Connection, log: Log, aside: AreaQuarantine, rules: Rules, now: datetime, size: int
    ) -> None:
        self.connection, self.log, self.quarantine, self.now, self.size = connection, log, aside, now, size
        self.rulebook, self.position = rules.rulebook, rules.position

    def plan(self) -> bool:
        """Plan the residents of this chunk; return False if there is none for this process.

        Raises:
            RulesMoved: other rules hold now; their publication restarts this plan, or waits for this commit.
            _Unplannable: planning failed, and neither the database nor a concurrent change is the reason.
        """
        for found in area_plans.all_waiting(self.connection):
            divided = area_plans.is_divided(self.connection, found)
            work = area_plans.held(self.connection, found, alone=not divided)
            chunk = area_plans.take(self.connection, work) if divided and work is not None else None
            if work is not None and (chunk is not None or not divided):
                self._plan_or_refuse(work, chunk)
                return True
        return False

    def _plan_or_refuse(self, work: AreaPlan, chunk: Chunk | None) -> None:
        try:
            self._plan_work(work, chunk)
        except (RulesMoved, IntegrityError):
            raise
        except SYSTEM_ERRORS:
            raise
        except Exception as error:  # noqa: BLE001  (whatever a defect about one area event raises)
            raise _Unplannable(work, type(error).__name__) from None

    def retry(self, original: UUID) -> None:
        """Plan the next chunk of this area event, which is a dead letter."""
        if (work := area_plans.resume(self.connection, original)) is not None:
            self._plan_work(work, area_plans.take(self.connection, work))

    def _plan_work(self, work: AreaPlan, chunk: Chunk | None) -> None:
        """Plan the chunk, or the residents that are in none: many of them are divided into chunks first."""
        revisions = self._revisions(work.original)
        likeness = Likeness(self.rulebook, revisions)
        levels = self.rulebook.catalogue.area_levels
        areas = {event.area for event in revisions if event.area} if likeness.concerned else set()
        within = {self.rulebook.names.within(area, levels) for area in areas}
        page = self._page(work, chunk, within)
        if chunk is None and len(page) == self.size:
            edges = residents.edges(self.connection, within, (work.home, work.person), self.size, MOST_CHUNKS)
            area_plans.divide(self.connection, work, edges)
            chunk = area_plans.take(self.connection, work)
            page = self._page(work, chunk, within)
        busy = set(history.unplanned(self.connection, CROWD, history.AT_LEISURE))
        free = [row for row in page if row.person not in busy]
        if chunk is None and not self._ended(work):
            return
        refuse_moved_rules(self.connection, self.position)
        if likeness.comparable:
            self._leave_to_planning(
                {row.person for row in page if row.person in busy}
            )  # else planned for their own news alone
            self._plan(likeness, revisions, free)
        else:
            self._leave_to_planning({row.person for row in page})

    def _revisions(self, original: UUID) -> list[LifeEvent]:
        """Return every revision of the area event; the original has the `ahead_from` of the load that counts."""
        first = [event for _, event in originals_as_loaded(self.log.streams(self.connection, [original])).values()]
        later = history.revisions_of(self.connection, [original]).get(original, [])
        entries = self.log.read(self.connection, later)
        return [*first, *(entry.fact for entry in entries if isinstance(entry.fact, LifeEvent))]

    def _page(self, work: AreaPlan, chunk: Chunk | None, within: AbstractSet[str]) -> list[Resident]:
        if chunk is not None:
            return residents.between(self.connection, within, chunk.after, chunk.upto)
        return residents.page(self.connection, within, (work.home, work.person), self.size)

    def _ended(self, work: AreaPlan) -> bool:
        """Record that no resident is left; return False if the plan was restarted."""
        ended = area_plans.end(self.connection, work)
        if ended:
            self.quarantine.settle(self.connection, work.original)
        return ended

    def _leave_to_planning(self, persons: Iterable[str]) -> None:
        history.wake_at_leisure(self.connection, sorted(persons), micros(self.now))

    def _plan(self, likeness: Likeness, revisions: Sequence[LifeEvent], free: Sequence[Resident]) -> None:
        groups: dict[_GroupKey, list[str]] = {}
        left: set[str] = set()
        moments = self._moments(likeness, revisions)
        telling = history.with_types(self.connection, [row.person for row in free], likeness.unlike)
        for row in free:
            came = bisect_left(moments, row.since)
            known = row.only and row.person not in telling and row.since not in moments[came : came + 1]
            if known and not (likeness.at_due and came):
                groups.setdefault(_GroupKey(row.home, came, likeness.canaries(row.person)), []).append(row.person)
            else:
                left.add(row.person)
        self._leave_to_planning(left)
        alike = list(groups.values())
        firsts = histories.revisions_of(self.connection, self.log, [first for first, *_ in alike], self.rulebook)
        self._store([plan for persons in alike for plan in _likened(likeness, persons, firsts[persons[0]])])

    def _moments(self, likeness: Likeness, revisions: Sequence[LifeEvent]) -> list[int]:
        """Return the times, in order, at which a person's residence matters for the plan."""
        times = {micros(event.time) for event in revisions}
        return sorted(times if likeness.alone else times.union(happened_in_areas.area_times(self.connection)))

    def _store(self, plans: Sequence[ResidentPlan]) -> None:
        """Append the facts that bring the nudges to the plans, and store the changed nudges."""
        present = set(nudges.present(self.connection, [id_ for each in plans for id_ in each.ids]))
        told = [each for each in plans if present and not present.isdisjoint(each.ids)]
        known = self._known(told)
        left = planned_before_erasure(self.connection, self.log, known)
        changes: list[Change] = []
        for plan in plans:
            changes += diff(leaving_undecided(plan.plan, left), known.get(plan.person, {}), self.rulebook, self.now)
        before = {id_: nudge for theirs in known.values() for id_, nudge in theirs.items()}
        self._append(changes, before)

    def _known(self, plans: Sequence[ResidentPlan]) -> dict[str, dict[UUID, Nudge]]:
        """Map each person to the nudges that the area event may change."""
        ids = {plan.person: [*plan.ids, *plan.pattern.corrections(plan.person)] for plan in plans}
        found = nudges.by_id(self.connection, [id_ for theirs in ids.values() for id_ in theirs])
        return {person: {id_: found[id_] for id_ in theirs if id_ in found} for person, theirs in ids.items()}

    def _append(self, changes: Sequence[Change], before: Mapping[UUID, Nudge]) -> None:
        fresh: list[Nudge] = []
        changed: list[Nudge] = []
        for change in changes:
            nudge = before.get(change.nudge) if before else None
            (fresh if nudge is None else changed).append(evolve(nudge, *change))
        nudges.store(self.connection, changed, before)
        nudges.add(self.connection, fresh)
        if changes:
            self.log.append(self.connection, [Entry(*change) for change in changes])


def _likened(likeness: Likeness, persons: Sequence[str], known: Revisions) -> Iterator[ResidentPlan]:
    """Return the plans of residents who are alike; `known`: what happened to the first of them."""
    own, areas = ([each.event for each in some] for some in known)
    return map(likeness.shared_plan(persons[0], own, areas).of, persons)
