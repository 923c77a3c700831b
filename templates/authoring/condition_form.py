"""Conditions as rows of a form: a field, an operator and a value each, joined by "and" or by "or".

Whatever cannot be written so (brackets, both joints, functions) stays a text that only its author changes.
"""

import re
from collections.abc import Callable, Mapping
from typing import Final

from msgspec import Struct
from msgspec.structs import replace

from domain.core.translatable import N_, Said
from templates.authoring import typed_values
from templates.checks.sense_check import AFTER_START
from templates.reading.attributes import is_day

AND, OR = "and", "or"
_JOINTS = {AND: "&&", OR: "||"}
_NAME = r"(?:event|citizen|later|param|entitled)(?:\.[a-z][a-z0-9_]*)+"
_TEXT = r"\"[^\"\\]*\"|'[^'\\]*'"
_NUMBER = r"-?[0-9]+(?:\.[0-9]+)?"
_COMPARED = re.compile(rf"({_NAME})\s*(==|!=|<=|>=|<|>)\s*({_TEXT}|{_NUMBER}|true|false|{_NAME})")
_CALLED = re.compile(rf"({_NAME})\.(contains|startsWith)\(({_TEXT})\)")
_AMONG = re.compile(rf"({_TEXT})\s+in\s+({_NAME})")
_LONE = re.compile(rf"(!?)({_NAME})")
_SPLIT = re.compile(rf"(?:{_TEXT}|[^\"'&|]|&(?!&)|\|(?!\|))+|&&|\|\|")

OPERATORS: Final[Mapping[str, Mapping[str, str]]] = {
    "string": {
        "==": N_("is"),
        "!=": N_("is not"),
        "contains": N_("contains"),
        "startsWith": N_("starts with"),
    },
    "date": {
        "==": N_("is"),
        "<": N_("is before"),
        "<=": N_("is not after"),
        ">": N_("is after"),
        ">=": N_("is not before"),
    },
    "integer": {
        "==": N_("is"),
        "!=": N_("is not"),
        ">": N_("is more than"),
        ">=": N_("is at least"),
        "<": N_("is less than"),
        "<=": N_("is at most"),
    },
    "boolean": {"==": N_("is")},
    "strings": {"in": N_("contains")},
    "instant": {"<": N_("is before"), ">": N_("is after")},
}
"""Type of a field -> its operators, each with its words."""


OF_LISTS: Final[Mapping[str, str]] = {"in": "contains"}
"""Operator of a list -> that of a text which people call the same."""
_SAME: Final[Mapping[tuple[str, str], str]] = {("strings", "contains"): "in", ("string", "in"): "contains"}


class Row(Struct, frozen=True):
    """One comparison; `value`: a plain text, or the dotted name of another field where `of` is True."""

    field: str
    operator: str
    value: str
    of: bool = False


class Rows(Struct, frozen=True):
    """Comparisons that all hold (`and`), or one of which does (`or`)."""

    rows: tuple[Row, ...] = ()
    joint: str = AND


class BadRow(ValueError):
    """Raised for a row that makes no condition; `part`: field, operator or value."""

    def __init__(self, at: int, part: str, problem: str) -> None:
        super().__init__(problem)
        self.at, self.part = at, part
        self.problem = problem if isinstance(problem, Said) else Said(problem)


def operators_of(type_: str) -> Mapping[str, str]:
    """Return the operators that go with a type of field."""
    return OPERATORS["integer" if type_ == "number" else type_]


def read_condition(text: str, types: Mapping[str, str]) -> Rows | None:
    """Return a condition as rows; None where it cannot be shown so. `types`: dotted name -> type of its fields."""
    parts = [part.strip() for part in _SPLIT.findall(text)]
    if "".join(parts).replace(" ", "") != re.sub(r"\s", "", text):
        return None
    joints = set(parts[1::2])
    if len(joints) > 1 or not joints <= set(_JOINTS.values()) or len(parts) % 2 == 0:
        return None
    rows = [_row(part, types) for part in parts[::2]]
    found = tuple(row for row in rows if row is not None)
    joint = OR if joints == {"||"} else AND
    made = Rows(found, joint)
    return made if len(found) == len(rows) and _is_same(text, made, types) else None


def _row(text: str, types: Mapping[str, str]) -> Row | None:
    if found := _COMPARED.fullmatch(text):
        name, operator, value = found[1], found[2], found[3]
        of = bool(re.fullmatch(_NAME, value))
        row = Row(name, operator, value if of else value.strip("\"'"), of)
    elif found := _CALLED.fullmatch(text):
        row = Row(found[1], found[2], found[3][1:-1])
    elif found := _AMONG.fullmatch(text):
        row = Row(found[2], "in", found[1][1:-1])
    elif found := _LONE.fullmatch(text):
        row = Row(found[2], "==", "false" if found[1] else "true")
    else:
        return None
    type_ = types.get(row.field)
    known = type_ is not None and row.operator in operators_of(type_)
    return row if known and not (row.of and row.value not in types) else None


