"""The controls of a form about a rule: what they show, and what they send."""

import json
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, Final

from msgspec import Struct

from app.pages.visits import Fields, field_of
from domain.core.timing import Offset
from domain.core.translatable import N_, Words
from templates.authoring import typed_values, value_words
from templates.authoring.condition_form import AND, OR, BadRow, Row, Rows, read_condition, written_condition
from templates.authoring.trigger_form import CHANNELS

_NO_MINUS: Final = N_("Write {number} without a minus")
_BEFORE_IT: Final = N_("Write {number} without a minus, and choose “before it” beside it")
AFTER, BEFORE = "", "-"
_DAYS_OR_MORE = ("D", "W", "M", "Y")
_MONTH: Final = 365.25 / 12
_MANY: Final[Mapping[str, int]] = {"D": 400, "W": 60, "M": 25, "TH": 100, "TM": 300}
"""Unit -> the number of them from which people say a length in a larger unit."""
_ROUNDED: Final[Mapping[str, Callable[[int], Offset]]] = {
    "D": lambda days: Offset(months=round(days / _MONTH)),
    "W": lambda weeks: Offset(months=round(7 * weeks / _MONTH)),
    "M": lambda months: Offset(months=months),
    "TH": lambda hours: Offset(days=hours // 24, seconds=hours % 24 * 3600),
    "TM": lambda minutes: Offset(seconds=minutes * 60),
}
"""Unit -> the length of so many of them, in larger units and without what is left over."""
_SPLIT = re.compile(r"([+-]?)P(T?)([0-9]{1,4})([YMWDH])")
_MOST_ROWS = 20
Options = Sequence[tuple[str, str]]
Groups = Sequence[tuple[str, Options]]
"""Options of a choice under headings."""


class Length(Struct, frozen=True):
    """A length of time as three controls; `raw`: one that needs more than those."""

    sign: str = ""
    number: str = ""
    unit: str = "D"
    raw: str = ""

    def __bool__(self) -> bool:
        """Return whether there is a length."""
        return bool(self.number or self.raw)


class ConditionRow(Struct, frozen=True):
    """One comparison with its controls: the operators of its field, and its values, if they are a list.

    `others`: the values with which it can be compared instead of a written one.
    """

    field: str
    operator: str
    value: str
    of: str
    operators: Options
    choices: Options
    kind: str
    others: Groups = ()


class Control(Struct, frozen=True):
    """A field on a page. `kind` chooses its macro in work/_form.html; `doubt`: what is asked of its value."""

    name: str
    kind: str
    label: str
    value: Any = ""
    options: Any = ()
    hint: str = ""
    error: str = ""
    findings: Sequence[Any] = ()
    lang: str = ""
    told: str = ""
    more: Any = None
    doubt: str = ""


def labelled_errors(wrong: Mapping[str, str], labels: Mapping[str, str]) -> dict[str, str]:
    """Return what is wrong, by the id of its control: with its label in front, in the order of the labels."""
    told = {name: f"{label} – {wrong[name]}" for name, label in labels.items() if name in wrong}
    return told | {name: text for name, text in wrong.items() if name not in told}


def length_of(text: str) -> Length:
    """Return a duration as its controls show it."""
    if not text:
        return Length()
    found = _SPLIT.fullmatch(text)
    if found is None or (found[2] == "T") != (found[4] == "H" or (found[2] == "T" and found[4] == "M")):
        return Length(raw=text)
    unit = f"T{found[4]}" if found[2] else found[4]
    return Length(found[1].replace("+", ""), found[3], unit)


def length_in(fields: Fields, name: str) -> str | None:
    """Return the duration that the controls of a name send; None where they were not on the page.

    Raises:
        NotANumber: its number is none.
    """
    if f"{name}.raw" in fields:
        return field_of(fields, f"{name}.raw")
    if f"{name}.number" not in fields:
        return None
    typed, unit = field_of(fields, f"{name}.number").strip(), field_of(fields, f"{name}.unit")
    if not typed:
        return ""
    number = typed_values.whole(typed, without_minus=_BEFORE_IT if f"{name}.sign" in fields else _NO_MINUS)
    return f"{BEFORE if field_of(fields, f'{name}.sign') == BEFORE else ''}P{unit[:-1]}{number}{unit[-1:]}"


def doubt_about(length: Length, *, signed: bool) -> str:
    """Return what to ask of a length that is seldom meant: of nothing, or of more than people count in its unit."""
    if length.raw or not re.fullmatch("[0-9]{1,4}", length.number):
        return ""
    number, unit = int(length.number), length.unit
    if not number:
        return Words("That is on the day itself.") if signed and unit in _DAYS_OR_MORE else ""
    if number < _MANY.get(unit, number + 1):
        return ""
    told = value_words.length(_ROUNDED[unit](number))
    if not signed:
        return Words("That is {length}: is it meant so?", length=told)
    if length.sign == BEFORE:
        return Words("That is {length} before it: is it meant so?", length=told)
    return Words("That is {length} after it: is it meant so?", length=told)


def typed_length(fields: Fields, name: str) -> Length:
    """Return what somebody typed, as it was, to be shown again."""
    names = {part: field_of(fields, f"{name}.{part}") for part in ("sign", "number", "unit", "raw")}
    return Length(**names)


def names_in(fields: Fields, name: str, before: str) -> str | None:
    """Return the names that were ticked, in the order in which they stood before."""
    if f"{name}.shown" not in fields:
        return None
    ticked = [each for each in fields.get(name, []) if each]
    old = [each for each in before.split(",") if each in ticked]
    return ",".join([*old, *(each for each in ticked if each not in old)])


def channels_in(fields: Fields, name: str) -> str | None:
    """Return the channels in the order that was chosen."""
    if f"{name}.0" not in fields:
        return None
    chosen = [field_of(fields, f"{name}.{at}") for at in range(len(CHANNELS))]
    return ",".join(dict.fromkeys(each for each in chosen if each in CHANNELS))


def rows_in(fields: Fields, name: str, values: Mapping[str, Mapping[str, str]]) -> Rows | None:
    """Return the rows of a condition that the form sends.

    `values`: field -> word of a value, in small letters -> the value.
    """
    if f"{name}.joint" not in fields:
        return None
    return Rows(tuple(_rows(fields, name, values)), OR if field_of(fields, f"{name}.joint") == OR else AND)


def _rows(fields: Fields, name: str, values: Mapping[str, Mapping[str, str]]) -> Iterator[Row]:
    for at in range(_MOST_ROWS):
        field, value = field_of(fields, f"{name}.{at}.field"), field_of(fields, f"{name}.{at}.value")
        of = field_of(fields, f"{name}.{at}.of")
        if not (field or value) or field_of(fields, f"{name}.{at}.gone"):
            continue
        value = values.get(field, {}).get(value.lower(), value)
        yield Row(field, field_of(fields, f"{name}.{at}.operator"), of or value, bool(of))


def condition_in(
    fields: Fields, name: str, before: str, types: Mapping[str, str], values: Mapping[str, Mapping[str, str]]
) -> str | None:
    """Return the condition that the form sends: as it stood, where its rows are the same.

    Raises:
        BadRow: a row makes no condition.
    """
    rows = rows_in(fields, name, values)
    if rows is None:
        return None
    old = read_condition(before, types) if before else Rows()
    if old is not None and old.rows == rows.rows and (len(rows.rows) < 2 or old.joint == rows.joint):  # noqa: PLR2004  (several rows)
        return before
    for at, row in enumerate(rows.rows):
        known = values.get(row.field)
        if known and row.value not in known.values() and not row.of and row.operator in ("==", "!=", "in"):
            raise BadRow(at, "value", Words("Choose one of these: {values}", values=", ".join(known)))
    return written_condition(rows, types)


def original_values(fields: Fields, otherwise: Mapping[str, str]) -> Mapping[str, str]:
    """Return what a form was filled with when it was opened; `otherwise`, where it does not say."""
    try:
        kept = json.loads(field_of(fields, "was"))
    except (ValueError, RecursionError):
        return otherwise
    return {str(name): str(text) for name, text in kept.items()} if isinstance(kept, dict) else otherwise
