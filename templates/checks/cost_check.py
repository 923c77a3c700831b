"""Checks what conditions and patterns may cost: one that is too dear would keep everybody's planning waiting."""

import re
from collections.abc import Iterator, Mapping
from typing import Any

from domain.conditions.cost import MOST_COST
from domain.conditions.language import Expression
from domain.conditions.pattern_cost import MOST_WEIGHT, pattern_weight
from domain.core.translatable import Number, Words
from domain.rules.benefits import Benefit
from domain.rules.triggers import Trigger
from templates.reading.yaml_file import Document, Path

_MOST_TOGETHER = 5 * MOST_WEIGHT
"""The most that all patterns of an event type may weigh together."""
_GROUP = re.compile(r"\([^()]*\)")
_ENDLESS = re.compile(r"(?<!\\)(?:\\\\)*(?:[*+]|\{\d+,\})")


def check_cost(document: Document, compiled: Trigger | Benefit) -> bool:
    """Report each condition that may cost too much; whether there was any. A benefit is found by its name."""
    above = (compiled.name,) if isinstance(compiled, Benefit) else ()
    found = _of_benefit(compiled) if isinstance(compiled, Benefit) else _of_trigger(compiled)
    dear = [path for path, condition in found if condition is not None and condition.cost > MOST_COST]
    for path in dear:
        message = Words(
            "this costs too much: for long texts and lists it may take more than {most} steps for one event",
            most=Number(MOST_COST),
        )
        document.note((*above, *path), message)
    return bool(dear)


Costing = Iterator[tuple[Path, Expression[Any] | None]]


def _of_trigger(trigger: Trigger) -> Costing:
    yield ("when",), trigger.when
    for step in trigger.steps:
        yield ("due", step.name, "when"), step.when
    for at, unless in enumerate(trigger.unless):
        yield ("unless", at, "when"), unless.when
    for at, needed in enumerate(trigger.needs.together if trigger.needs else ()):
        yield ("with", at, "when"), needed.when


def _of_benefit(benefit: Benefit) -> Costing:
    for at, requirement in enumerate(benefit.conditions):
        yield ("conditions", at, "when"), requirement.when
    for at, had in enumerate(benefit.unless):
        yield ("unless", at, "when"), had.when
    yield ("amount",), benefit.amount


def check_pattern(document: Document, path: Path, prop: Mapping[str, Any], together: int) -> bool:
    """Report a pattern that repeats too much; whether it can be compiled at all.

    `together`: the weight of the event type's patterns up to this one.
    """
    if pattern_weight(prop["pattern"]) > MOST_WEIGHT or together > _MOST_TOGETHER:
        message = Words(
            "the patterns up to this one are too large: what they count, such as {example}, takes too long to match",
            example="{500}",
        )
        document.note((*path, "pattern"), message)
        return False
    return True


def check_length(document: Document, path: Path, prop: Mapping[str, Any]) -> None:
    """Report a pattern whose texts have no end, where nothing else says how long one may be, or says too much."""
    if "pattern" not in prop or _has_an_end(prop["pattern"]):
        return
    longest = MOST_COST // pattern_weight(prop["pattern"])
    if prop.get("maxLength", 0) > longest:
        message = Words(
            "texts so long take too long to match with this pattern; at most {most} characters", most=Number(longest)
        )
        document.note((*path, "maxLength"), message)
    if "maxLength" not in prop:
        document.note((*path, "pattern"), Words("this pattern takes a text of any length: say maxLength beside it"))


def _has_an_end(pattern: str) -> bool:
    """Return True if the pattern alone limits the length of the text."""
    if not (pattern.startswith("^") and pattern.endswith("$")) or _ENDLESS.search(pattern):
        return False
    found = 1
    while found:
        pattern, found = _GROUP.subn("", pattern)
    return "|" not in pattern
