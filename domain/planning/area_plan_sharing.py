"""Plans an area event for residents who are alike by planning one of them: what differs is only who they are.

The plan of a resident reads the area event, where they live, their zone, whether they live, in which canaries they
are, and what the triggers read of them. Whoever agrees in all of that has the same plan under other names.

Of the plan only those occurrences are looked at that the area event touches: what it starts, and what it may end of
what other area events started. So the cost for a resident does not grow with the area events before it.
"""

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime, timedelta
from typing import NamedTuple
from uuid import UUID
from zoneinfo import ZoneInfo

from msgspec.structs import replace

from domain.core.events import Effective, LifeEvent
from domain.core.ids import Names
from domain.persons.history import History, history_of
from domain.persons.hours import local_zone
from domain.persons.person import person_as_of
from domain.planning.plan import Intent, Plan, whole_plan
from domain.rules.benefits import stored_attribute
from domain.rules.event_types import HOME, ZONE, Catalogue, setting_types
from domain.rules.rulebook import Rulebook
from domain.rules.steps import Step
from domain.rules.trigger_keys import KEYS, STEP_KEYS, UNLESS_KEYS
from domain.rules.triggers import CORRECTION, Trigger

_UNDERSTOOD = frozenset(name for name, key in KEYS.items() if key.alike)
_STEP_UNDERSTOOD = frozenset(name for name, alike in STEP_KEYS.items() if alike)
_UNLESS_UNDERSTOOD = frozenset(name for name, alike in UNLESS_KEYS.items() if alike)


class PlannedStep(NamedTuple):
    """A step that may be planned: `intent` is the plan's, if any; `needless`: not asked for, and yet not wrong.

    `smooth`: the step and its trigger where due times are spread; the intent is then due at the start of the span.
    """

    step: str
    intent: Intent | None
    needless: bool
    smooth: "_Smooth | None" = None

    def own(self, person: str, occurrence: UUID, id_: UUID) -> Intent | None:
        """Return the intent of somebody who is alike."""
        intent, smooth = self.intent, self.smooth
        if intent is None or smooth is None:
            return intent and replace(intent, id=id_, person=person, occurrence=occurrence)
        due = smooth.step.smoothed(intent.due, id_)
        expires = smooth.expires(due) if smooth.by_due else intent.expires
        return replace(intent, id=id_, person=person, occurrence=occurrence, due=due, expires=expires)


class _Smooth(NamedTuple):
    """A step whose due times are spread; `by_due`: it expires so long after it is due, counted in that zone."""

    step: Step
    trigger: Trigger
    zone: ZoneInfo
    by_due: bool

    def expires(self, due: datetime) -> datetime | None:
        return self.trigger.expires(due, {}, self.zone)


Subject = tuple[str, tuple[str, ...]]
"""A trigger, and what one of its occurrences is about."""


