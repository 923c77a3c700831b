"""The possible values of fields, as far as a schema lists them, and the answer of a condition for all of them."""

from collections.abc import Iterator, Mapping, Sequence
from itertools import product
from math import prod
from typing import Any

from domain.conditions.language import Condition
from domain.rules.event_types import EventType
from templates.checks.literal_check import Limit

MOST_COMBINATIONS = 512
"""More combinations than this are not gone through."""

Choices = Mapping[str, Sequence[Any]]
"""Dotted name -> every value that it can have."""


def choices_of(type_: EventType) -> dict[str, Sequence[Any]]:
    """Return the fields of an event that have few values (by `enum`, `const` or because they are true or false)."""
    return {"event.type": [type_.name]} | {
        f"event.{name}": values for name, values in _few("", type_.schema.get("properties", {}))
    }


_LIMITS = {"minimum": ">=", "exclusiveMinimum": ">", "maximum": "<=", "exclusiveMaximum": "<"}


def limits_of(type_: EventType, root: str = "event") -> dict[str, list[Limit]]:
    """Return the limits of an event's numbers, by dotted name."""
    return dict(_limits(f"{root}.", type_.schema.get("properties", {})))


def _limits(prefix: str, properties: Mapping[str, Any]) -> Iterator[tuple[str, list[Limit]]]:
    for name, prop in properties.items():
        yield from _limits(f"{prefix}{name}.", prop.get("properties", {}))
        if found := [Limit(key, sign, str(prop[key])) for key, sign in _LIMITS.items() if key in prop]:
            yield prefix + name, found


def required_of(type_: EventType) -> frozenset[str]:
    """Return the names that every event of the type has."""
    return frozenset({"event.type", "event.time"} | {f"event.{name}" for name in _required("", type_.schema)})


def _few(prefix: str, properties: Mapping[str, Any]) -> Iterator[tuple[str, Sequence[Any]]]:
    for name, prop in properties.items():
        yield from _few(f"{prefix}{name}.", prop.get("properties", {}))
        if prop.get("type") == "boolean":
            yield prefix + name, (True, False)
        elif "const" in prop:
            yield prefix + name, [prop["const"]]
        elif "enum" in prop:
            yield prefix + name, [each for each in prop["enum"] if each is not None]


def _required(prefix: str, schema: Mapping[str, Any]) -> Iterator[str]:
    properties = schema.get("properties", {})
    for name in schema.get("required", ()):
        if isinstance(properties[name]["type"], str):  # one that may be null is as good as absent
            yield prefix + name
            yield from _required(f"{prefix}{name}.", properties[name])


def combinations(choices: Choices) -> Iterator[dict[str, Any]]:
    """Yield every combination of the choices; none where there are too many."""
    if prod(map(len, choices.values())) <= MOST_COMBINATIONS:
        for chosen in product(*choices.values()):
            yield dict(zip(choices, chosen, strict=True))


def constant_answer(condition: Condition, event: EventType, later: EventType | None = None) -> bool | None:
    """Return the condition's answer if it is the same for all events and persons; None where it depends on them.

    A value that is not enumerable stays unknown, and an unknown part decides nothing in `&&` and `||` where the other
    does.
    """
    own = {name: values for name, values in choices_of(event).items() if name in condition.reads}
    others = (
        {}
        if later is None
        else {name: values for name, values in choices_of(later).items() if _as_later(name) in condition.reads}
    )
    answers = {condition.holds(values, more) for values in combinations(own) for more in combinations(others)}
    if answers == {False}:
        return False
    sure = required_of(event) | ({_as_later(name) for name in required_of(later)} if later else set())
    return True if answers == {True} and sure.issuperset(condition.reads) else None


def _as_later(name: str) -> str:
    return name.replace("event.", "later.", 1)
