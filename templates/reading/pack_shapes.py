"""The shape of pack.yaml."""

import re
from typing import Annotated, Literal, get_args

from pydantic import AfterValidator, Field

from domain.core.national_id import SCHEMES
from domain.core.translatable import Said, Words
from templates.reading.value_kinds import (
    DOMAIN,
    Clock,
    Day,
    Emblem,
    Language,
    Languages,
    Limit,
    Name,
    Positive,
    Shape,
    ShortTitles,
    Since,
    Text,
    Titles,
    Zone,
    distinct,
    json_pattern,
    matching,
    optional,
)

Domain = Annotated[str, matching(DOMAIN, Said("a site is written egov.kz")), json_pattern(DOMAIN)]
AttributeType = Literal["string", "date", "integer", "boolean", "strings"]
ATTRIBUTE_TYPES: tuple[str, ...] = get_args(AttributeType)


class QuietHoursShape(Shape):
    """The hours in which nobody is disturbed."""

    from_: Clock = Field(alias="from")
    to: Clock


class CapShape(Shape):
    """The fatigue cap: the number of messages in a number of days."""

    messages: Positive
    days: Annotated[int, Field(ge=1, le=3650)]


class DefaultsShape(Shape):
    """The values for persons who chose nothing."""

    language: Language
    languages: Languages
    zone: Zone
    quiet_hours: QuietHoursShape
    cap: CapShape
    age_of_majority: Annotated[int, Field(ge=0, le=150)]


class HolidaysShape(Shape):
    """On which days nobody works, and what a government moved."""

    country: Text = Field(description="whose public holidays: the ISO 3166-1 code of the country, KZ")
    off: list[Day] = optional("working days that were made free, the earliest first")
    working: list[Day] = optional("free days that were made working days, the earliest first")


class EmergenciesShape(Shape):
    """The agencies that may own triggers of the class `emergency`, and their categories.

    Danger to life or limb only.
    """

    agencies: Annotated[list[Name], Field(min_length=1), AfterValidator(distinct)] = Field(
        description="agencies of this pack: they may own such triggers, and report what starts them"
    )
    categories: Annotated[list[Name], Field(min_length=1), AfterValidator(distinct)] = Field(
        description="what they may warn of, as `category` in their triggers"
    )


class AgencyShape(Shape):
    """An agency, which reports events and owns triggers."""

    title: Titles
    short: ShortTitles = optional("what its SMS call it, beside the code: at most 20 characters in each language")
    emblem: Emblem = optional("the icon beside its name on pages")


class AttributeShape(Shape):
    """Something that is known of a person."""

    type: AttributeType
    title: Titles


class PackShape(Shape):
    """The values of a whole pack."""

    pack: Name
    title: Titles
    live_from: Since = optional("reach and ahead_from of the versions it ships")
    national_id: Annotated[
        str, matching("|".join(map(re.escape, SCHEMES)), Words("must be one of: {names}", names=", ".join(SCHEMES)))
    ] = optional("the rule of the check digit")
    defaults: DefaultsShape = optional("what holds where a person said nothing")
    holidays: HolidaysShape = optional("working days are counted by them; without it, Monday to Friday")
    area_levels: Annotated[list[Positive], Field(min_length=1)] = optional(
        "how long an area's code is, level by level"
    )
    link_domains: Annotated[list[Domain], Field(min_length=1), AfterValidator(distinct)] = optional(
        "to which sites words and buttons may lead, with all that is below them"
    )
    legal_proof: Limit = optional("for how long it must be proven that legal notices were given, and of what")
    sms_price: Annotated[float, Field(ge=0)] = optional("what one part of an SMS costs, in the national currency")
    sms_parts: Positive = optional("the most parts that an SMS may have; 2 unless said")
    agencies: dict[Name, AgencyShape] = optional("who reports events and owns triggers")
    emergencies: EmergenciesShape = optional("who may warn of danger to life or limb, whatever the hour")
    attributes: dict[Name, AttributeShape] = optional("what is known of a person")
    acts: dict[Name, Titles] = optional("laws and codes, from which authors choose the legal basis of a trigger")
