"""The shapes of parameters.yaml and benefits.yaml."""

from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BeforeValidator, Field, RootModel, WithJsonSchema

from domain.core.plain import PlainData
from domain.core.translatable import Said
from templates.reading.value_kinds import Cel, Day, Duration, Name, Shape, Text, Titles, optional


def _number(value: PlainData) -> PlainData:
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise ValueError(Said("must be a number"))  # noqa: TRY004  (pydantic takes it for a finding)
    return value


def _from_alone(value: PlainData) -> PlainData:
    return {"from": value} if isinstance(value, str) else value


class ParameterShape(Shape):
    """A value that the law sets from a day on."""

    title: Titles
    unit: Text = optional("of what: tenge, percent")
    source: Text = Field(description="the law that sets it")
    values: dict[Day, Annotated[Any, AfterValidator(_number), WithJsonSchema({"type": "number"})]] = Field(
        min_length=1, description="day: the value from that day on"
    )


class BoundShape(Shape):
    """A day: a date of the event or the person, moved."""

    from_: Text = Field(alias="from")
    offset: Duration = optional("how long after it, or before it with a minus: -P30D, P18M")


class RequirementShape(Shape):
    """A condition that must hold; its title says so in an answer."""

    id: Name
    when: Cel = Field(description="CEL over event, citizen and param")
    title: Titles
    clause: Text = optional("the law that asks for it, if another than the benefit's")


class HadShape(Shape):
    """An event by which the benefit, or what it is for, was had already."""

    on: Text = Field(description="the event type that tells so")
    when: Cel = optional("CEL: which of them; the first event is `event`, this one is `later`")


BoundOrDate = Annotated[BoundShape, BeforeValidator(_from_alone, json_schema_input_type=Text | BoundShape)]


class BenefitShape(Shape):
    """A benefit: about which event, whose, from when to when, on which conditions, how much."""

    title: Titles
    agency: Text = Field(description="as in pack.yaml")
    clause: Text = Field(description="the law")
    on: Text = Field(description="the event type that it is about, or `person`")
    to: Text = optional("the role whose benefit it is; the subject unless said")
    from_: BoundOrDate = optional("first day of the entitlement; the day of the event unless said", alias="from")
    until: BoundOrDate = optional("the day on which it is over")
    conditions: list[RequirementShape] = optional("all of them must hold")
    unless: list[HadShape] = optional("it was had already")
    amount: Cel = optional("CEL: the amount in tenge")
    amount_as_of: Literal["from", "asked"] = optional("by the law of the first day, or of the day asked for")
    per: Literal["once", "month"] = optional("how often the amount is paid")


class ParametersFile(RootModel[dict[Name, ParameterShape]]):
    """parameters.yaml: parameters by name."""


class BenefitsFile(RootModel[dict[Name, BenefitShape]]):
    """benefits.yaml: benefits by name."""
