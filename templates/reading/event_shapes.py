"""The shape of an event type: a JSON Schema of the kind that fields, roles and owners can be read from."""

from typing import Annotated, Any, Literal

from pydantic import AfterValidator, Field

from domain.core.plain import PlainData
from domain.core.translatable import Said, Words
from templates.reading.value_kinds import (
    Ahead,
    Language,
    Limit,
    Name,
    Shape,
    Text,
    Titles,
    TypeName,
    distinct,
    optional,
)

KINDS = ("string", "integer", "number", "boolean", "array", "object")


def _kind(declared: PlainData) -> PlainData:
    kinds = [each for each in declared if each != "null"] if isinstance(declared, list) else [declared]
    if len(kinds) != 1 or kinds[0] not in KINDS:
        raise ValueError(
            Words(
                'must be one of {kinds}; with "null" if it may be cleared: [string, "null"]', kinds=", ".join(KINDS)
            )
        )
    return declared


def _sets(value: PlainData) -> PlainData:
    roles = isinstance(value, list) and value and all(isinstance(role, str) for role in value)
    literal = isinstance(value, dict) and list(value) == ["value"]
    if not (isinstance(value, str) or roles or literal):
        raise ValueError(Said("is set to a field (event.born_on), to roles ([mother, father]) or to {value: …}"))
    return value


Kind = Annotated[Any, AfterValidator(_kind)]
Count = Annotated[int, Field(ge=0)]
Least = Annotated[int, Field(ge=0, le=65_536)]
"""A lower limit of a length; an event of 256 kB has room for it, and so has one made up for a test."""
Format = Literal["date", "national-id", "email", "uuid", "uri"]


SearchWords = Annotated[list[Annotated[Text, Field(min_length=2, max_length=50)]], Field(min_length=1, max_length=20)]


class TextRules(Shape):
    """The restrictions that a schema may put on any value."""

    type: Kind
    format: Format = optional()
    enum: Annotated[list[Any], Field(min_length=1)] = optional()
    const: Any = optional()
    pattern: Text = optional()
    minLength: Least = optional()
    maxLength: Count = optional()
    minimum: float = optional()
    maximum: float = optional()
    exclusiveMinimum: float = optional()
    exclusiveMaximum: float = optional()
    multipleOf: Annotated[float, Field(gt=0)] = optional()
    title: Text = optional()
    description: Text = optional()


class Items(TextRules):
    """The items of an array: texts only."""

    type: Literal["string"]


class Property(TextRules):
    """A property of an event's data, or of a group in it."""

    items: Items = optional()
    minItems: Least = optional()
    maxItems: Count = optional()
    uniqueItems: bool = optional()
    properties: dict[Name, "Property"] = optional()
    required: list[str] = optional()
    additionalProperties: Literal[False] = optional()
    minProperties: Least = optional()
    maxProperties: Count = optional()
    x_of: Name = optional(alias="x-of")
    x_title: Titles = optional("language: what people call it", alias="x-title")


class Data(Shape):
    """The JSON Schema of an event's data; nothing that it does not name may come in."""

    type: Literal["object"]
    additionalProperties: Literal[False]
    properties: Annotated[dict[Name, Property], Field(max_length=500)]
    required: list[str] = optional()
    minProperties: Least = optional()
    maxProperties: Count = optional()


class EventTypeShape(Shape):
    """A kind of life event: what it carries, whom it names, what it sets on a person."""

    type: TypeName
    title: Titles
    search_words: dict[Language, SearchWords] = optional("language: everyday words by which the workbench finds it")
    agency: Text
    subject: Name
    ends_life: bool = optional()
    area: Text = optional()
    data: Data
    forbidden: Annotated[list[Name], Field(min_length=1), AfterValidator(distinct)] = optional()
    retention: Limit = optional("for how long after the year of the event its content can be read")
    ahead: Ahead = optional("how far ahead of our clock `time` may lie: P1D, or any; PT15H unless said")
    sets: dict[Name, dict[Name, Annotated[Any, AfterValidator(_sets)]]] = optional()
