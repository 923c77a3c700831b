"""The shape of services.yaml: the services that nudges and assistants point to."""

from typing import Annotated

from pydantic import AfterValidator, Field

from domain.core.translatable import Said
from templates.reading.value_kinds import (
    DOMAIN,
    DOTTED,
    Name,
    Shape,
    Text,
    Titles,
    Url,
    distinct,
    json_pattern,
    matching,
    optional,
)

ServiceId = Annotated[
    str, matching(DOTTED, Said("is written in small Latin letters, as in kz.birth_allowance")), json_pattern(DOTTED)
]
Domain = Annotated[str, matching(DOMAIN, Said("a domain is written as in egov.kz")), json_pattern(DOMAIN)]
Domains = Annotated[list[Domain], Field(min_length=1), AfterValidator(distinct)]


class ServiceShape(Shape):
    """Something that an agency does for people: where it is asked for, and at which moments of a life."""

    id: ServiceId
    title: Titles
    link: Url = optional("its own page, within `domains`; without it, no message has a button for it")
    moments: Annotated[list[Name], Field(min_length=1), AfterValidator(distinct)] = Field(
        description="at which moments of a life, as in `moments` above"
    )
    agency: Text = Field(description="as in pack.yaml")


class ServicesShape(Shape):
    """The services of a pack. `domains`: where their links may lead; `moments`: the life moments and their titles.

    `services` is a list, so that the order in which people are told of them is the pack's own.
    """

    domains: Domains
    moments: dict[Name, Titles]
    services: Annotated[list[ServiceShape], Field(min_length=1)]