class Likeness:
    """The values in which residents must agree, to be alike for an area event with those revisions."""

    def __init__(self, rulebook: Rulebook, revisions: Sequence[LifeEvent]) -> None:
        self._rulebook, self._revisions = rulebook, revisions
        types = {event.type for event in revisions}
        self.concerned = rulebook.versions_about(types)
        triggers = [version.trigger for version in self.concerned]
        self._triggers = {trigger.name for trigger in triggers}
        self._canaries = [each for each in rulebook.canaries if each.trigger.name in self._triggers]
        self.comparable = all(_understood(trigger, rulebook.catalogue) for trigger in triggers)
        """True if alike residents have alike plans: no trigger reads what is not compared here."""
        self.at_due = any(trigger.residents_at == "due" for trigger in triggers)
        self.alone = all(not trigger.occurrence and trigger.on in types for trigger in triggers)
        """True if no other area event influences the plan for this one."""
        self.unlike = frozenset(_telling_types(triggers, rulebook.catalogue))
        """A person with a fact of these types may be unlike everybody else."""

    def canaries(self, person: str) -> tuple[bool, ...]:
        """Return, for each canary, True if the person is in it: who is in others has another plan."""
        return tuple([self._rulebook.is_for(version, person) for version in self._canaries])

    def shared_plan(self, one: str, own: Sequence[LifeEvent], areas: Sequence[LifeEvent]) -> "SharedPlan":
        """Return the plan of one resident, as it is for all who are like them.

        `own`, `areas`: all revisions of what happened to them, and to the areas where they lived.
        """
        known = history_of(one, own, self._rulebook.catalogue, areas)
        person = person_as_of(one, known.facts, self._rulebook.catalogue)
        zone = local_zone(person, self._rulebook.defaults)
        plan = whole_plan(known, self._rulebook)
        intents = {intent.id: intent for intent in plan.intents}
        names, groups = self._rulebook.names, []
        for trigger, subject in sorted(self._started() | self._ended(known, own, areas)):
            ids = self._ids(one, trigger, subject)
            groups.append(
                (
                    trigger,
                    subject,
                    [
                        self._slot(step, intents.get(id_), needless=id_ in plan.needless, zone=zone)
                        for step, id_ in ids.items()
                    ],
                )
            )
        return SharedPlan(names, groups)

    def _slot(self, step: str, intent: Intent | None, *, needless: bool, zone: ZoneInfo) -> PlannedStep:
        if intent is None:
            return PlannedStep(step, None, needless)
        trigger = self._rulebook.versions[intent.version].trigger
        of_it = trigger.step(step)
        if not of_it.smooth:
            return PlannedStep(step, intent, needless)
        start = intent.due - timedelta(seconds=intent.id.int % of_it.smooth)
        by_due = trigger.expiry is None or trigger.expiry.offset is not None
        return PlannedStep(step, replace(intent, due=start), needless, _Smooth(of_it, trigger, zone, by_due))

    def _started(self) -> set[Subject]:
        """Return what the triggers start on the area event, in any revision."""
        return self._subjects([Effective(event, event.original) for event in self._revisions])

    def _ended(self, known: History, own: Sequence[LifeEvent], areas: Sequence[LifeEvent]) -> set[Subject]:
        """Return what other area events started and any revision of this one may end.

        It is what is planned otherwise without the area event than with each of its revisions as an event of its own.
        """
        others = [fact for fact in known.everything if fact.event.area is not None and not self._is_it(fact.event)]
        if self.alone or not (subjects := self._subjects(others)):
            return set()
        without = [event for event in areas if not self._is_it(event)]
        apart = [
            replace(event, id=f"{number} {event.id}", corrects=None)
            for number, event in enumerate(self._revisions)
            if event.area is not None
        ]
        before, after = (
            self._planned(history_of(known.person, own, self._rulebook.catalogue, some))
            for some in (without, [*without, *apart])
        )
        changed = {id_ for id_, _ in before.items() ^ after.items()}
        return {subject for subject in subjects if not changed.isdisjoint(self._ids(known.person, *subject).values())}

    def _is_it(self, event: LifeEvent) -> bool:
        """Return True for the area event, in any revision."""
        first = self._revisions[0]
        return (event.source, event.original) == (first.source, first.original)

    def _planned(self, known: History) -> dict[UUID, Intent | None]:
        """Return the nudges that are asked for, and those that are needless (None)."""
        plan = whole_plan(known, self._rulebook)
        return {**dict.fromkeys(plan.needless), **{intent.id: intent for intent in plan.intents}}

    def _subjects(self, facts: Iterable[Effective]) -> set[Subject]:
        return {
            (version.trigger.name, subject)
            for fact in facts
            for version in self.concerned
            if version.trigger.on == fact.event.type and (subject := version.trigger.subject(fact)) is not None
        }

    def _ids(self, person: str, trigger: str, subject: tuple[str, ...]) -> dict[str, UUID]:
        """Return step -> its nudge."""
        names = self._rulebook.names
        occurrence = names.occurrence(trigger, person, *subject)
        return {step: names.nudge(trigger, person, occurrence, step) for step in self._steps(trigger)}

    def _steps(self, trigger: str) -> list[str]:
        steps = {
            step.name
            for version in self._rulebook.versions.values()
            if version.trigger.name == trigger
            for step in version.trigger.steps
        }
        return sorted(steps)


class ResidentPlan(NamedTuple):
    """A resident's plan as far as the area event goes; `ids` of all nudges that it could have planned."""

    pattern: "SharedPlan"
    person: str
    plan: Plan
    ids: list[UUID]


class SharedPlan:
    """A plan without a person in it. `groups`: trigger, what it is about, and its steps."""

    def __init__(self, names: Names, groups: Sequence[tuple[str, tuple[str, ...], Sequence[PlannedStep]]]) -> None:
        self._names, self._groups = names, groups

    def of(self, person: str) -> ResidentPlan:
        """Return the plan of a person who is like the one that the pattern was made of."""
        nudge = self._names.nudge
        intents: list[Intent] = []
        needless: list[UUID] = []
        ids: list[UUID] = []
        for trigger, subject, slots in self._groups:
            occurrence = self._names.occurrence(trigger, person, *subject)
            for slot in slots:
                id_ = nudge(trigger, person, occurrence, slot.step)
                ids.append(id_)
                if slot.needless:
                    needless.append(id_)
                if (intent := slot.own(person, occurrence, id_)) is not None:
                    intents.append(intent)
        return ResidentPlan(self, person, Plan(tuple(intents), frozenset(needless)), ids)

    def corrections(self, person: str) -> list[UUID]:
        """Return the ids of the corrections that there may be, once there was anything to correct."""
        return [
            self._names.nudge(trigger, person, self._names.occurrence(trigger, person, *subject), CORRECTION)
            for trigger, subject, _ in self._groups
        ]


def _understood(trigger: Trigger, catalogue: Catalogue) -> bool:
    """Return True if everything that the trigger says is compared; a future key of the language is not."""
    content, type_ = trigger.content, catalogue.types.get(trigger.on)
    steps = [step or {} for step in content["due"].values()]
    return (
        type_ is not None
        and type_.subject is None
        and _UNDERSTOOD.issuperset(content)
        and all(_STEP_UNDERSTOOD.issuperset(step) for step in steps)
        and all(_UNLESS_UNDERSTOOD.issuperset(unless) for unless in content.get("unless") or ())
    )


def _telling_types(triggers: Iterable[Trigger], catalogue: Catalogue) -> Iterator[str]:
    """Yield the types of persons' own facts that the triggers read, but for those that only say where they live."""
    for trigger in triggers:
        read = {name for name in trigger.reads if name.startswith("citizen.")} - {HOME, ZONE}
        yield from setting_types(catalogue, map(stored_attribute, read))
        yield from (unless.on for unless in trigger.unless if _names_somebody(catalogue, unless.on))


def _names_somebody(catalogue: Catalogue, name: str) -> bool:
    type_ = catalogue.types.get(name)
    return type_ is None or type_.subject is not None
