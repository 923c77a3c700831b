"""What an operator says about an SMS gateway with an HTTP interface; the defaults are those of Kannel's sendsms."""

import re
from collections.abc import Iterator, Mapping
from datetime import timedelta
from typing import Annotated, Final, Literal, Self
from urllib.parse import urlsplit

from pydantic import AfterValidator, ConfigDict, Field, PlainSerializer, SecretStr, model_validator

from notifiers.http_options import MASK, HttpOptions, masked_url
from notifiers.port import Reason

Fields = Mapping[str, str]
"""Name -> value, of what a parameter may be made from."""

NAMES: Final = frozenset({
    "username", "password", "sender", "to", "digits", "text", "coding", "charset", "minutes", "key", "reference",
    "report_url", "report_mask",
})  # fmt: skip
_PLACE: Final = re.compile(r"\{(\w+)\}")
_PLACES: Final = re.compile(r"(\{\w+\})")
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


def _is_template(template: str) -> str:
    unknown = [name for name in _PLACE.findall(template) if name not in NAMES]
    if unknown:
        raise ValueError(f"{{{unknown[0]}}} is unknown; there are {', '.join(sorted(NAMES))}")
    return template


def _masked(template: str) -> str:
    """What is put in for something; anything else may be a key of the gateway's."""
    return "".join(each if _PLACE.fullmatch(each) else MASK for each in _PLACES.split(template) if each)


def _is_plain_url(url: str) -> str:
    parts = urlsplit(url)
    if parts.scheme not in {"http", "https"} or not parts.hostname:
        raise ValueError("an http:// or https:// address is needed")
    if parts.username is not None or parts.query or parts.fragment:
        raise ValueError("account and parameters do not belong into the address: see username and parameters")
    return url


def _is_pattern(pattern: str) -> str:
    try:
        re.compile(pattern)
    except re.error as error:
        raise ValueError(f"no regular expression: {error}") from None
    return pattern


Pattern = Annotated[str, AfterValidator(_is_pattern)]
Template = Annotated[str, AfterValidator(_is_template)]
Parameter = Annotated[Template, PlainSerializer(_masked, when_used="json")]
ReportUrl = Annotated[Template, PlainSerializer(masked_url, when_used="json")]


def _is_header(secret: SecretStr) -> SecretStr:
    value = secret.get_secret_value()
    if not (value.isascii() and value.isprintable()):
        raise ValueError("a header's value is printable ASCII")
    return secret


HeaderValue = Annotated[SecretStr, AfterValidator(_is_header)]
HeaderName = Annotated[str, Field(pattern=r"^[A-Za-z0-9-]+$")]


def filled(template: str, fields: Fields) -> str:
    """The template with each `{name}` replaced; what is put in is not looked at again."""
    return _PLACE.sub(lambda place: fields[place[1]], template)


class HttpSmsOptions(HttpOptions):
    """Options of the provider kind `http_sms`.

    In `parameters`, `report_url` and `headers`, `{name}` stands for what `NAMES` lists: `{to}` is the number with its
    plus, `{digits}` without, `{reference}` how a report names the message. A parameter that comes out empty is left
    out. Where settings are shown, anything else in them is masked: it may be a token or a key.
    """

    model_config = ConfigDict(hide_input_in_errors=True)

    url: Annotated[str, AfterValidator(_is_plain_url)] = Field(description="where messages are handed in")
    method: Literal["GET", "POST"] = "GET"
    sent_as: Literal["query", "form", "json"] = Field(default="query", description="where the parameters go")
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

    @model_validator(mode="after")
    def _fit_together(self) -> Self:
        if self.method == "GET" and self.sent_as != "query":
            raise ValueError("sent_as: a GET has no body; use query, or method: POST")
        for name in ("text", "to"):
            if not any(self._used(name)):
                raise ValueError(f"parameters: none of them has {{{name}}}")
        if self.report_url and "{reference}" not in self.report_url and not self._names_itself:
            raise ValueError("report_url: without {reference}, or an id in `answer`, reports name no message")
        if self.report_url and not any("report_url" in template for template in self.parameters.values()):
            raise ValueError("report_url: none of the parameters has {report_url}")
        return self

    @property
    def limit(self) -> float:
        """The longest that a batch may take, in seconds."""
        return self.begin + self.timeout

    def refusals(self) -> Mapping[Reason, re.Pattern[str]]:
        """What a refusal is known by, whatever its status."""
        given = {
            Reason.BAD_ADDRESS: self.bad_address, Reason.REJECTED: self.rejected, Reason.BUSY: self.busy,
            Reason.NOT_ADMITTED: self.not_admitted,
        }  # fmt: skip
        return {reason: re.compile(pattern) for reason, pattern in given.items() if pattern}

    @property
    def _names_itself(self) -> bool:
        return "id" in re.compile(self.answer).groupindex

    def _used(self, name: str) -> Iterator[bool]:
        names = {"to", "digits"} if name == "to" else {name}
        yield from (bool(names & set(_PLACE.findall(template))) for template in self.parameters.values())
