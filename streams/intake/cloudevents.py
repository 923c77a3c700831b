"""CloudEvents 1.0: reads envelopes from JSON, and refuses them with the field and the reason.

Source: CloudEvents 1.0.2; `corrects`, `revision` and `annuls` are our extension attributes.
"""

import re
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
from msgspec import Struct

from domain.core.translatable import Said, Words
from streams.intake.strict_json import UnclearJson, refuse_unclear

MAX_BYTES = 256 * 1024
LONGEST_NAME = 1024
"""The longest id, source and type of an event, in characters: they are stored unsealed and shown in every trail."""


class Refused(ValueError):
    """Raised for an event that is refused: `field` is a path such as `data.born_on`; `reason` repeats no value."""

    def __init__(self, field: str, reason: str, code: str = "invalid") -> None:
        super().__init__(f"{field}: {reason}")
        self.field, self.reason, self.code = field, reason, code


class Envelope(Struct, frozen=True, kw_only=True):
    """The attributes that we read of a CloudEvent; other extension attributes are allowed and not kept."""

    specversion: str
    id: str
    source: str
    type: str
    time: str
    subject: str | None = None
    datacontenttype: str | None = None
    dataschema: str | None = None
    data: dict[str, Any] | None = None
    corrects: str | None = None
    revision: int | str | None = None
    annuls: bool | str = False
    traceparent: str | None = None


RESERVED = "/habarshy"
YEARS, REVISIONS = range(1900, 2200), range(2, 2**31)
_RFC_3339 = re.compile(r"\d{4}-\d\d-\d\d[Tt ]\d\d:\d\d(:\d\d(\.\d+)?)?([Zz]|[+-]\d\d:\d\d)", re.ASCII)
_SECONDS = slice(16, 19)
"""The place of ":SS" in such a time."""
TRACEPARENT = re.compile(r"(?!ff)[0-9a-f]{2}-(?!0{32})[0-9a-f]{32}-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}")
_decode = msgspec.json.Decoder(Envelope).decode
_JSON_TYPES = ("application/json", "application/cloudevents+json")


def read_envelope(raw: bytes) -> Envelope:
    """Decode one structured CloudEvent. Raises Refused where it is not JSON, or an attribute is missing or wrong."""
    if len(raw) > MAX_BYTES:
        raise Refused("$", f"the event is larger than {MAX_BYTES // 1024} kB", "too_large")
    try:
        envelope = _decode(raw)
        refuse_unclear(raw)
        return _checked(envelope)
    except msgspec.ValidationError as error:
        raise _wrong_attribute(str(error)) from None
    except RecursionError:
        raise Refused("$", "is nested too deeply") from None
    except UnclearJson as unclear:
        raise Refused("$", str(unclear), "bad_json") from None
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise Refused("$", f"no valid JSON: {_position_only(str(error))}", "bad_json") from None


def read_data(body: bytes) -> Any:  # noqa: ANN401  (any JSON: that it is an object is checked with the attributes)
    """Decode the data of an event in binary mode; None where there is none.

    Raises:
        Refused: it is not JSON, or JSON that can be read in two ways.
    """
    if not body:
        return None
    try:
        data = msgspec.json.decode(body)
        refuse_unclear(body)
    except UnclearJson as unclear:
        raise Refused("data", str(unclear), "bad_json") from None
    except (msgspec.DecodeError, UnicodeDecodeError):
        raise Refused("data", "no valid JSON", "bad_json") from None
    except RecursionError:
        raise Refused("data", "is nested too deeply", "bad_json") from None
    return data


def envelope_of(attributes: dict[str, Any]) -> Envelope:
    """Return the envelope of a CloudEvent that came in binary mode or in a batch.

    Raises:
        Refused: an attribute is missing or wrong.
    """
    try:
        return _checked(msgspec.convert(attributes, Envelope))
    except msgspec.ValidationError as error:
        raise _wrong_attribute(str(error)) from None


