"""Bodies of requests and answers about persons."""

from datetime import datetime
from typing import Annotated, Any, Literal
from uuid import UUID

from pydantic import BaseModel, Field

Named = dict[str, str]
"""Language -> title."""


class Person(BaseModel):
    """The name that a person has here: no national id ever stands in an address."""

    person: str


class ToldItem(BaseModel):
    """A message that went to somebody; `digest`: what it went with, where it went with others."""

    nudge: UUID
    at: datetime
    channel: str
    state: str
    title: Named
    office: Named
    category: str
    klass: str
    digest: UUID | None = None


class ToldPage(BaseModel):
    """A page of messages, the latest first; `next` goes into `after` for the next page (null: there is none)."""

    items: list[ToldItem]
    next: str | None


class ComingItem(BaseModel):
    """A message that is planned, unless something changes."""

    nudge: UUID
    due: datetime
    title: Named
    office: Named
    klass: str


class ComingList(BaseModel):
    """The planned messages, the next first."""

    items: list[ComingItem]


class Preferences(BaseModel):
    """A person's choices; null: none, so that the pack's default holds."""

    language: str | None = None
    zone: str | None = None
    quiet_from: str | None = None
    quiet_to: str | None = None
    channels: list[Literal["push", "sms", "email"]] | None = None
    opted_out: list[str] | None = None


_TOPIC = "^[a-z][a-z0-9_]{0,79}(/(push|sms|email))?$"
_CLOCK = r"^([01][0-9]|2[0-3]):[0-5][0-9]$"


class Wishes(BaseModel, extra="forbid"):
    """A change of preferences; a field that is left out stays as it is, so no default is described."""

    language: str = Field(default_factory=str, pattern="^[a-z]{2,3}$")
    zone: str = Field(default_factory=str, max_length=64, pattern=r"^[A-Za-z][A-Za-z0-9_+/-]*$")
    quiet_from: str = Field(default_factory=str, pattern=_CLOCK)
    quiet_to: str = Field(default_factory=str, pattern=_CLOCK)
    channels: list[Literal["push", "sms", "email"]] = Field(default_factory=list, min_length=1, max_length=3)
    opted_out: list[Annotated[str, Field(pattern=_TOPIC)]] = Field(
        default=[], max_length=200, description="categories, or one channel of a category: health/sms"
    )


class Consents(BaseModel, extra="forbid"):
    """The categories of offers to which a person consented."""

    categories: list[Annotated[str, Field(pattern="^[a-z][a-z0-9_]{0,79}$")]] = Field(max_length=100)


class Explained(BaseModel):
    """The reason why a nudge was planned, and its outcome.

    `used`: the data that the rule read; `retired`: since when what was recorded is unreadable, and under which limit.
    """

    nudge: UUID
    trigger: str
    step: str
    version: str
    title: Named
    agency: str
    klass: str
    legal_basis: str
    legal_basis_titles: Named
    due: datetime
    state: str
    recorded: dict[str, Any] | None
    clause: dict[str, Any]
    used: dict[str, Any]
    facts: list[dict[str, Any]]
    retired: dict[str, Any] | None = None


class Dispute(BaseModel, extra="forbid"):
    """A citizen's objection, in their own words."""

    text: str = Field(min_length=1, max_length=2000, pattern=r"^[^\x00]*$")
