"""Finds texts in conditions that no value ever equals, or that sort wrongly: `event.issued_on > "31.12.2025"`.

Dates are texts and compare as such, so nothing fails; the condition only never says what was meant.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from datetime import date
from typing import Any, NamedTuple

from domain.conditions.cost import TooCostly
from domain.conditions.language import BadCondition, Conditions
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
"""What reads a text as something else, and what is wrong where it cannot."""
_ORDERED = re.compile(
    rf"{_NAME}\s*{_OPERATOR}\s*({_LITERAL}|-?\d+(?:\.\d+)?|(?:event|later|citizen|param)(?:\.\w+)+)(?!\s*[-+*/%.(\w])"
)
_NO_CHAIN = re.compile(r"\|\||\?|!(?!=)")
_EXCLUDED: Mapping[str, frozenset[str]] = {
    "==": frozenset({"!=", "<", ">"}),
    "!=": frozenset({"=="}),
    "<": frozenset({"==", ">", ">="}),
    ">": frozenset({"==", "<", "<="}),
    "<=": frozenset({">"}),
    ">=": frozenset({"<"}),
}
"""Operator -> those that never hold beside it, for the same two values."""
EQUAL = ("==", "!=")


class Compared(NamedTuple):
    """A text of a condition, where it begins in it, and what it is compared with, how."""

    name: str
    operator: str
    text: str
    start: int


def meaningless(
    condition: str, kinds: Mapping[str, str], choices: Mapping[str, Sequence[Any]]
) -> Iterator[tuple[int, str, str | None]]:
    """Where each begins in the condition, what is wrong with it, and what was probably meant."""
    for found in _texts(condition):
        if kinds.get(found.name) == "date" and not _of_a_date(found):
            yield found.start, Words("{text!r} is no date; one is written 2026-03-01", text=found.text), None
        elif found.operator in EQUAL and found.name in choices and found.text not in choices[found.name]:
            known = [str(each) for each in choices[found.name]]
            message = Words("{name} is never {text!r}", name=found.name, text=found.text)
            yield found.start, message, closest(found.text, known)


def contradictory(condition: str) -> Iterator[tuple[int, str]]:
    """Where two comparisons of one name with the same value begin that can never hold both: `x > a && x < a`.

    Only a condition that is one chain of `&&` is looked at: without `||`, `?` and negation.
    """
    if _NO_CHAIN.search(condition):
        return
    seen: dict[tuple[str, str], set[str]] = {}
    for found in _ORDERED.finditer(condition):
        name, operator, value = found.groups()
        before = seen.setdefault((name, value), set())
        if against := sorted(before & _EXCLUDED[operator]):
            message = Words(
                "{name} {operator} {value} never holds together with {name} {other} {value}",
                name=name,
                operator=operator,
                value=value,
                other=against[0],
            )
            yield found.start(), message
        before.add(operator)


def unreadable(condition: str) -> Iterator[tuple[int, str]]:
    """Where each text begins that a function cannot read, so that nobody is ever told, and what is wrong with it."""
    for found in _READ.finditer(condition):
        call = f"{found[1]}({found[2]}) == {found[1]}({found[2]})"
        if not _reckoned(f'"".matches({found[2]})' if found[1] == "matches" else call):
            yield found.start(2), Words(_UNREADABLE[found[1]], text=found[2])


def _reckoned(condition: str) -> bool:
    """Whether a condition that reads nothing has an answer."""
    try:
        return Conditions({}).compile(condition).holds({}) is not None
    except (BadCondition, TooCostly):  # it is in a remark; or that it costs too much is said of the whole
        return True


def _texts(condition: str) -> Iterator[Compared]:
    for found in _COMPARED.finditer(condition):
        name, operator, text = found[1] or found[6], found[2] or found[5], found[3] or found[4]
        yield Compared(name, operator, text[1:-1], found.start(3 if found[3] else 4))
    for found in _AMONG.finditer(condition):
        for each in re.finditer(_TEXT, found[2]):
            yield Compared(found[1], "==", each[0][1:-1], found.start(2) + each.start())


def _of_a_date(found: Compared) -> bool:
    if found.operator not in EQUAL and _BEGUN.fullmatch(found.text):
        return True
    try:
        return date.fromisoformat(found.text).isoformat() == found.text
    except ValueError:
        return False
