"""Requests to an SMS gateway, made from what an operator said: which parameters it takes, and where they go."""

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Annotated, Final, Literal, NamedTuple, Self
from urllib.parse import quote, urlencode, urlsplit

from pydantic import AfterValidator, BaseModel, Field, PlainSerializer, model_validator

from notifiers.http.options import MASK

Fields = Mapping[str, str]
"""Name -> value, of what a parameter may be made from."""

NAMES: Final = frozenset(
    {
        "username",
        "password",
        "sender",
        "to",
        "digits",
        "text",
        "coding",
        "charset",
        "minutes",
        "key",
        "reference",
        "short",
        "report_url",
        "report_mask",
    }
)
_PLACE: Final = re.compile(r"\{(\w+)\}")
_PLACES: Final = re.compile(r"(\{\w+\})")


def places(templates: Iterable[str]) -> Iterator[str]:
    """Return the names that these templates have places for."""
    return (name for template in templates for name in _PLACE.findall(template))


def filled(template: str, fields: Fields) -> str:
    """Return the template with each `{name}` replaced; what is put in is not looked at again."""
    return _PLACE.sub(lambda place: fields[place[1]], template)


def _is_template(template: str) -> str:
    unknown = [name for name in places([template]) if name not in NAMES]
    if unknown:
        raise ValueError(f"{{{unknown[0]}}} is unknown; known are {', '.join(sorted(NAMES))}")
    return template


def _masked(template: str) -> str:
    """Return the template with only its placeholders; anything else may be a key of the gateway's."""
    return "".join(each if _PLACE.fullmatch(each) else MASK for each in _PLACES.split(template) if each)


def is_plain_url(url: str) -> str:
    """Return the address, if it has no account and no parameters. Raises ValueError."""
    parts = urlsplit(url)
    if parts.scheme not in {"http", "https"} or not parts.hostname:
        raise ValueError("an http:// or https:// address is needed")
    if parts.username is not None or parts.query or parts.fragment:
        raise ValueError("account and parameters do not belong in the address: see username and parameters")
    return url


def _is_pattern(pattern: str) -> str:
    try:
        re.compile(pattern)
    except re.error as error:
        raise ValueError(f"not a regular expression: {error}") from None
    return pattern


Pattern = Annotated[str, AfterValidator(_is_pattern)]
Template = Annotated[str, AfterValidator(_is_template)]
Parameter = Annotated[Template, PlainSerializer(_masked, when_used="json")]


class Request(NamedTuple):
    """A request to a gateway: the arguments of Http.request."""

    method: str
    url: str
    headers: dict[str, str]
    body: bytes | None


class Requested(BaseModel):
    """The form of a request that a gateway wants; a parameter that comes out empty is left out."""

    method: Literal["GET", "POST"] = "GET"
    sent_as: Literal["query", "form", "json"] = Field(default="query", description="where the parameters go")

    @model_validator(mode="after")
    def _body_or_none(self) -> Self:
        if self.method == "GET" and self.sent_as != "query":
            raise ValueError("sent_as: a GET has no body; use query, or method: POST")
        return self

    def request(self, url: str, parameters: Mapping[str, str], fields: Fields, headers: Fields) -> Request:
        """Return the request to that address with these parameters, made from the fields."""
        made = {name: value for name, template in parameters.items() if (value := filled(template, fields))}
        match self.sent_as:
            case "query":
                asked = f"{url}?{urlencode(made, quote_via=quote)}" if made else url
                return Request(self.method, asked, dict(headers), None)
            case "form":
                typed = {**headers, "content-type": "application/x-www-form-urlencoded"}
                return Request(self.method, url, typed, urlencode(made).encode())
            case "json":
                typed = {**headers, "content-type": "application/json"}
                return Request(self.method, url, typed, json.dumps(made).encode())
