"""The one function that decides what a person should hear. Everything else is a diff."""

from collections.abc import Iterator
from datetime import datetime
from typing import Any
from uuid import UUID

from msgspec import Struct

from domain.events import Effective, LifeEvent
from domain.history import History
from domain.person import Fold, citizen_values
from domain.rulebook import Rulebook, Version
from domain.timing import UTC, shift, zone_of
from domain.triggers import Step, Trigger, Unless

HEIRS = frozenset({"heir", "heirs"})
"""The roles whose triggers a death starts rather than ends."""


class Intent(Struct, frozen=True, kw_only=True, array_like=True):
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
    """`intents`, sorted by id; `prevented`: the nudges that the thing itself, done in time, made needless."""

    intents: tuple[Intent, ...]
    prevented: frozenset[UUID]


def plan(history: History, rulebook: Rulebook) -> tuple[Intent, ...]:
    """What the person should hear, given what happened to them: a pure function, sorted by id.

    It never reads outcomes, clocks or the time of recording, so any order and any repetition of arrival gives the
    same intents. Of two events that share an occurrence, the later one speaks.
    """
    return whole_plan(history, rulebook).intents


def whole_plan(history: History, rulebook: Rulebook) -> Plan:
    """The plan, and what it left out because the thing was already done."""
    planner = _Planner(history, rulebook)
    intents = {intent.id: intent for fact in history.facts for intent in planner.follow(fact)}
    return Plan(
        tuple(sorted(intents.values(), key=lambda intent: intent.id.bytes)),
        frozenset(planner.prevented.difference(intents)),
    )


class _Planner:
    def __init__(self, history: History, rulebook: Rulebook) -> None:
        self.person, self.rulebook = history.person, rulebook
        self.fold = Fold(history.person, rulebook.catalogue)
        self.by_type: dict[str, list[LifeEvent]] = {}
        self.deaths: dict[str, datetime] = {}
        self.prevented: set[UUID] = set()
        for fact in history.facts:
            self._notice(fact.event)

    def _notice(self, event: LifeEvent) -> None:
        self.by_type.setdefault(event.type, []).append(event)
        type_ = self.rulebook.catalogue.types.get(event.type)
        if type_ is not None and type_.ends_life and type_.subject is not None:
            for deceased in event.persons.get(type_.subject, ()):
                self.deaths.setdefault(deceased, event.time)

    def follow(self, fact: Effective) -> Iterator[Intent]:
        """The intents that one fact starts, after it was folded into the person."""
        event = fact.event
        self.fold.take(event)
        versions = self.rulebook.applying(event.type, event.time)
        if not versions:
            return
        roles = event.role_of(self.person)
        values: dict[str, Any] | None = None
        for version in versions:
            if version.trigger.to and not any(role in version.trigger.to for role in roles):
                continue
            values = values or self._values(event)
            if version.trigger.when is None or version.trigger.when.holds(values):
                yield from self._intents(fact, version, values)

    def _values(self, event: LifeEvent) -> dict[str, Any]:
        zone = zone_of(self.fold.attributes.get("citizen.zone", self.rulebook.defaults.zone))
        return citizen_values(self.fold.attributes, event.time, zone) | event.values

    def _intents(self, fact: Effective, version: Version, values: dict[str, Any]) -> Iterator[Intent]:
        occurrence = self._occurrence(fact, version.trigger, values)
        if occurrence is None:
            return
        for step in version.trigger.steps:
            intent = self._intent(fact, version, step, occurrence, values)
            if intent is not None:
                yield intent

    def _occurrence(self, fact: Effective, trigger: Trigger, values: dict[str, Any]) -> UUID | None:
        names = self.rulebook.names
        if not trigger.occurrence:
            return names.occurrence(trigger.name, self.person, fact.event.source, fact.original_id)
        about = [values.get(path) for path in trigger.occurrence]
        return None if None in about else names.occurrence(trigger.name, self.person, *map(str, about))

    def _intent(
        self, fact: Effective, version: Version, step: Step, occurrence: UUID, values: dict[str, Any]
    ) -> Intent | None:
        trigger, event = version.trigger, fact.event
        zone = zone_of(values.get("citizen.zone", self.rulebook.defaults.zone))
        deadline = step.due(values, zone)
        if deadline is None or self._cut_short(event, trigger, deadline):
            return None
        id_ = self.rulebook.names.nudge(trigger.name, self.person, occurrence, step.name)
        if (prevention := self._prevention(trigger, event, deadline, values)) is PREVENTED:
            self.prevented.add(id_)
            return None
        due = max([deadline, *(shift(deadline, each.grace, zone) for each in trigger.unless if each.grace)])
        if due < version.ahead_from or (fact.ahead_from is not None and due < fact.ahead_from):
            return None
        return Intent(
            id=id_, person=self.person, trigger=trigger.name, version=version.hash,
            occurrence=occurrence, step=step.name, due=due, expires=trigger.expires(due, values, zone), klass=trigger.klass, channels=trigger.channels,
            cause=event.stream, moot_from=prevention,
        )  # fmt: skip

    def _cut_short(self, event: LifeEvent, trigger: Trigger, due: datetime) -> bool:
        """A death ends what its person would hear, and what others would hear about them, unless they are heirs."""
        if not self.deaths:
            return False
        concerned = [self.person]
        type_ = self.rulebook.catalogue.types.get(event.type)
        if type_ is not None and type_.subject is not None and HEIRS.isdisjoint(trigger.to):
            concerned += event.persons.get(type_.subject, ())
        return any(person in self.deaths and due >= self.deaths[person] for person in concerned)

    def _prevention(
        self, trigger: Trigger, event: LifeEvent, deadline: datetime, values: dict[str, Any]
    ) -> datetime | None:
        """PREVENTED, or when the thing happened after the deadline, or None where it did not happen."""
        moot: datetime | None = None
        for unless in trigger.unless:
            for later in self._matching(unless, event, values):
                if later.time <= deadline:
                    return PREVENTED
                if not unless.grace and (moot is None or later.time < moot):
                    moot = later.time
        return moot

    def _matching(self, unless: Unless, event: LifeEvent, values: dict[str, Any]) -> Iterator[LifeEvent]:
        for later in self.by_type.get(unless.on, ()):
            if later is event:
                continue
            if unless.when is None or unless.when.holds(values | _as_later(later)):
                yield later


PREVENTED = datetime.min.replace(tzinfo=UTC)
"""Stands for 'the thing itself happened in time'; no event has this time."""


def _as_later(event: LifeEvent) -> dict[str, Any]:
    return {f"later{name[5:]}": value for name, value in event.values.items()}
