"""CloudEvents over HTTP: a request's body and headers as envelopes, the same ones in all three content modes.

Source: HTTP Protocol Binding for CloudEvents 1.0.2; Trace Context Level 1 (W3C) for `traceparent`.
"""

import re
from collections.abc import Iterable
from urllib.parse import unquote

import msgspec
from msgspec.structs import replace

from streams.intake.cloudevents import TRACEPARENT, Envelope, Refused, envelope_of, read_data, read_envelope
from streams.intake.strict_json import has_more_items

STRUCTURED = "application/cloudevents+json"
BATCHED = "application/cloudevents-batch+json"
BINARY = "application/json"

COUNTED = 1024 * 1024
"""Items of a longer batch, in bytes, are counted before any is decoded: an item of two bytes takes thirty decoded."""
_PREFIX = "ce-"
_ESCAPED = re.compile(r"\\(.)")
_decode_items = msgspec.json.Decoder(list[msgspec.Raw]).decode

Headers = Iterable[tuple[str, str]]


def refuse_empty(headers: Headers) -> None:
    """A `ce-*` header without a value says nothing in any content mode: whoever sends one has lost something.

    Raises:
        Refused: there is one.
    """
    for header, value in headers:
        if not value and header.lower().startswith(_PREFIX):
            raise Refused(header.lower().removeprefix(_PREFIX), "is an empty header; leave it out")


def structured(body: bytes, headers: Headers) -> Envelope:
    """Return the event that is the whole body. Raises Refused: no JSON, a missing or wrong attribute."""
    return _traced(read_envelope(body), _trace_of(headers))


def binary(body: bytes, headers: Headers) -> Envelope:
    """Return the event whose data is the body and whose attributes are `ce-*` headers.

    Raises:
        Refused: no JSON, a missing or wrong attribute.
    """
    listed = list(headers)
    attributes = _attributes(listed)
    return _traced(envelope_of(attributes | {"data": read_data(body), "datacontenttype": BINARY}), _trace_of(listed))


class TooManyEvents(Exception):
    """Raised for a batch with more events than are taken at once."""


def batched(body: bytes, headers: Headers, most: int) -> list[Envelope | Refused]:
    """Return the events of a batch in their order, each read or refused for itself.

    Raises:
        Refused: the body is no JSON array.
        TooManyEvents: it has more than `most` items.
    """
    if len(body) > COUNTED and has_more_items(body, most):
        raise TooManyEvents
    try:
        items = _decode_items(body)
    except msgspec.ValidationError:
        raise Refused("$", "must be an array of events") from None
    except (msgspec.DecodeError, UnicodeDecodeError):
        raise Refused("$", "no valid JSON", "bad_json") from None
    except RecursionError:
        raise _too_deep() from None
    if len(items) > most:
        raise TooManyEvents
    trace = _trace_of(headers)
    return [_item(bytes(item), trace) for item in items]


def _item(raw: bytes, trace: str | None) -> Envelope | Refused:
    try:
        return _traced(read_envelope(raw), trace)
    except Refused as refused:
        return refused


def _attributes(headers: Headers) -> dict[str, str]:
    attributes: dict[str, str] = {}
    for header, value in headers:
        name = header.lower().removeprefix(_PREFIX)
        if name == header.lower():
            continue
        if name in attributes:
            raise Refused(name, "stands in two headers", "repeated")
        attributes[name] = _unescaped(name, value)
    return attributes


def _unescaped(name: str, value: str) -> str:
    """Return the attribute's value.

    Out of its quotes (allowed by earlier versions of the binding), then percent-decoded.
    """
    if not value.isascii():
        raise Refused(name, "has characters that must be percent-encoded in a header", "bad_encoding")
    if len(value) > 1 and value[0] == value[-1] == '"':
        value = _ESCAPED.sub(r"\1", value[1:-1])
    try:
        return unquote(value, errors="strict")
    except UnicodeDecodeError:
        raise Refused(name, "is not percent-encoded UTF-8", "bad_encoding") from None


def _too_deep() -> Refused:
    return Refused("$", "is nested too deeply", "bad_json")


def _trace_of(headers: Headers) -> str | None:
    """Return the trace of the request; a malformed one is ignored (W3C)."""
    trace = next((value for name, value in headers if name.lower() == "traceparent"), "")
    return trace if TRACEPARENT.fullmatch(trace) else None


def _traced(envelope: Envelope, trace: str | None) -> Envelope:
    """Add the trace of the request to an event without one of its own."""
    return envelope if trace is None or envelope.traceparent is not None else replace(envelope, traceparent=trace)
