"""Dependents in packs: the triggers and benefits that read a field, an attribute, a parameter or a benefit."""

from collections.abc import Iterable, Iterator

from domain.conditions.language import Condition
from domain.rules.benefits import Benefit
from domain.rules.event_types import PERSON, Catalogue
from domain.rules.triggers import REPLIED, Trigger
from templates.checks.loader import TriggerSource
from templates.checks.words_check import texts
from templates.words.environment import plain_environment
from templates.words.policy import Scope
from templates.words.syntax import read_words


class Dependents:
    """The dependents within one version of packs.

    What is read has a name: `town.born` (an event type), `town.born.born_on` (its field), `citizen.area`,
    `param.mci`, `benefit.birth`. Whoever depends on a benefit depends on all that the benefit reads.
    """

    def __init__(self, catalogue: Catalogue, triggers: Iterable[tuple[Trigger, TriggerSource]]) -> None:
        self._benefits = {name: frozenset(_of_benefit(each)) for name, each in catalogue.benefits.items()}
        self._triggers = {trigger.name: self._whole(_of_trigger(trigger, source)) for trigger, source in triggers}

    def _whole(self, names: Iterable[str]) -> frozenset[str]:
        found = frozenset(names)
        benefits = [name.removeprefix("benefit.") for name in found if name.startswith("benefit.")]
        return found.union(*(self._benefits.get(name, frozenset()) for name in benefits))

    def triggers(self, *names: str) -> set[str]:
        """Return the triggers that read any of these."""
        return {trigger for trigger, read in self._triggers.items() if not read.isdisjoint(names)}

    def benefits(self, *names: str) -> set[str]:
        """Return the benefits that read any of these."""
        return {benefit for benefit, read in self._benefits.items() if not read.isdisjoint(names)}


def _resolved(name: str, event: str, later: str = "") -> Iterator[str]:
    """Yield what a dotted name of a condition, a date or words stands for, if `event` is of that type."""
    root, _, rest = name.partition(".")
    match root:
        case "event":
            yield f"{event}.{rest}"
        case "later":
            yield f"{later}.{rest}"
        case "citizen" | "recipient":
            yield f"citizen.{rest}"
            yield from ["citizen.born_on"] if rest == "age" else []
        case "param":
            yield name
        case "benefit":
            yield f"benefit.{rest.partition('.')[0]}"


def _of_condition(condition: Condition | None, event: str, later: str = "") -> Iterator[str]:
    for name in condition.reads if condition is not None else ():
        yield from _resolved(name, event, later)


def _of_benefit(benefit: Benefit) -> Iterator[str]:
    yield from [benefit.on] if benefit.on != PERSON else []
    for name in benefit.reads:
        yield from _resolved(name, benefit.on)
    for had in benefit.unless:
        yield had.on
        yield from _of_condition(had.when, benefit.on, had.on)


def _of_trigger(trigger: Trigger, source: TriggerSource) -> Iterator[str]:
    yield trigger.on
    yield from [] if trigger.to else ["citizen.area"]  # the residents of an area
    yield from [f"benefit.{trigger.entitlement.benefit.name}"] if trigger.entitlement else []
    yield from trigger.answered_by if trigger.replies else ()
    yield from [REPLIED] if any(each.series and each.series.repeat for each in trigger.steps) else []
    for condition, later in _conditions(trigger):
        yield from [later] if later else []
        yield from _of_condition(condition, trigger.on, later)
    dates = [*(step.source for step in trigger.steps), *([trigger.expiry.source] if trigger.expiry else [])]
    for name in (*(each for each in dates if each), *trigger.occurrence, *_variables_of_words(source)):
        yield from _resolved(name, trigger.on)


def _conditions(trigger: Trigger) -> Iterator[tuple[Condition | None, str]]:
    """Yield each condition with the type of the other event that it is about."""
    yield trigger.when, ""
    yield from ((step.when, "") for step in trigger.steps)
    yield from ((each.when, each.on) for each in trigger.unless)
    yield from ((each.when, each.on) for each in (trigger.needs.together if trigger.needs else ()))


def _variables_of_words(source: TriggerSource) -> Iterator[str]:
    """Yield the variables in the words."""
    for language, words in source.words.items():
        for _, text in texts((), words):
            yield from read_words(text, plain_environment(language), Scope()).reads
