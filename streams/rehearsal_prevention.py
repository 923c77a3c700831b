"""Why a plan leaves a nudge out, or plans nothing at all: the same plan again, with nothing that could prevent it."""

from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import suppress
from datetime import UTC, datetime
from uuid import UUID

from msgspec import Struct
from msgspec.structs import replace

from domain.condition_cost import TooCostly
from domain.events import LifeEvent
from domain.history import History
from domain.plan import Intent, whole_plan
from domain.rulebook import Rulebook, Version
from domain.settle import Reason
from domain.steps import Series
from domain.triggers import Trigger

PAST, WHEN, NEEDS = "past", "when", "needs"
"""Why nothing is planned: it was due before the rules look ahead, `when` does not hold, something else is missing."""
ROLE, NOT_THERE, LATER, NO_EVENT, UNDATED = "role", "not_there", "later", "no_event", "undated"
"""Why nothing is planned: named in another role, lives elsewhere, happened too late, never, or a value is missing."""
_ALWAYS = datetime.min.replace(tzinfo=UTC)


class Prevented(Struct, frozen=True):
    """A nudge that the plan left out, and why."""

    intent: Intent
    reason: str


class Prevention:
    """Finds what an `unless`, an answer or a death keeps out of a person's plan."""

    def __init__(self, rulebook: Rulebook) -> None:
        self._rulebook = rulebook
        self._undying = _without_deaths(rulebook)
        self._unprevented = _without_deaths(_without_unless(rulebook))

    def of(self, history: History) -> tuple[set[UUID], list[Prevented]]:
        """The ids of all nudges that there could be, and those of them that are left out."""
        planned = {one.id for one in whole_plan(history, self._rulebook).intents}
        spared = {one.id for one in whole_plan(history, self._undying).intents}
        possible = whole_plan(history, self._unprevented).intents
        out = [one for one in possible if one.id not in planned]
        found = [Prevented(one, (Reason.DIED if one.id in spared else Reason.DONE).value) for one in out]
        return {one.id for one in possible}, found


def _without_unless(book: Rulebook) -> Rulebook:
    """The rulebook with triggers that nothing prevents; their patience stays, so that everything is due as before."""
    versions = [replace(each, trigger=_unprevented(each.trigger)) for each in book.versions.values()]
    return Rulebook(book.catalogue, book.defaults, book.names, versions)


def _unprevented(trigger: Trigger) -> Trigger:
    steps = tuple(replace(step, series=_unanswered(step.series)) for step in trigger.steps)
    return replace(trigger, unless=tuple(replace(unless, on="") for unless in trigger.unless), steps=steps)


def _unanswered(series: Series | None) -> Series | None:
    if series is None or series.repeat is None:
        return series
    return replace(series, repeat=replace(series.repeat, until_answered=False))


def _without_deaths(book: Rulebook) -> Rulebook:
    types = {name: replace(type_, ends_life=False) for name, type_ in book.catalogue.types.items()}
    catalogue = replace(book.catalogue, types=types)
    return Rulebook(catalogue, book.defaults, book.names, list(book.versions.values()))


class Hurdles:
    """Tells what keeps some triggers from planning anything for a person."""

    def __init__(self, rulebook: Rulebook, names: Collection[str]) -> None:
        book = _with(rulebook, lambda version: version, names)
        self._book, self._on = book, {each.trigger.on for each in book.versions.values()}
        self._tries: list[tuple[str, Rulebook]] = []
        for reason, lower in _LOWERED:
            book = lower(book)
            self._tries.append((reason, book))

    def of(self, history: History, events: Sequence[LifeEvent]) -> str:
        """The last hurdle of those that must fall before anything is planned.

        `events`: all that is ever known of the person, also what is learnt after the history ends.
        """
        for reason, book in self._tries:
            with suppress(TooCostly):
                if whole_plan(history, book).intents:
                    return reason
        return next(self._unstarted(history, events), UNDATED)

    def _unstarted(self, history: History, events: Sequence[LifeEvent]) -> Iterator[str]:
        """Why nothing starts, whatever the conditions and times."""
        known = [fact.event for fact in history.everything if fact.event.type in self._on]
        triggers = [each.trigger for each in self._book.versions.values()]
        if not known and not any(trigger.alone for trigger in triggers):
            yield LATER if any(event.type in self._on for event in events) else NO_EVENT
        for event in known:
            roles = event.role_of(history.person)
            if event.area is None and all(
                trigger.to.isdisjoint(roles) for trigger in triggers if trigger.on == event.type
            ):
                yield ROLE
            if event.area is not None:
                yield NOT_THERE


def _with(book: Rulebook, change: Callable[[Version], Version], names: Collection[str] | None = None) -> Rulebook:
    versions = [each for each in book.versions.values() if names is None or each.trigger.name in names]
    return Rulebook(book.catalogue, book.defaults, book.names, [change(each) for each in versions])


def _from_ever(book: Rulebook) -> Rulebook:
    return _with(book, lambda each: replace(each, reach=_ALWAYS, ahead_from=_ALWAYS))


def _unconditional(book: Rulebook) -> Rulebook:
    return _with(book, lambda each: replace(each, trigger=replace(each.trigger, when=None)))


def _needing_nothing(book: Rulebook) -> Rulebook:
    return _with(book, lambda each: replace(each, trigger=replace(each.trigger, needs=None)))


_LOWERED: Sequence[tuple[str, Callable[[Rulebook], Rulebook]]] = (
    (Reason.DONE.value, _without_unless),
    (Reason.DIED.value, _without_deaths),
    (PAST, _from_ever),
    (WHEN, _unconditional),
    (NEEDS, _needing_nothing),
)
"""The hurdles in the order in which they fall, each with the rulebook without it."""
