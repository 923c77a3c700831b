"""The kinds of values that a pack's files hold, each with a problem text for people who do not program."""

import re
from collections.abc import Callable
from datetime import date
from typing import Annotated, Any, Literal
from zoneinfo import ZoneInfoNotFoundError

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    TypeAdapter,
    ValidatorFunctionWrapHandler,
    WithJsonSchema,
    WrapValidator,
)

from domain.conditions.cost import MOST_CHARACTERS
from domain.core.plain import PlainData
from domain.core.timing import parse_day_of_year, parse_offset, zone_of
from domain.core.translatable import Said, Words
from domain.persons.replies import spelt
from domain.rules.event_types import ANY
from domain.rules.triggers import CORRECTION
from templates.reading.findings import closest
from templates.reading.pack_content import LONGEST_SHORT

NAME = r"^[a-z][a-z0-9_]*$"
DOTTED = r"^[a-z][a-z0-9_]*(\.[a-z][a-z0-9_]*)+$"
LANGUAGE = r"^[a-z]{2,3}$"
CLOCK = r"^([01][0-9]|2[0-3]):[0-5][0-9]$"
DAY_OF_YEAR = r"^(0[1-9]|1[0-2])-(0[1-9]|[12][0-9]|3[01])$"
DURATION = r"^[+-]?P([0-9]+[YMWD])*(T([0-9]+[HMS])+)?$"
PERIOD = r"^\+?P(?=.*[1-9])([0-9]+[YMWD])*(T([0-9]+[HMS])+)?$"
LIMIT = r"^P(?=.*[1-9])([0-9]{1,3}Y)?([0-9]{1,3}M)?$"
STEP_REF = r"^[a-z][a-z0-9_]*(\.([2-9]|[1-9][0-9]))?$"
CODE = r"^([0-9]{1,2}|[A-Za-z\u0400-\u04ff]{1,10})$"
DAY = r"^[0-9]{4}-[0-9]{2}-[0-9]{2}$"
DOMAIN = r"^([a-z0-9]([a-z0-9-]*[a-z0-9])?\.)+[a-z]{2,}$"
URL = r"^https://[A-Za-z0-9.-]+(:[0-9]+)?(/[!-~]*)?$"

EDGES = ("becomes", "ceases")
"""On which edge of an entitlement a trigger starts."""
_YEARS = 200
_ENDS = (date.min.isoformat(), date.max.isoformat())
"""Their starts and ends lie, somewhere on earth, in the years 0 and 10000, which no clock of ours knows."""


def matching(pattern: str, problem: Said) -> AfterValidator:
    """Return a check that the whole text matches."""

    def check(text: str) -> str:
        if not re.fullmatch(pattern, text):
            raise ValueError(problem)
        return text

    return AfterValidator(check)


def _accepted(attempt: Callable[[str], object], problem: Said) -> AfterValidator:
    def check(text: str) -> str:
        try:
            attempt(text)
        except (ValueError, ZoneInfoNotFoundError, OSError):
            raise ValueError(problem) from None
        return text

    return AfterValidator(check)


def _url(text: str) -> str:
    if re.fullmatch(URL, text):
        return text
    if not text.startswith("https://"):
        raise ValueError(Said("an address starts with https://"))
    site = re.split("[/?#]", text.removeprefix("https://"))[0]
    if not re.fullmatch(r"[A-Za-z0-9.-]+(:[0-9]+)?", site):
        raise ValueError(Words("“{site}” is no site: it has dots, and no commas or blanks, as egov.kz", site=site))
    raise ValueError(Said("after the site comes /, and then Latin letters, digits and signs without blanks"))


def _duration(text: str) -> str:
    offset = parse_offset(text)
    if abs(offset.months) > 12 * _YEARS or abs(offset.days) > 366 * _YEARS or abs(offset.seconds) > 86400 * _YEARS:
        raise ValueError(Words("no duration is longer than {years} years (or days, in hours)", years=_YEARS))
    return text


def _period(text: str) -> str:
    offset = parse_offset(text)
    if min(offset.months, offset.days, offset.seconds) < 0 or not offset:
        raise ValueError(Said("how long is written without a minus, and is more than nothing: P7D, P1M, PT12H"))
    return _duration(text)


def _day_of_year(text: str) -> str:
    parse_day_of_year(text)
    return text


def _ahead(text: str) -> str:
    return text if text == ANY else _period(text)


def _until(text: str) -> str:
    return text if text.startswith(("event.", "citizen.", "entitled.")) else _duration(text)


def _on(value: Any) -> Any:  # noqa: ANN401  (an event type, or an edge of an entitlement)
    if isinstance(value, str) and value:
        return value
    if not (isinstance(value, dict) and len(value) == 1 and all(isinstance(each, str) for each in value.values())):
        raise ValueError(Said("is an event type, or {becomes: benefit}, or {ceases: benefit}"))
    if (edge := next(iter(value))) not in EDGES:
        meant = closest(edge, EDGES)
        unknown = Words("the key {name!r} is not known here", name=edge)
        raise ValueError(
            Words("{unknown} (did you mean {meant!r}?)", unknown=unknown, meant=meant) if meant else unknown
        )
    return value


def _law(value: PlainData, _: ValidatorFunctionWrapHandler) -> PlainData:
    """Validate as one of the two shapes: problems are told of the shape that was meant."""
    return (_TITLES if isinstance(value, dict) else _TEXT).validate_python(value, strict=True)


