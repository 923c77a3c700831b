"""Given these facts, when these rules apply, then this is what a person hears; and a desk that keeps the nudges."""

from collections.abc import Mapping, Sequence
from datetime import datetime, time
from typing import Any, Self
from uuid import UUID

from hypothesis import settings

from domain.core.events import LifeEvent
from domain.core.timing import QuietHours
from domain.facts.facts import NudgeFact
from domain.nudges.diff import Change, diff
from domain.nudges.nudge import Nudge, evolve
from domain.persons.history import History, history_of
from domain.planning.plan import Intent, Plan, whole_plan
from domain.rules.rulebook import Defaults, Rulebook, Version
from domain.rules.trigger_compiling import compile_trigger
from tests.domain.world import AIDA, CATALOGUE, NAMES, at, local

DEFAULTS = Defaults("kk", ("kk", "ru", "en"), "Asia/Almaty", QuietHours(time(21), time(9)), 3, 7, 18)
modest = settings(deadline=None, max_examples=60, derandomize=True, database=None)
"""How the properties of the domain are tried: the same few examples every time."""


def rules(on: str, due: Mapping[str, Any], **more: object) -> dict[str, Any]:
    """The plain data of a trigger; `class` is written `klass`."""
    if "klass" in more:
        more["class"] = more.pop("klass")
    return {
        "title": {},
        "owner": "interior",
        "legal_basis": "",
        "category": "documents",
        "class": "reminder",
        "on": on,
        "due": due,
        "channels": ["push", "sms", "email"],
        **more,
    }


def before(days: int) -> dict[str, Any]:
    """A step due so many days before a paper expires."""
    return {"from": "event.expires_on", "offset": f"-P{days}D"}


def published(
    content: Mapping[str, Any],
    number: int = 1,
    *,
    name: str = "card",
    reach: str = "2020-01-01",
    ahead_from: str = "2020-01-01",
) -> Version:
    """The trigger's version of that number."""
    trigger = compile_trigger(name, content, CATALOGUE)
    return Version(trigger, f"{name}@{number}", number, at(reach), at(ahead_from))


def rulebook(*versions: Version | Mapping[str, Any], defaults: Defaults = DEFAULTS) -> Rulebook:
    """A rulebook of versions; plain data stand for their only version, published long ago."""
    made = [each if isinstance(each, Version) else published(each) for each in versions]
    return Rulebook(CATALOGUE, defaults, NAMES, made)


class Planned:
    """What follows from the given facts under the given rules."""

    def __init__(self, history: History, book: Rulebook) -> None:
        self.history, self.book = history, book
        self.plan: Plan = whole_plan(history, book)

    @property
    def intents(self) -> list[Intent]:
        """The intents, the earliest first."""
        return sorted(self.plan.intents, key=lambda intent: (intent.due, intent.step))

    @property
    def only(self) -> Intent:
        """The only intent."""
        assert len(self.intents) == 1
        return self.intents[0]

    def then_intents(self, *expected: str) -> Self:
        """Exactly these, each written "step 2025-01-21 09:00", the earliest first."""
        assert [f"{intent.step} {local(intent.due)}" for intent in self.intents] == list(expected)
        return self

    def then_nothing(self) -> Self:
        """Nothing at all."""
        return self.then_intents()


class Given:
    """Facts recorded about a person, in any order and with any repetition."""

    def __init__(self, recorded: Sequence[LifeEvent], person: str, areas: Sequence[LifeEvent]) -> None:
        self.history = history_of(person, recorded, CATALOGUE, areas)

    def when(self, *versions: Version | Mapping[str, Any]) -> Planned:
        """Only these triggers are published."""
        return Planned(self.history, rulebook(*versions))

    def when_book(self, book: Rulebook) -> Planned:
        """The rulebook holds."""
        return Planned(self.history, book)


def given(*recorded: LifeEvent, to: str = AIDA, areas: Sequence[LifeEvent] = ()) -> Given:
    """The recorded facts, as they make the history of one person."""
    return Given(recorded, to, areas)


class NudgeLog:
    """Keeps a person's nudges as the log would: facts are appended in order, and folded."""

    def __init__(self) -> None:
        self.nudges: dict[UUID, Nudge] = {}

    def follow(self, planned: Planned, now: str | datetime) -> list[str]:
        """Bring the nudges to the plan; returns what that took, such as "planned month"."""
        moment = at(now) if isinstance(now, str) else now
        changes = diff(planned.plan, self.nudges, planned.book, moment)
        for change in changes:
            self._append(change)
        return sorted(f"{_verb(change.fact)} {self.nudges[change.nudge].intent.step}" for change in changes)

    def tell(self, step: str, *facts: NudgeFact) -> Nudge:
        """These facts happen to the nudge of that step."""
        return self.append(self.of(step), *facts)

    def append(self, nudge: Nudge, *facts: NudgeFact) -> Nudge:
        """These facts happen to that nudge."""
        for number, fact in enumerate(facts, nudge.version + 1):
            self._append(Change(nudge.intent.id, number, fact))
        return self.nudges[nudge.intent.id]

    def of(self, step: str) -> Nudge:
        """The nudge of that step."""
        return next(nudge for nudge in self.nudges.values() if nudge.intent.step == step)

    def _append(self, change: Change) -> None:
        before = self.nudges.get(change.nudge)
        assert change.version == (before.version if before else 0) + 1
        self.nudges[change.nudge] = evolve(before, change.nudge, change.version, change.fact)

    @property
    def pending(self) -> list[Intent]:
        """The intents still on their way, sorted by id."""
        found = [nudge.intent for nudge in self.nudges.values() if nudge.pending]
        return sorted(found, key=lambda intent: intent.id.int)


def _verb(fact: NudgeFact) -> str:
    return fact.TOPIC.removeprefix("nudge-").removesuffix("/1")