def _is_same(text: str, made: Rows, types: Mapping[str, str]) -> bool:
    """Return True if the rows say the same: a text in place of a number, for instance, would become one."""
    try:
        return _levelled(written_condition(made, types)) == _levelled(text)
    except BadRow:
        return False


def _levelled(text: str) -> str:
    """Return the text of a condition, the same for all notations of it that rows do not tell apart."""
    text = re.sub(r"'([^'\\]*)'", r'"\1"', re.sub(rf"!({_NAME})", r"\1==false", text))
    pieces = re.findall(r'"[^"]*"|[^"]+', text)
    joined = "".join(piece if piece[0] == '"' else re.sub(r"\s", "", piece) for piece in pieces)
    return re.sub(rf"(^|&&|\|\|)({_NAME})(?=$|&&|\|\|)", r"\1\2==true", joined)


def written_condition(rows: Rows, types: Mapping[str, str]) -> str:
    """Return rows as a condition in CEL; empty where there are none.

    Raises:
        BadRow: a row lacks something, or its value is not of its field's type.
    """
    return f" {_JOINTS[rows.joint]} ".join(_written(at, row, types) for at, row in enumerate(rows.rows))


def _written(at: int, row: Row, types: Mapping[str, str]) -> str:
    type_ = types.get(row.field)
    if type_ is None:
        raise BadRow(at, "field", N_("Choose what is compared, or remove this condition"))
    row = replace(row, operator=_SAME.get((type_, row.operator), row.operator))
    if row.operator not in operators_of(type_):
        raise BadRow(at, "operator", N_("This comparison does not go with it; choose another one"))
    if row.of:
        if row.operator in ("contains", "startsWith", "in"):
            raise BadRow(at, "operator", N_("This comparison does not go with it; choose another one"))
        other = types.get(row.value)
        if other is None or (type_ != other and not {type_, other} <= {"integer", "number"}):
            raise BadRow(at, "value", N_("Choose something of the same kind to compare it with"))
        return f"{row.field} {row.operator} {row.value}"
    value = _literal(at, row.value.strip(), type_)
    if row.operator in ("contains", "startsWith"):
        return f"{row.field}.{row.operator}({value})"
    return f"{value} in {row.field}" if row.operator == "in" else f"{row.field} {row.operator} {value}"


_AS_TYPED: Final[Mapping[str, Callable[[str], str]]] = {
    "integer": typed_values.whole,
    "number": typed_values.decimal,
    "date": typed_values.day,
}
"""Type of a field -> what makes of a value as people type it the one that CEL writes."""


def _literal(at: int, value: str, type_: str) -> str:
    """Return a value as CEL writes it."""
    try:
        value = _AS_TYPED.get(type_, str)(value)
    except typed_values.NotANumber as bad:
        raise BadRow(at, "value", bad.problem) from None
    match type_:
        case "boolean" if value not in ("true", "false"):
            raise BadRow(at, "value", N_("Choose yes or no"))
        case "date" if not is_day(value):
            raise BadRow(at, "value", N_("Write a date as DD.MM.YYYY"))
        case "instant":
            raise BadRow(at, "value", N_("Choose something of the same kind to compare it with"))
        case "string" | "strings" if not value:
            raise BadRow(at, "value", N_("Write what it is compared with"))
        case "string" | "strings" if set('"\\\n') & set(value):
            raise BadRow(at, "value", N_("Write it without quotation marks"))
    if type_ == "number" and "." not in value:
        return f"{value}.0"
    return value if type_ in ("integer", "number", "boolean") else f'"{value}"'


def after_start(condition: str) -> str:
    """Return the condition of a later event with the demand that it comes after the one that starts the rule."""
    if not condition:
        return AFTER_START
    return f"{AFTER_START} && ({condition})" if "||" in condition else f"{AFTER_START} && {condition}"


def without_after_start(condition: str) -> tuple[str, str]:
    """Return whether a condition has that demand ("yes" or "no"), and the rest of it."""
    rest = condition.removeprefix(AFTER_START).removeprefix(" && ")
    bare = rest.removeprefix("(").removesuffix(")")
    for each in (rest, bare):
        if condition and after_start(each) == condition and (each == rest or "(" not in each):
            return "yes", each
    return "no", condition
