"""Finds texts in conditions that no value ever equals, or that sort wrongly: `event.issued_on > "31.12.2025"`.

Dates are texts and compare as such, so nothing fails; the condition only never says what was meant.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from datetime import date
from typing import Any, NamedTuple

from domain.conditions.cost import TooCostly
from domain.conditions.language import BadCondition, Conditions
from domain.core.plain import PlainData
from domain.core.translatable import N_, Words
from templates.reading.findings import closest

_NAME, _OPERATOR = r"((?:event|later|citizen)(?:\.\w+)+)", r"(==|!=|<=|>=|<|>)"
_TEXT = r"""("[^"\\]*"|'[^'\\]*')"""
_COMPARED = re.compile(rf"{_NAME}\s*{_OPERATOR}\s*{_TEXT}|{_TEXT}\s*{_OPERATOR}\s*{_NAME}")
_AMONG = re.compile(rf"{_NAME}\s+in\s+\[([^\]]*)\]")
_BEGUN = re.compile(r"\d{4}(?:-(?:0[1-9]|1[0-2]))?")
"""A year or a month: texts of dates are sorted rightly by them."""
_LITERAL = r"""[rR]?(?:"(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*')"""
_READ = re.compile(rf"\b(timestamp|duration|matches)\(\s*({_LITERAL})\s*\)")
_UNREADABLE: Mapping[str, str] = {
    "timestamp": N_("{text} is no time; one is written 2026-03-01T09:00:00+05:00"),
    "duration": N_("{text} is no length of time; one is written 36h"),
    "matches": N_("{text} is no pattern"),
}
"""Functions that parse a text → the error where they cannot."""
_NOT_IN_A_SUM = r"(?<![-+*/%] )(?<![-+*/%\w.])"
_TURNED = re.compile(rf"{_NOT_IN_A_SUM}(-?\d+(?:\.\d+)?)\s*{_OPERATOR}\s*{_NAME}(?!\s*[-+*/%.(\w])")
_ORDERED = re.compile(
    rf"{_NOT_IN_A_SUM}{_NAME}\s*{_OPERATOR}\s*({_LITERAL}|-?\d+(?:\.\d+)?|(?:event|later|citizen|param)(?:\.\w+)+)(?!\s*[-+*/%.(\w])"
)
_NO_CHAIN = re.compile(r"\|\||\?|!(?!=)")
EQUAL = ("==", "!=")


class ComparedText(NamedTuple):
    """A text of a condition, where it begins in it, and what it is compared with, how."""

    name: str
    operator: str
    text: str
    start: int


def meaningless_literals(
    condition: str, kinds: Mapping[str, str], choices: Mapping[str, Sequence[Any]]
) -> Iterator[tuple[int, Words, str | None]]:
    """Yield each meaningless literal: its offset in the condition, the error, and what was probably meant."""
    for found in _texts(condition):
        if kinds.get(found.name) == "date" and not _of_a_date(found):
            yield found.start, Words("{text!r} is no date; one is written 2026-03-01", text=found.text), None
        elif found.operator in EQUAL and found.name in choices and found.text not in choices[found.name]:
            known = [str(each) for each in choices[found.name]]
            message = Words("{name} is never {text!r}", name=found.name, text=found.text)
            yield found.start, message, closest(found.text, known)


def contradictory_comparisons(condition: str, given: str = "", *, whole: bool = False) -> Iterator[tuple[int, Words]]:
    """Yield each comparison that contradicts an earlier one of the same name (`x > 10 && x < 5`): offset and error.

    `given`: a condition that must hold as well, such as the `when` of the trigger. `whole`: it is itself that of the
    whole trigger, so that nobody gets a message. Only conditions that are one chain
    of `&&` are looked at: without `||`, `?` and negation.
    """
    if _NO_CHAIN.search(condition):
        return
    known = [] if _NO_CHAIN.search(given) else [_Bound(*found.groups()) for found in _ORDERED.finditer(given)]
    own: list[_Bound] = []
    for found in _ORDERED.finditer(condition):
        bound = _Bound(*found.groups())
        if (other := next(filter(bound.excludes, own), None)) is not None:
            template = N_("{this} never holds together with {other}")
            if whole:
                template = N_("{this} never holds together with {other}, so nothing is ever sent")
            yield found.start(), Words(template, this=str(bound), other=str(other))
        elif (other := next(filter(bound.excludes, known), None)) is not None:
            message = Words("{this} never holds, for `when` asks for {other}", this=str(bound), other=str(other))
            yield found.start(), message
        own.append(bound)


