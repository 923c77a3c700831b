"""Invented data of an event, as its JSON Schema wants it and as a person would write it."""

import re
from collections.abc import Callable, Mapping, Sequence
from datetime import date, timedelta
from operator import itemgetter
from typing import Any

from msgspec import Struct

from domain.core.plain import PlainData
from domain.rules.event_types import names_persons
from templates.checks.pattern_samples import example

Pick = Callable[[Sequence[Any]], Any]
"""Chooses one of the values that an `enum` allows."""

AHEAD = timedelta(days=45)
BEFORE = timedelta(days=3)
_AHEAD_WORDS = frozenset(
    (
        *("appointment", "begins", "by", "changes", "closes", "deadline", "due", "end", "ends", "expected", "expire"),
        *("expires", "next", "opens", "planned", "start", "starts", "until", "valid"),
    )
)
"""Words in the name of a date that lies ahead; what has `ended` or `started` is over."""
_MONEY_WORDS = ("amount", "fee", "price", "sum", "debt", "salary", "income", "payment")
NAMES: Mapping[str, str] = {"given_name": "Айгерім", "family_name": "Серікбаева", "patronymic": "Нұрланқызы"}
"""The invented person to whom something happens."""
_KNOWN: Mapping[str, str] = {
    "given_name": "Ерасыл",  # of somebody else, such as a child: two people of one name confuse who reads a preview
    "family_name": "Серікбай",
    "patronymic": "Ерланұлы",
    "number": "031234567",
    "street": "Абай даңғылы",
    "address": "Абай даңғылы, 1",
    "employer": "«Бәйтерек» ЖШС",
    "clinic": "№ 5 емхана",
    "kindergarten": "№ 12 балабақша",
    "plate": "123ABC02",
    "area": "750000000",
    "where": "750000000",
}
_FORMATS: Mapping[str, str] = {
    "email": "citizen@example.org",
    "uuid": "6ba7b810-9dad-11d1-80b4-00c04fd430c8",
    "uri": "https://example.org/",
}
_AMOUNT, _COUNT, _NUMBER = 43_250, 2, 12.5


class Inventor(Struct, frozen=True):
    """Invents data; `today`: deadlines lie `ahead` of it, and what has `happened` so much later (usually before it).

    `person`: who a field or a role that names persons stands for.
    """

    today: date
    ahead: timedelta = AHEAD
    happened: timedelta = -BEFORE
    person: Callable[[str], str] = "${}".format
    pick: Pick = itemgetter(0)

    def data(self, schema: Mapping[str, Any], *, optional: bool = True) -> dict[str, Any]:
        """Return the data of an event; without `optional`, only what it must have."""
        required = schema.get("required", ())
        return {
            name: self._value(name, prop, optional=optional)
            for name, prop in schema.get("properties", {}).items()
            if optional or name in required
        }

    def _value(self, name: str, prop: Mapping[str, PlainData], *, optional: bool) -> PlainData:
        if (several := names_persons(prop)) is not None:
            return [self.person(name)] if several else self.person(name)
        allowed = [each for each in prop.get("enum", ()) if each is not None]
        if "const" in prop or allowed:
            return prop["const"] if "const" in prop else self.pick(allowed)
        return self._of_kind(name, prop, optional=optional)

    def _of_kind(self, name: str, prop: Mapping[str, PlainData], *, optional: bool) -> PlainData:
        match _kind(prop):
            case "object":
                return self.data(prop, optional=optional)
            case "array":
                return [self._value(name, prop["items"], optional=optional)]
            case "boolean":
                return True
            case "integer" | "number" as kind:
                return _number(name, prop, kind, self.today.year if _names_year(name) else None)
        return self._text(name, prop)

    def _text(self, name: str, prop: Mapping[str, Any]) -> str:
        if prop.get("format") == "date":
            moved = self.happened if _AHEAD_WORDS.isdisjoint(name.split("_")) else self.ahead
            return (self.today + moved).isoformat()
        if _names_year(name) and re.fullmatch(prop.get("pattern", "[0-9]{4}"), year := str(self.today.year)):
            return year
        if "pattern" in prop and (made := example(prop["pattern"])) is not None:
            return made
        text = _FORMATS.get(prop.get("format", "")) or _KNOWN.get(name) or name.replace("_", " ").capitalize()
        return text.ljust(prop.get("minLength", 0), "x")[: prop.get("maxLength")]


def _kind(prop: Mapping[str, Any]) -> str:
    declared = prop["type"]
    return str(next(each for each in declared if each != "null") if isinstance(declared, list) else declared)


def _names_year(name: str) -> bool:
    """Return True if a field holds a year, such as `year` or `tax_year`; `years` is a number of years."""
    return name == "year" or name.endswith("_year") or name.startswith("year_of")


def _number(name: str, prop: Mapping[str, Any], kind: str, year: int | None = None) -> float:
    usual = _AMOUNT if any(word in name for word in _MONEY_WORDS) else _COUNT if kind == "integer" else _NUMBER
    usual = usual if year is None else year
    least = prop.get("minimum", prop.get("exclusiveMinimum", usual - 1) + 1)
    most = prop.get("maximum", prop.get("exclusiveMaximum", max(usual, least) + 1) - 1)
    value = min(max(usual, least), most)
    step = prop.get("multipleOf")
    if step:
        value = -(-value // step) * step
    return int(value) if kind == "integer" else float(value)


def flat(data: Mapping[str, Any], prefix: str = "event") -> dict[str, Any]:
    """Return the data by dotted name, as conditions and words read it."""
    found: dict[str, Any] = {}
    for name, value in data.items():
        if isinstance(value, dict):
            found |= flat(value, f"{prefix}.{name}")
        elif value is not None:
            found[f"{prefix}.{name}"] = value
    return found
