"""Made-up events for trying words: a usual one, and the smallest that its schema allows."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, date, datetime
from typing import Any

from msgspec import Struct

from domain.core.plain import PlainData
from domain.rules.benefit_compiling import starts_on
from domain.rules.compiler_base import ENTITLED
from domain.rules.event_types import Catalogue
from templates.checks.sample_values import AHEAD, NAMES, Inventor, flat
from templates.words.rendering import context

MOMENT = datetime(2026, 5, 1, 9, tzinfo=UTC)
USUAL_DAY = date(2026, 9, 24)
"""A day that is long to write out, in all languages."""
_SHORTEST: Mapping[str, Any] = {
    "string": "x",
    "date": "2026-05-01",
    "integer": 1,
    "number": 1.0,
    "boolean": True,
    "strings": (),
    "instant": MOMENT,
}
_USUAL: Mapping[str, Any] = {"date": USUAL_DAY.isoformat(), "integer": 432_500, "number": 4325.0}
"""Sample values of parameters, amounts and days of an entitlement."""


class Samples(Struct, frozen=True):
    """Values for trying words: of a usual event with every field, of the smallest event, and for a stranger.

    A stranger has only the attributes that the trigger asks for.
    """

    full: Mapping[str, Any]
    smallest: Mapping[str, Any]
    stranger: Mapping[str, Any]


def samples(on: PlainData, catalogue: Catalogue, known: frozenset[str] = frozenset()) -> Samples:
    """Return made-up events of the type that a trigger starts on (`on`); `known`: what is known of a stranger."""
    type_ = catalogue.kinds[str(starts_on(on, catalogue))]
    event = {f"event.{name}": _SHORTEST[kind] for name, kind in type_.variables().items()}
    event |= {f"event.{name}": value for name, value in _chosen("", type_.schema)}
    citizen = {name: _SHORTEST[kind] for name, kind in catalogue.citizen_variables().items()}
    absent = [f"event.{name}" for name in _optional("", type_.schema)]
    smallest = {
        name: value for name, value in event.items() if not any(f"{name}.".startswith(f"{each}.") for each in absent)
    }
    usual = event | flat(Inventor(USUAL_DAY - AHEAD, person=str, pick=_longest).data(type_.schema))
    person = citizen | flat({name: value for name, value in NAMES.items() if f"citizen.{name}" in citizen}, "citizen")
    law = {name: _SHORTEST[kind] for name, kind in law_variables(on, catalogue).items()}
    likely = {name: _USUAL.get(kind, _SHORTEST[kind]) for name, kind in law_variables(on, catalogue).items()}
    stranger = {name: value for name, value in person.items() if name in known}
    return Samples(
        context(usual, person, person, MOMENT, lambda: likely),
        context(smallest, citizen, citizen, MOMENT, lambda: law),
        context(usual, stranger, stranger, MOMENT, lambda: likely),
    )


def _longest(allowed: Sequence[Any]) -> object:
    return max(allowed, key=lambda each: len(str(each)))


def _chosen(prefix: str, schema: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    """Yield the shortest values where the schema leaves less choice than the type."""
    for name, prop in schema.get("properties", {}).items():
        yield from _chosen(f"{prefix}{name}.", prop)
        if allowed := prop.get("enum") or [prop[key] for key in ("const", "minimum") if key in prop]:
            yield prefix + name, min((each for each in allowed if each is not None), key=lambda each: len(str(each)))
        elif "minLength" in prop:
            yield prefix + name, "x" * prop["minLength"]


def _optional(prefix: str, schema: Mapping[str, Any]) -> Iterator[str]:
    for name, prop in schema.get("properties", {}).items():
        if name not in schema.get("required", ()) or isinstance(prop["type"], list):
            yield prefix + name
        yield from _optional(f"{prefix}{name}.", prop)


def law_variables(on: object, catalogue: Catalogue) -> dict[str, str]:
    """Return the variables of the law: its parameters, the amounts of benefits about the event, the entitlement."""
    amounts = {
        f"benefit.{name}.amount": "integer"
        for name, each in catalogue.benefits.items()
        if each.on == starts_on(on, catalogue) and each.amount is not None
    }
    return catalogue.parameter_variables() | amounts | ({} if isinstance(on, str) else ENTITLED)
