"""Repair: find the differences between the plans and the log, and append what is missing. It cannot send.

A person's facts may wait too long for their plan (a wake-up was lost, the reconciler is off), or be marked as planned
although changes are missing. Planning itself computes the difference. A repair covers everybody, the persons of an
outage, the residents of an area, or one person.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from datetime import datetime
from enum import StrEnum
from uuid import UUID

from msgspec import Struct
from msgspec.structs import replace
from sqlalchemy import Connection

from domain.core.events import LifeEvent
from domain.core.ids import Names
from domain.core.translatable import Said
from domain.facts.facts import NudgeCancelled, NudgeDone, NudgePlanned, NudgeRescheduled, NudgeWithheld
from domain.nudges.diff import Change
from domain.nudges.later_completion import is_note
from domain.nudges.nudge import evolve
from domain.nudges.settle import NotSentReason
from domain.planning.plan import Intent
from domain.rules.triggers import CORRECTION
from projections import area_plans, happened_in_areas, history, residents
from projections.bulk import chunked
from projections.tables import micros, optional_micros
from streams.log.log import Log
from streams.planning import histories
from streams.planning.person_plans import PersonPlan, Plans, RulesMoved
from streams.planning.planning import Planning
from streams.replay.walk import Stride, Walk
from streams.rules.context import WriteContext
from streams.rules.in_force import Rules
from streams.storage.database import Database
from streams.storage.errors import SYSTEM_ERRORS

PAGE = 10_000


class GapFilter(Struct, frozen=True):
    """The gaps to look for.

    `since` (inclusive) and `until` (exclusive): the time of the outage (not of the nudges). It selects persons with
    facts recorded in it about them or their area, or whom a publication woke in it. `area`: only its residents of
    now. `trigger`: only its nudges, or (`whole`) all nudges of persons with events on which it starts.
    """

    since: datetime | None = None
    until: datetime | None = None
    trigger: str | None = None
    area: str | None = None
    person: str | None = None
    whole: bool = False

    @property
    def timed(self) -> bool:
        """True if the selection has a time."""
        return self.since is not None or self.until is not None

    def covers(self, moment: datetime) -> bool:
        """Return True if the moment is within the selected time."""
        return (self.since is None or self.since <= moment) and (self.until is None or moment < self.until)


class PersonFinder:
    """Finds the persons of a selection, in the order of their pseudonyms."""

    def __init__(self, database: Database, log: Log, names: Names) -> None:
        self._database, self._log, self._names = database, log, names

    def of(self, selection: GapFilter, rules: Rules, after: str, size: int) -> Iterator[Sequence[str]]:
        """Yield the selected persons after that pseudonym, each once, `size` at a time."""
        types = _types(selection.trigger, rules)
        if selection.person is not None and not selection.timed:
            return iter([[selection.person]] if selection.person > after else [])
        if not selection.timed and selection.area is None:
            return histories.batches(self._database, histories.Selection(types, after), size)
        with self._database.reading() as connection:
            moved = self._moved(connection, selection, rules) if selection.timed else None
            near = None if selection.area is None else self._near(connection, selection.area, rules)
        found = moved & near if moved is not None and near is not None else moved or near or set()
        if selection.person is not None:
            found &= {selection.person}
        return self._started(sorted(person for person in found if person > after), types, size)

    def _moved(self, connection: Connection, selection: GapFilter, rules: Rules) -> set[str]:
        """Return the persons with facts recorded in that time about them or about an area where they live."""
        since, until = optional_micros(selection.since), optional_micros(selection.until)
        found = history.changed_within(connection, since, until)
        return found | self._residents(connection, self._areas(connection, selection), rules)

    def _near(self, connection: Connection, area: str, rules: Rules) -> set[str]:
        """Return the persons who may live in the area: by their last plan, or because they wait for a plan."""
        return self._residents(connection, {area}, rules) | history.all_waiting(connection)

    def _started(self, found: Sequence[str], types: frozenset[str] | None, size: int) -> Iterator[Sequence[str]]:
        for persons in chunked(found, size):
            if types is None:
                yield persons
                continue
            with self._database.reading() as connection:
                started = history.with_types(connection, persons, types)
            if started:
                yield [person for person in persons if person in started]

    def _areas(self, connection: Connection, selection: GapFilter) -> set[str]:
        """Return the areas with facts recorded in that time."""
        recorded = self._log.read(connection, happened_in_areas.areas_since(connection, None))
        return {
            entry.fact.area
            for entry in recorded
            if isinstance(entry.fact, LifeEvent)
            and entry.fact.area is not None
            and entry.recorded is not None
            and selection.covers(entry.recorded)
        }

    def _residents(self, connection: Connection, areas: Iterable[str], rules: Rules) -> set[str]:
        """Return the persons who live or lived in the areas, as of their last plan."""
        within = {self._names.within(area, rules.catalogue.area_levels) for area in areas}
        found: set[str] = set()
        after = ("", "")
        while within and (page := residents.page(connection, within, after, PAGE)):
            found.update(resident.person for resident in page)
            after = (page[-1].home, page[-1].person)
        return found


def _types(trigger: str | None, rules: Rules) -> frozenset[str] | None:
    """Return the event types that the trigger starts on; None if persons without such events can have its nudges."""
    if trigger is None:
        return None
    versions = [version.trigger for version in rules.rulebook.versions.values() if version.trigger.name == trigger]
    types = frozenset([version.on for version in versions])
    elsewhere = any(version.alone or rules.catalogue.types[version.on].area is not None for version in versions)
    return None if elsewhere else types


BATCH = 500


class ChangeKind(StrEnum):
    """The kinds of change that a plan asks for."""

    PLAN = "plan"
    RESCHEDULE = "reschedule"
    CANCEL = "cancel"
    CORRECT = "correct"
    DONE = "done"  # the citizen did it after the nudge was sent, and the log does not say so
    WITHHOLD = "withhold"  # it expired before it was planned: recorded, not sent


class GapReason(StrEnum):
    """The reasons for a gap."""

    WAITING = "waiting"  # the facts that cause it are not planned yet
    OVERLOOKED = "overlooked"  # they are marked as planned, but the change is missing
    UNNOTED = "unnoted"  # only the note is missing that the citizen did it, or of a correction; the nudge was sent


class Gap(Struct, frozen=True):
    """One nudge for which log and plan differ."""

    nudge: UUID
    person: str
    trigger: str
    step: str
    due: datetime
    expires: datetime | None
    what: ChangeKind
    why: GapReason


class RepairBatch(Struct, frozen=True):
    """A batch of persons up to and including `upto`, their gaps, and person -> error of the unplannable ones."""

    upto: str
    persons: int
    gaps: Sequence[Gap]
    unplannable: Mapping[str, str]

    @property
    def stride(self) -> Stride:
        """The batch as a stride of a job."""
        done = Counter(gap.what.value for gap in self.gaps)
        return Stride(self.upto, self.persons, done, len(self.unplannable))


class PlanRepair:
    """Finds and closes gaps. Several repairs may run at once, beside workers: only one of them closes a gap.

    `batch`: persons at a time.
    """

    batch = BATCH

    def __init__(self, context: WriteContext, planning: Planning) -> None:
        self._database, self._library, self._planning = context.database, context.library, planning
        self._names, self._clock = context.names, context.clock
        self._persons = PersonFinder(context.database, context.log, context.names)

    def work(self, selection: GapFilter) -> Walk:
        """Return the repair as the work of a job."""
        return Walk(
            Said("repair"),
            "persons",
            self._library,
            lambda after: self.look(selection, after=after),
            lambda after: self.repair(selection, after),
        )

    def look(self, selection: GapFilter, rules: Rules | None = None, after: str = "") -> Iterator[RepairBatch]:
        """Yield what is missing, a batch at a time, without writing anything; `rules`: instead of those in force."""
        rules = rules or self._library.rules()
        for persons in self._persons.of(selection, rules, after, self.batch):
            yield self._look(persons, selection, rules)

    def _look(self, persons: Sequence[str], selection: GapFilter, rules: Rules) -> RepairBatch:
        owing = _GapSelector(self._database, selection, self._names, rules, self._clock())
        plans, unplannable = self._plans(persons, rules)
        return RepairBatch(
            persons[-1], len(persons), [gap for plan in plans for gap in owing.of(plan).gaps], unplannable
        )

    def repair(self, selection: GapFilter, after: str = "") -> Iterator[RepairBatch]:
        """Append what is missing, one transaction a batch, and yield it. It can be stopped at any time."""
        for persons in self._persons.of(selection, self._library.rules(), after, self.batch):
            yield self._repair(persons, selection)

    def _repair(self, persons: Sequence[str], selection: GapFilter) -> RepairBatch:
        done: list[Gap] = []
        unplannable: dict[str, str] = {}
        left = list(persons)
        while left:
            rules = self._library.rules()
            owing = _GapSelector(self._database, selection, self._names, rules, self._clock())
            found, lame = self._plans(left, rules)
            unplannable |= lame
            left = [person for plans in found for person in self._committed(owing.of(plans), done)]
        return RepairBatch(persons[-1], len(persons), done, unplannable)

    def _committed(self, owed: "_PlansToCommit", done: list[Gap]) -> list[str]:
        """Commit what is owed; return the persons who changed meanwhile, to be looked at again."""
        try:
            kept = set(self._planning.commit(owed.plans)) if owed.plans.persons else set()
        except RulesMoved:
            kept = set()
        done += [gap for gap in owed.gaps if gap.person in kept]
        return [plan.person for plan in owed.plans.persons if plan.person not in kept]

    def _plans(self, persons: Sequence[str], rules: Rules) -> tuple[list[Plans], dict[str, str]]:
        """Return the plans, and person -> error of those who cannot be planned."""
        try:
            return [self._planning.whole_plans(persons, rules)], {}
        except SYSTEM_ERRORS:
            raise
        except Exception as error:  # noqa: BLE001  (whatever a defect about one person's facts raises)
            if len(persons) == 1:
                return [], {persons[0]: type(error).__name__}
        half = len(persons) // 2
        (one, lame), (other, also) = self._plans(persons[:half], rules), self._plans(persons[half:], rules)
        return one + other, lame | also


class _PlansToCommit(Struct, frozen=True):
    """The plans to commit, and the gaps that they close."""

    plans: Plans
    gaps: list[Gap]


class _GapSelector:
    """Narrows plans to what the selection asks for."""

    def __init__(self, database: Database, selection: GapFilter, names: Names, rules: Rules, now: datetime) -> None:
        self._database, self._selection, self._now = database, selection, now
        levels = rules.catalogue.area_levels
        self._within = None if selection.area is None else names.within(selection.area, levels)

    def of(self, plans: Plans) -> _PlansToCommit:
        """Return the plans of persons with selected gaps."""
        chosen = [self._narrowed(plan) for plan in plans.persons if self._is_there(plan)]
        with self._database.reading() as connection:
            waiting = history.waiting_among(connection, [plan.person for plan in chosen])
            areas = area_plans.waiting_for(connection)
        gaps = [gap for plan in chosen for gap in self._gaps(plan, waiting, areas)]
        owed = [
            plan
            for plan in chosen
            if plan.changes or (plan.is_whole and (plan.residences_changed or plan.person in waiting))
        ]
        return _PlansToCommit(replace(plans, persons=owed), gaps)

    def _is_there(self, plan: PersonPlan) -> bool:
        """Return True if the person lives in the selected area now, or no area is selected."""
        now = micros(self._now)
        return self._within is None or any(
            residence.home.startswith(self._within)
            and residence.since <= now
            and (residence.until is None or now < residence.until)
            for residence in plan.residences
        )

    def _narrowed(self, plan: PersonPlan) -> PersonPlan:
        trigger = None if self._selection.whole else self._selection.trigger
        changes = [change for change in plan.changes if trigger is None or _about(change, plan).trigger == trigger]
        stale = [self._stale(change, plan) for change in changes]
        facts = [one for pair in zip(changes, stale, strict=True) for one in pair if one is not None]
        return replace(plan, changes=facts, is_whole=trigger is None)

    def _stale(self, change: Change, plan: PersonPlan) -> Change | None:
        """Return the change that withholds a newly planned nudge which has expired by now; None if it has not."""
        fact = change.fact
        if type(fact) is not NudgePlanned or fact.expires is None or fact.expires > self._now:
            return None
        return Change(
            change.nudge, change.version + 1, NudgeWithheld(self._now, plan.person, NotSentReason.EXPIRED.value)
        )

    def _gaps(self, plan: PersonPlan, waiting: AbstractSet[str], areas: AbstractSet[UUID]) -> Iterator[Gap]:
        withheld = {change.nudge for change in plan.changes if isinstance(change.fact, NudgeWithheld)}
        for change in plan.changes:
            if isinstance(change.fact, NudgeWithheld):
                continue
            intent = _about(change, plan)
            what = ChangeKind.WITHHOLD if change.nudge in withheld else _what(change)
            waits = plan.person in waiting or intent.cause in areas
            yield Gap(
                change.nudge,
                plan.person,
                intent.trigger,
                intent.step,
                intent.due,
                intent.expires,
                what,
                GapReason.WAITING
                if waits
                else GapReason.UNNOTED
                if is_note(change, plan.nudges.get(change.nudge))
                else GapReason.OVERLOOKED,
            )


def _about(change: Change, plan: PersonPlan) -> Intent:
    """Return the intent that the change is about: the new one, or the one that is cancelled."""
    return evolve(plan.nudges.get(change.nudge), *change).intent


def _what(change: Change) -> ChangeKind:
    match change.fact:
        case NudgeCancelled():
            return ChangeKind.CANCEL
        case NudgeRescheduled():
            return ChangeKind.RESCHEDULE
        case NudgeDone():
            return ChangeKind.DONE
        case NudgePlanned(step=step) if step == CORRECTION:
            return ChangeKind.CORRECT
        case _:
            return ChangeKind.PLAN