def _checked(envelope: Envelope) -> Envelope:
    if envelope.specversion != "1.0":
        raise Refused("specversion", "must be '1.0'")
    for name in ("id", "source", "type"):
        value = getattr(envelope, name)
        if not value.strip() or not value.isprintable():
            raise Refused(name, "must not be empty, and have printable characters only")
    for name in ("id", "source", "type", "corrects"):
        if len(getattr(envelope, name) or "") > LONGEST_NAME:
            raise Refused(name, f"has more than {LONGEST_NAME} characters")
    if envelope.source.startswith(RESERVED):
        raise Refused("source", f"{RESERVED!r} is the platform's own")
    if (content := envelope.datacontenttype) and content.split(";")[0].strip().lower() not in _JSON_TYPES:
        raise Refused("datacontenttype", "must be application/json")
    return envelope


def _position_only(message: str) -> str:
    """Return the decoder's message, which has a byte position and never the text itself."""
    return message.replace("JSON is malformed: ", "")


def _wrong_attribute(message: str) -> Refused:
    what, _, path = message.partition(" - at `")
    field = path.rstrip("`").removeprefix("$.") or "$"
    if "missing required field" in what:
        field = what.rsplit("`", 2)[-2]
        return Refused(field, "is missing")
    return Refused(field, what.replace("`", "'").replace("Expected", "expected"))


def time_of(envelope: Envelope) -> datetime:
    """Return the time of the event. Raises Refused where it is not an RFC 3339 time, or has no zone."""
    if _RFC_3339.fullmatch(envelope.time) is None:
        raise Refused("time", *_no_time(envelope.time))
    try:
        time = _moment(envelope.time.upper())
    except ValueError:
        raise Refused("time", *_no_time("")) from None
    if time.year not in YEARS:
        reason = Words("must lie between {first} and {last}", first=YEARS.start, last=YEARS.stop - 1)
        raise Refused("time", reason)
    return time


def _moment(text: str) -> datetime:
    """Return the moment; a leap second, at the end of a month in UTC, becomes the next second. Raises ValueError."""
    if text[_SECONDS] != ":60":
        return datetime.fromisoformat(text)
    after = datetime.fromisoformat(f"{text[: _SECONDS.start]}:59{text[_SECONDS.stop :]}") + timedelta(seconds=1)
    if f"{after.astimezone(UTC):%d %H:%M:%S}" != "01 00:00:00":
        raise ValueError("no leap second")
    return after


def _no_time(text: str) -> tuple[str, str]:
    if _RFC_3339.fullmatch(text + "Z") or _RFC_3339.fullmatch(text + "T00:00Z"):
        return "has no zone; write 'Z' or an offset such as +05:00", "no_zone"
    return "must be an RFC 3339 time such as 2026-03-01T09:00:00+05:00", "invalid"


def traceparent_of(envelope: Envelope) -> str | None:
    """Return the W3C trace context, or None where it is not valid."""
    text = envelope.traceparent
    return text if text is not None and TRACEPARENT.fullmatch(text) else None


def revision_of(envelope: Envelope) -> tuple[int, bool]:
    """Return the event's revision (1 for an original) and whether it annuls.

    Raises:
        Refused: `corrects` without a revision of 2 or more, or the other way round.
    """
    if envelope.annuls not in (True, False, "true", "false"):
        raise Refused("annuls", Said("must be true or false"))
    annuls = envelope.annuls in (True, "true")
    if envelope.corrects is None:
        if envelope.revision not in (None, 1, "1") or annuls:
            reason = Said("is missing: a revision or an annulment names the event that it corrects")
            raise Refused("corrects", reason)
        return 1, False
    try:
        revision = int(envelope.revision or 0)
    except ValueError:
        revision = 0
    if revision not in REVISIONS:
        raise Refused("revision", Said("must be a whole number from 2 on"))
    if envelope.corrects == envelope.id:
        reason = Said("an event cannot correct itself; a revision has an id of its own")
        raise Refused("corrects", reason)
    return revision, annuls
