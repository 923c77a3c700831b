"""The one function that decides what a person should hear. Everything else is a diff."""

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from functools import cached_property
from operator import attrgetter
from typing import NamedTuple
from uuid import UUID

from msgspec import Struct
from msgspec.structs import replace

from domain.conditions.matching import MOST_COMPARISONS, ComparisonLimit, Matcher, by_type
from domain.core.events import Effective
from domain.persons.history import History, lives_in
from domain.persons.hours import zone_of_attributes
from domain.persons.person import Fold
from domain.planning.completion import Completion, answers, completions_of, first_by, is_about_homes, moot_from
from domain.planning.deaths import Deaths
from domain.planning.entitlement_edges import EntitlementEdges
from domain.planning.retired import Retired
from domain.planning.starts import Start, counts, dated, occurrence_of, with_others
from domain.rules.event_types import HOME
from domain.rules.rulebook import Rulebook, Version
from domain.rules.steps import Series, Step, named
from domain.rules.triggers import EntitlementEdge, Trigger

_ID = attrgetter("id.int")


class Intent(Struct, frozen=True, kw_only=True, array_like=True, gc=False):
    """A nudge as planned, before it is a fact. Times in UTC.

    `version`: the hash of the trigger version; `occurrence`: what it is about, as a keyed hash; `cause`: the stream
    of the life event (its counting revision); `moot_from`: the thing itself happened then, after the nudge was
    due, so from then on it is not sent.
    """

    id: UUID
    person: str
    trigger: str
    version: str
    occurrence: UUID
    step: str
    due: datetime
    expires: datetime | None
    klass: str
    channels: tuple[str, ...]
    cause: UUID
    moot_from: datetime | None = None


class Plan(Struct, frozen=True):
    """`intents`, sorted by id; `needless`: nudges that are not asked for any more and yet were not wrong.

    Needless is what was done in time, what a death ended, and what lies behind the moment that a version or a load
    looks ahead from. `closed`: the streams of events whose content is retired, and `undecided`: nudges that something
    retired may have had to do with. What became of them is in the log, and stays so.
    `done`: when the person first did what a nudge is about, whether it is asked for or not.
    """

    intents: tuple[Intent, ...]
    needless: frozenset[UUID]
    done: Mapping[UUID, datetime | None] = {}
    undecided: frozenset[UUID] = frozenset()
    closed: frozenset[UUID] = frozenset()

    def leaves(self, intent: Intent) -> bool:
        """Return True if retired content makes it impossible to tell whether that should have been planned."""
        return intent.cause in self.closed or intent.id in self.undecided


def plan(history: History, rulebook: Rulebook) -> tuple[Intent, ...]:
    """Return the nudges that the person should get, given their history: a pure function, sorted by id.

    It never reads outcomes, clocks or the time of recording, so any order and any repetition of arrival gives the
    same intents. Of two events that share an occurrence, the later one is used; for an occurrence of the person
    alone, the first.
    """
    return whole_plan(history, rulebook).intents


def whole_plan(
    history: History, rulebook: Rulebook, most: int = MOST_COMPARISONS, before: datetime | None = None
) -> Plan:
    """Return the plan, with what it left out although the event behind it stands.

    `before`: leave out steps that are due then or later; such a plan is for a person without nudges.

    Raises:
        TooCostly: it looks more than `most` times at an event beside another.
    """
    planner = _Planner(history, rulebook, most, before)
    for fact in history.everything:
        planner.follow(fact)
    if rulebook.alone:
        planner.start_by_themselves()
    return planner.plan()


