"""Why a plan leaves a nudge out: the same plan again, with nothing that could prevent it."""

from uuid import UUID

from msgspec import Struct
from msgspec.structs import replace

from domain.history import History
from domain.plan import Intent, whole_plan
from domain.rulebook import Rulebook
from domain.settle import Reason
from domain.steps import Series
from domain.triggers import Trigger


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
