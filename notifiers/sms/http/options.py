"""The settings of an SMS gateway with an HTTP interface; the defaults are those of Kannel's sendsms."""

import re
from collections.abc import Iterator, Mapping
from datetime import timedelta
from typing import Annotated, Final, Self

from pydantic import AfterValidator, ConfigDict, Field, PlainSerializer, SecretStr, model_validator

from notifiers.http.options import HttpOptions, masked_url
from notifiers.port.interface import Reason
from notifiers.sms.http.requests import Parameter, Pattern, Requested, Template, is_plain_url, places
from notifiers.sms.http.status_query import Query

_KANNEL: Final = {
    "username": "{username}",
    "password": "{password}",
    "from": "{sender}",
    "to": "{to}",
    "text": "{text}",
    "coding": "{coding}",
    "charset": "{charset}",
    "validity": "{minutes}",
    "dlr-mask": "{report_mask}",
    "dlr-url": "{report_url}",
}


_NOT_ROUTABLE: Final = r"^Not routable\. Do not try again\."
"""Kannel's words where no SMS centre takes the number; its status is 403, as for a wrong password."""


ReportUrl = Annotated[Template, PlainSerializer(masked_url, when_used="json")]


def _is_header(secret: SecretStr) -> SecretStr:
    value = secret.get_secret_value()
    if not (value.isascii() and value.isprintable()):
        raise ValueError("a header's value must be printable ASCII")
    return secret


HeaderValue = Annotated[SecretStr, AfterValidator(_is_header)]
HeaderName = Annotated[str, Field(pattern=r"^[A-Za-z0-9-]+$")]


class HttpSmsOptions(HttpOptions, Requested):
    """Options of the provider kind `http_sms`.

    In `parameters`, `report_url` and `headers`, `{name}` stands for what `NAMES` lists: `{to}` is the number with its
    plus, `{digits}` without, `{reference}` how a report names the message, `{short}` a name of 32 characters. A
    parameter that comes out empty is left out. Where settings are shown, anything else in them is masked: it may be a
    token or a key.
    """

    model_config = ConfigDict(hide_input_in_errors=True)

    url: Annotated[str, AfterValidator(is_plain_url)] = Field(description="where messages are handed in")
    parameters: dict[str, Parameter] = Field(
        default=_KANNEL, repr=False, description="parameter -> what it is made from"
    )
    headers: dict[HeaderName, HeaderValue] = Field(default={}, description="header -> value, for an account")
    username: str = ""
    password: SecretStr = SecretStr("")
    sender: str = Field(min_length=1, max_length=20, description="number, short code or name that it comes from")
    region: Annotated[str, Field(pattern="^[A-Z]{2}$")] | None = Field(
        default=None, description="the country of numbers that are written without a code"
    )
    most_parts: int = Field(default=10, ge=1, le=255, description="the most that one message may cost")
    gsm_coding: str = Field(default="0", description="the {coding} of a text in GSM 03.38")
    ucs2_coding: str = Field(default="2", description="the {coding} of any other text")
    charset: str = Field(default="UTF-8", description="what the gateway is told about our text, which is UTF-8")
    validity: timedelta = Field(default=timedelta(days=3), gt=timedelta(), description="the longest to try")
    success: frozenset[int] = Field(default=frozenset({200, 201, 202}), description="statuses of what is taken")
    answer: Pattern = Field(
        default=r"^\s*[03]:", description="found in the answer to what is taken; a group (?P<id>…) is its reference"
    )
    bad_address: Pattern = Field(default="", description="found in the answer where the number is none")
    rejected: Pattern = Field(default=_NOT_ROUTABLE, description="the same where this message will never be taken")
    busy: Pattern = Field(default="", description="the same where it would be taken later")
    not_admitted: Pattern = Field(default="", description="the same where we are refused: account, money, address")
    report_url: ReportUrl = Field(
        default="", repr=False, description="where the gateway reports to; without it, it does not"
    )
    report_mask: int = Field(default=19, description="Kannel's dlr-mask: delivered, failed, refused by the centre")
    idempotency_header: HeaderName | None = Field(
        default=None, description="the header by which the gateway removes doubles; only if it really does"
    )

    query: Query | None = Field(default=None, description="how it is asked what became of a message")

    @model_validator(mode="after")
    def _fit_together(self) -> Self:
        for name in ("text", "to"):
            if not any(self._used(name)):
                raise ValueError(f"parameters: none of them has {{{name}}}")
        if self.report_url and "{reference}" not in self.report_url and not self._names_itself:
            raise ValueError("report_url: without {reference}, or an id in `answer`, reports name no message")
        if self.report_url and not any("report_url" in template for template in self.parameters.values()):
            raise ValueError("report_url: none of the parameters has {report_url}")
        if self.query is not None and (lost := self.query.names - self._naming()):
            raise ValueError(f"query: it asks by {{{min(lost)}}}, which is not sent with any message")
        return self

    @property
    def limit(self) -> float:
        """Return the longest that a batch may take, in seconds."""
        return self.begin + self.timeout

    def refusals(self) -> Mapping[Reason, re.Pattern[str]]:
        """Return the patterns by which refusals are known, whatever their status."""
        given = {
            Reason.BAD_ADDRESS: self.bad_address,
            Reason.REJECTED: self.rejected,
            Reason.BUSY: self.busy,
            Reason.NOT_ADMITTED: self.not_admitted,
        }
        return {reason: re.compile(pattern) for reason, pattern in given.items() if pattern}

    @property
    def _names_itself(self) -> bool:
        return "id" in re.compile(self.answer).groupindex

    def _naming(self) -> set[str]:
        """Return the names that a message is handed in with."""
        return {*places(self.parameters.values()), *({"key"} if self.idempotency_header else ())}

    def _used(self, name: str) -> Iterator[bool]:
        names = {"to", "digits"} if name == "to" else {name}
        yield from (bool(names & {*places([template])}) for template in self.parameters.values())