class _Planner:
    """Follows the facts of a history in their order, and collects the nudges that the triggers plan."""

    def __init__(self, history: History, rulebook: Rulebook, most: int, before: datetime | None) -> None:
        self.history, self.person, self.rulebook = history, history.person, rulebook
        self.before = before
        self.looks = ComparisonLimit(most)
        self.events = Matcher(by_type(history.facts), self.looks)
        self.entitlement_edges = EntitlementEdges(history, rulebook, self.events)
        self.counting = rulebook.counted
        self.fold = Fold(history.person, rulebook.catalogue)
        self.counted: dict[str, list[Start]] = {}
        self.counts: dict[str, _Counts] = {}
        self.occurrences: dict[int, list[Intent]] = {}  # by the UUID's number, which is hashed without Python
        self.needless: set[UUID] = set()
        self.done: dict[UUID, datetime | None] = {}
        self.retired = Retired(history.person, rulebook.names)
        self.elsewhen = history.elsewhen
        self.elsewhere = {id(fact) for fact in history.elsewhen}
        for fact in history.facts:
            if fact.event.retired:
                self.retired.add(fact)
        self.deaths = Deaths(history, rulebook)

    def follow(self, fact: Effective) -> None:
        """Fold one fact into the person, and plan what triggers start on it."""
        event = fact.event
        self.fold.take(event, fact)
        versions = self.rulebook.applying(event.type, event.time, self.person)
        start: Start | None = None
        if self.counting and event.type in self.counting:
            start = self._start(fact)  # later events ask what this one was
            self.counted.setdefault(event.type, []).append(start)
        if not versions or event.retired is not None:
            return
        roles = event.role_of(self.person)
        elsewhere = id(fact) in self.elsewhere
        for version in versions:
            trigger = version.trigger
            if roles and trigger.to.isdisjoint(roles):
                continue
            if elsewhere and trigger.residents_at == "event":
                continue
            if start is None:
                start = self._start(fact)
            if trigger.entitlement is not None:
                self._entitlement(start, version, trigger.entitlement)
            elif trigger.when is None or trigger.when.holds(start.values):
                self._occur(start, version)

    def start_by_themselves(self) -> None:
        """Plan what starts on entitlements about the person alone."""
        for number, edge, version in self.entitlement_edges.starts_of_person_alone():
            if version.trigger.when is None or version.trigger.when.holds(edge.values):
                self._occur(edge, version, number)

    def plan(self) -> Plan:
        """Return the plan for the facts followed so far."""
        said = [intent for intents in self.occurrences.values() for intent in intents]
        asked = {intent.id.int for intent in said} if self.needless else set()
        needless = frozenset([id_ for id_ in self.needless if id_.int not in asked])
        left = self.retired.undecided(intent.id for intent in said) if self.retired else ()
        return Plan(tuple(sorted(said, key=_ID)), needless, self.done, *left)

    def _start(self, fact: Effective) -> Start:
        event, attributes = fact.event, self.fold.attributes
        zone = zone_of_attributes(attributes, self.rulebook.defaults)
        values = attributes | fact.values
        if event.type in self.rulebook.dated:
            values = dated(values, event.time.astimezone(zone).date(), self.rulebook.catalogue.parameters)
        return Start(fact, values, zone, fact.ahead_from)

    def _entitlement(self, start: Start, version: Version, entitlement: EntitlementEdge) -> None:
        """Plan the gain and, if it ends, the loss of each time of entitlement; the first of each has no number."""
        for number, edge in self.entitlement_edges.starts(start, entitlement):
            if version.trigger.when is None or version.trigger.when.holds(edge.values):
                self._occur(edge, version, number)

    def _occur(self, start: Start, version: Version, number: int = 0) -> None:
        trigger = version.trigger
        if trigger.needs is not None:
            counted = self.counted.get(trigger.on, ())
            if self.retired and self.retired.may_hide_start(start, trigger, number, counted):
                return
            if (found := with_others(start, trigger, self._counted(version, counted), self.events)) is None:
                return
            start = found
        occurrence = occurrence_of(self.rulebook.names, self.person, trigger, start.fact, number)
        if occurrence is None:
            return
        if trigger.once and self.occurrences.get(occurrence.int):
            return  # the first event speaks: later ones would only put off what it says
        ids = self.rulebook.names.nudges(trigger.name, self.person, occurrence)
        done = completions_of(start, trigger, self._everywhere(start, trigger)) if trigger.lasting else ()
        unclear = self.retired.prevented_until(start, trigger) if self.retired else None
        about = _About(occurrence, ids, done, [], unclear)
        self.occurrences[occurrence.int] = about.intents  # of two events with one occurrence, the later one speaks
        for step in trigger.steps:
            if self.before is not None and step.series is None and self._is_later(step, start, self.before):
                continue
            if (deadline := step.due(start.values, start.zone)) is not None:
                if step.series is None:
                    self._step(start, version, about, step, step.name, deadline)
                else:
                    self._series(start, version, about, step, step.series, deadline)

    def _is_later(self, step: Step, start: Start, before: datetime) -> bool:
        """Return True for a step that cannot be due before then, whatever its condition says."""
        deadline = step.dated(start.values, start.zone)
        return deadline is None or deadline >= before

    def _counted(self, version: Version, counted: Sequence[Start]) -> Sequence[Effective]:
        """Return the events of these starts that the version counts; each is judged once."""
        if version.trigger.needs is None or version.trigger.needs.count is None:
            return ()
        known = self.counts.setdefault(version.hash, _Counts(0, []))
        known.facts.extend(each.fact for each in counted[known.asked :] if counts(each, version.trigger, self.person))
        self.counts[version.hash] = known._replace(asked=len(counted))
        return known.facts

    def _everywhere(self, start: Start, trigger: Trigger) -> Matcher:
        """Return the events that may end what starts there.

        About homes, also those of where the person lives elsewhen.
        """
        return self.with_elsewhen if self.elsewhen and is_about_homes(start, trigger) else self.events

    @cached_property
    def with_elsewhen(self) -> Matcher:
        return Matcher(by_type(self.history.everything), self.looks)

    def _series(
        self, start: Start, version: Version, about: "_About", step: Step, series: Series, first: datetime
    ) -> None:
        """The step and its repetitions, each with its own deadline."""
        if series.repeat is not None and series.repeat.until_answered:
            about = replace(about, done=[*about.done, *answers(self.events, version.trigger, about.id_of)])
        for number in range(1, series.length + 1):
            if (deadline := series.due(first, start.zone, self.rulebook.defaults.workdays, number)) is not None:
                self._step(start, version, about, step, named(step.name, number), deadline)

    def _step(
        self, start: Start, version: Version, about: "_About", step: Step, name: str, deadline: datetime
    ) -> None:
        trigger, event = version.trigger, start.fact.event
        id_ = about.id_of(name)
        due = trigger.patiently(deadline, start.zone) if trigger.patient else deadline
        if trigger.passing:
            around = completions_of(start, trigger, self._everywhere(start, trigger), deadline)
            about = replace(about, done=[*about.done, *around])
        if event.area is not None and not trigger.alone:
            if (at_home := self._at_home(start, trigger, about, due)) is None:
                return
            about = at_home
        if about.done or self.done:
            self.done[id_] = first_by(about.done)
        behind = due < version.ahead_from or (start.loaded is not None and due < start.loaded)
        if behind or ((about.done or self.deaths.times) and self._ended(start, trigger, about, deadline, due)):
            self.needless.add(id_)
            return
        if about.unclear is not None and due < about.unclear:
            self.retired.leave_undecided(id_)
            return
        if step.smooth:
            due = step.smoothed(due, id_)
        about.intents.append(
            Intent(
                id=id_,
                person=self.person,
                trigger=trigger.name,
                version=version.hash,
                occurrence=about.occurrence,
                step=name,
                due=due,
                expires=trigger.expires(due, start.values, start.zone),
                klass=trigger.klass,
                channels=trigger.channels,
                cause=event.stream,
                moot_from=moot_from(about.done) if about.done else None,
            )
        )

    def _at_home(self, start: Start, trigger: Trigger, about: "_About", due: datetime) -> "_About | None":
        """Return what was done about the home of a resident of the area.

        None for a person who does not live there.
        """
        event, levels = start.fact.event, self.rulebook.catalogue.area_levels
        home = start.values.get(HOME)
        if trigger.residents_at == "due":
            home = self.entitlement_edges.course.attributes(max(due, event.time)).get(HOME)
        if event.area is None or not lives_in(home, event.area, levels):
            return None
        return replace(
            about, done=[each for each in about.done if each.area is None or lives_in(home, each.area, levels)]
        )

    def _ended(self, start: Start, trigger: Trigger, about: "_About", deadline: datetime, due: datetime) -> bool:
        """Return True if the thing itself was done in time, or a death came first."""
        done = any(each.time <= deadline for each in about.done)
        return done or self.deaths.is_cut_short(start.fact.event, trigger, due)


class _Counts(NamedTuple):
    """The events that a version counts, among the first so many of its type."""

    asked: int
    facts: list[Effective]


class _About(Struct, frozen=True):
    """The values shared by the steps of one occurrence; `id_of`: a step's name -> its nudge.

    `unclear`: nudges due before that may have been prevented by a fact whose content is retired.
    """

    occurrence: UUID
    id_of: Callable[[str], UUID]
    done: Sequence[Completion]
    intents: list[Intent]
    unclear: datetime | None = None
