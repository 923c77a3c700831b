"""Asking an SMS gateway by our name for a message what became of it, where its answer to the message was lost."""

import re
from datetime import timedelta
from typing import Annotated, Final, Self
from urllib.parse import quote

from pydantic import AfterValidator, ConfigDict, Field, field_validator, model_validator

from domain.facts.receipts import ReceiptStatus
from notifiers.http.client import Answer
from notifiers.port.interface import Accepted, NeverCame, Reason, Report, StatusAnswer, Unknown
from notifiers.sms.http.requests import (
    Fields,
    Parameter,
    Pattern,
    Request,
    Requested,
    Template,
    filled,
    is_plain_url,
    places,
)

NAMING: Final = frozenset({"key", "reference", "short"})
_KNOWN: Final = NAMING | {"username", "password", "sender", "to", "digits"}
_SERVER_FAULT: Final = 500
_LONGEST_NAME: Final = 500


def _is_known(template: str) -> str:
    lost = [name for name in places([template]) if name not in _KNOWN]
    if lost:
        raise ValueError(
            f"{{{lost[0]}}} is no longer known when the query is made; known are {', '.join(sorted(_KNOWN))}"
        )
    return template


class Query(Requested):
    """A query to a gateway: the first match of `delivered`, `failed`, `accepted` and `never_came` decides."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)

    url: Annotated[Template, AfterValidator(is_plain_url), AfterValidator(_is_known)] = Field(
        description="where is asked; it may have {reference}, {short} or {key}"
    )
    parameters: dict[str, Annotated[Parameter, AfterValidator(_is_known)]] = Field(
        default={}, repr=False, description="parameter -> what it is made from"
    )
    after: float = Field(default=30, ge=1, le=600, description="so many seconds after the message it knows of it")
    delivered: Pattern = Field(default="", description="found in the answer where it was delivered")
    failed: Pattern = Field(default="", description="the same where it could not be brought")
    accepted: Pattern = Field(default="", description="the same where the gateway has it; (?P<id>…): its reference")
    never_came: Pattern = Field(default="", description="the same where the gateway never heard of it")

    @field_validator("url")
    @classmethod
    def _nobody_in_the_address(cls, url: str) -> str:
        if not NAMING.issuperset(places([url])):
            raise ValueError("the address may have no more than {reference}, {short} or {key}: see parameters")
        return url

    @model_validator(mode="after")
    def _says_something(self) -> Self:
        if not any((self.delivered, self.failed, self.accepted, self.never_came)):
            raise ValueError("no answer would mean anything; give delivered, failed, accepted or never_came")
        if not self.names:
            raise ValueError("it names no message; use {reference}, {short} or {key}")
        return self

    @property
    def names(self) -> frozenset[str]:
        """Return the names of ours by which it asks."""
        return NAMING.intersection(places([self.url, *self.parameters.values()]))

    @property
    def ask_after(self) -> timedelta:
        """Return the time that the gateway needs."""
        return timedelta(seconds=self.after)

    def request_for(self, fields: Fields, headers: Fields) -> Request:
        """Return the request by which it is asked."""
        url = filled(self.url, {name: quote(value, safe="") for name, value in fields.items()})
        return self.request(url, self.parameters, fields, headers)

    def meaning_of(self, answer: Answer, name: str) -> StatusAnswer:
        """Return the meaning of the answer about the message `name`.

        A server's fault means nothing, whatever its words.
        """
        code, said = str(answer.status), answer.body.decode("utf-8", "replace")
        if answer.status >= _SERVER_FAULT:
            return Unknown(Reason.GARBLED, code)
        if _in(self.delivered, said):
            return Report(name, ReceiptStatus.DELIVERED)
        if _in(self.failed, said):
            return Report(name, ReceiptStatus.FAILED, Reason.UNDELIVERED, code)
        if found := _in(self.accepted, said):
            return Accepted(gateway_name(found) or name)
        return NeverCame() if _in(self.never_came, said) else Unknown(Reason.GARBLED, code)


def _in(pattern: str, said: str) -> re.Match[str] | None:
    return re.search(pattern, said) if pattern else None


def gateway_name(found: re.Match[str]) -> str | None:
    """Return the gateway's name for the message; none that no report could repeat, or no database keep."""
    name = found.groupdict().get("id") or ""
    return name if name.isprintable() and len(name) <= _LONGEST_NAME else None