def comparisons_beyond_limits(condition: str, limits: Mapping[str, Sequence["Limit"]]) -> Iterator[tuple[int, Words]]:
    """Yield each comparison that no event fulfils, by the limits of its fields: offset and error."""
    bounds = [(found.start(), found[0], _Bound(*found.groups())) for found in _ORDERED.finditer(condition)]
    for found in _TURNED.finditer(condition):
        value, operator, name = found.groups()
        bounds.append((found.start(), found[0], _Bound(name, operator.translate(_MIRRORED), value)))
    for start, text, bound in bounds:
        for limit in limits.get(bound.name, ()):
            if bound.excludes(_Bound(bound.name, limit.operator, limit.value)):
                told = f"{limit.keyword}: {limit.value}"
                yield start, Words("{this} can never be true: an event has {bound} there", this=text, bound=told)


_MIRRORED = str.maketrans("<>", "><")


class Limit(NamedTuple):
    """A limit of a field, as its schema says it (`minimum: 0`), and the comparison that always holds (`>=`)."""

    keyword: str
    operator: str
    value: str


class _Bound(NamedTuple):
    """A comparison of a name with a value, as it is written."""

    name: str
    operator: str
    value: str

    def __str__(self) -> str:
        return " ".join(self)

    def excludes(self, other: "_Bound") -> bool:
        """Return True if no value of the name fulfils both."""
        if self.name != other.name:
            return False
        if self.value == other.value:
            return not (_SIDES[self.operator] & _SIDES[other.operator])
        values = _comparable(self.value), _comparable(other.value)
        if type(values[0]) is not type(values[1]) or values[0] is None or values[0] == values[1]:
            return False
        low, high = (self, other) if values[0] < values[1] else (other, self)
        return ">" not in _SIDES[low.operator] and "<" not in _SIDES[high.operator]


_SIDES: Mapping[str, frozenset[str]] = {
    "==": frozenset("="),
    "!=": frozenset("<>"),
    "<": frozenset("<"),
    ">": frozenset(">"),
    "<=": frozenset("<="),
    ">=": frozenset(">="),
}
"""Operator -> where a name may lie that it holds for: below the value, at it, above it."""


def _comparable(value: str) -> PlainData:
    """Return the value of a literal by which two are ordered; None where it is a name, or has escapes."""
    if value[0] in "\"'":
        return None if "\\" in value else value[1:-1]
    try:
        return float(value)
    except ValueError:
        return None


def unreadable_literals(condition: str) -> Iterator[tuple[int, Words]]:
    """Yield each text that a function cannot read, so that its condition never holds: offset and error."""
    for found in _READ.finditer(condition):
        call = f"{found[1]}({found[2]}) == {found[1]}({found[2]})"
        if not _can_be_evaluated(f'"".matches({found[2]})' if found[1] == "matches" else call):
            yield found.start(2), Words(_UNREADABLE[found[1]], text=found[2])


def _can_be_evaluated(condition: str) -> bool:
    """Return True if a condition that reads nothing has an answer."""
    try:
        return Conditions({}).compile(condition).holds({}) is not None
    except (BadCondition, TooCostly):  # it is in a remark; or that it costs too much is said of the whole
        return True


def _texts(condition: str) -> Iterator[ComparedText]:
    for found in _COMPARED.finditer(condition):
        name, operator, text = found[1] or found[6], found[2] or found[5], found[3] or found[4]
        yield ComparedText(name, operator, text[1:-1], found.start(3 if found[3] else 4))
    for found in _AMONG.finditer(condition):
        for each in re.finditer(_TEXT, found[2]):
            yield ComparedText(found[1], "==", each[0][1:-1], found.start(2) + each.start())


def _of_a_date(found: ComparedText) -> bool:
    if found.operator not in EQUAL and _BEGUN.fullmatch(found.text):
        return True
    try:
        return date.fromisoformat(found.text).isoformat() == found.text
    except ValueError:
        return False