def _within(text: str) -> str:
    if text in _ENDS:
        raise ValueError(Said("here the calendar ends; write a day such as 1900-01-01 or 2999-12-31"))
    return text


def json_pattern(pattern: str) -> WithJsonSchema:
    """Return the JSON schema that tells editors of a pattern."""
    return WithJsonSchema({"type": "string", "pattern": pattern})


def _listed(value: PlainData) -> PlainData:
    return [value] if isinstance(value, str) else value


def distinct(values: list[str]) -> list[str]:
    """Return the values, if none comes twice."""
    if len(set(values)) < len(values):
        raise ValueError(Said("names one thing twice"))
    return values


def distinct_codes(replies: dict[str, str]) -> dict[str, str]:
    """Return the replies, if no code is like another to people, who do not mind small and capital letters."""
    if len({spelt(code) for code in replies}) < len(replies):
        raise ValueError(Said("two codes differ only in small and capital letters, and people write either"))
    return replies


def _no_correction(name: str) -> str:
    if name == CORRECTION:
        raise ValueError(
            Words("a step may not be called {name!r}: the platform adds that one by itself", name=CORRECTION)
        )
    return name


Text = Annotated[str, Field(min_length=1, pattern=r"\S")]
"""Anything but blanks."""
Cel = Annotated[str, Field(min_length=1, max_length=MOST_CHARACTERS, pattern=r"\S")]
"""A condition or an amount."""
WRITTEN_NAME = Said("is written in small Latin letters, digits and underscores")
Name = Annotated[str, matching(NAME, WRITTEN_NAME), json_pattern(NAME)]
TypeName = Annotated[
    str,
    matching(DOTTED, Said("is written in small Latin letters, as in kz.civil.birth_registered")),
    json_pattern(DOTTED),
]
StepName = Annotated[Name, AfterValidator(_no_correction)]
Language = Annotated[
    str, matching(LANGUAGE, Said("a language is two or three small letters: kk")), json_pattern(LANGUAGE)
]
Clock = Annotated[str, matching(CLOCK, Said('a time of day is written "09:00"')), json_pattern(CLOCK)]
Url = Annotated[str, AfterValidator(_url), json_pattern(URL)]
DayInYear = Annotated[str, AfterValidator(_day_of_year), json_pattern(DAY_OF_YEAR)]
Duration = Annotated[str, AfterValidator(_duration), json_pattern(DURATION)]
Period = Annotated[str, AfterValidator(_period), json_pattern(PERIOD)]
Ahead = Annotated[str, AfterValidator(_ahead), json_pattern(f"^{ANY}$|{PERIOD}")]
Limit = Annotated[
    str, matching(LIMIT, Said("a limit is written in whole years or months: P5Y, P18M")), json_pattern(LIMIT)
]
StepRef = Annotated[
    str,
    matching(STEP_REF, Said("a step is named as in trigger.yaml, its repetitions as in ask.2")),
    json_pattern(STEP_REF),
]
Code = Annotated[str, matching(CODE, Said("a code is one or two digits, or a short word")), json_pattern(CODE)]
Until = Annotated[str, AfterValidator(_until)]
Day = Annotated[
    str,
    matching(DAY, Said("a date is written 2024-01-01")),
    _accepted(date.fromisoformat, Said("there is no such day")),
    WithJsonSchema({"type": "string", "format": "date", "pattern": DAY}),
]
Since = Annotated[Day, AfterValidator(_within)]
"""A date whose first moment counts."""
Zone = Annotated[str, _accepted(zone_of, Said("there is no such time zone; write one as in Asia/Almaty"))]
On = Annotated[
    Any,
    AfterValidator(_on),
    WithJsonSchema(
        {
            "anyOf": [
                {"type": "string", "minLength": 1},
                *(
                    {
                        "type": "object",
                        "properties": {edge: {"type": "string"}},
                        "required": [edge],
                        "additionalProperties": False,
                    }
                    for edge in EDGES
                ),
            ]
        }
    ),
]
_Listed = Annotated[list[Text], Field(min_length=1), AfterValidator(distinct)]
Names = Annotated[_Listed, BeforeValidator(_listed, json_schema_input_type=Text | _Listed)]
Titles = dict[Language, Text]
ShortTitles = dict[Language, Annotated[Text, Field(max_length=LONGEST_SHORT)]]
Emblem = Literal[
    "bell",
    "briefcase",
    "building-2",
    "bus",
    "coins",
    "factory",
    "graduation-cap",
    "heart-pulse",
    "house",
    "landmark",
    "leaf",
    "medal",
    "plug",
    "scale",
    "shield",
    "siren",
]
"""Icons that stand for agencies; app/pages/icons.svg draws them."""
_TITLES, _TEXT = TypeAdapter[Any](Titles), TypeAdapter[Any](Text)
Law = Annotated[Titles | Text, WrapValidator(_law)]
"""In several languages; one text for all of them is how it was written at first."""
Languages = Annotated[list[Language], Field(min_length=1), AfterValidator(distinct)]
Positive = Annotated[int, Field(ge=1)]
Channel = Literal["push", "sms", "email"]


def optional(description: str | None = None, alias: str | None = None) -> Any:  # noqa: ANN401  (as pydantic's)
    """Return a key that may be absent, but not empty."""
    return Field(default=None, description=description, alias=alias)


class Shape(BaseModel):
    """A group of keys, none of them unknown and none of them converted."""

    model_config = ConfigDict(extra="forbid", strict=True)
