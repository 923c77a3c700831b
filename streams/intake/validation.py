"""Checks a CloudEvent against its type, and makes the life event, with pseudonyms for national ids."""

import difflib
import re
from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, datetime
from functools import cached_property
from typing import Any

import jsonschema_rs
import msgspec

from domain.conditions.pattern_cost import validator_of
from domain.core.events import LifeEvent
from domain.core.ids import Names
from domain.core.plain import PlainData
from domain.core.translatable import Joined, Said, Words
from domain.rules.event_types import Catalogue, EventType, names_persons
from streams.intake.cloudevents import Envelope, Refused, revision_of, time_of, traceparent_of

_FIELD_NAME = re.compile(r"(?!.*\d{4})[A-Za-z_][A-Za-z0-9_-]{0,39}", re.ASCII)
_BIRTH_DATED = re.compile(r"(?<!\d)\d\d(?:0[1-9]|1[0-2])(?:0[1-9]|[12]\d|3[01])[1-6]\d{5}(?!\d)", re.ASCII)
"""Digits in an event's id that look like a national id: a birth date and a century come first."""
NOT_REPEATED = "(a name that is not repeated)"
"""Replaces a key of the body in an error, because it may be personal data."""
ID_IN_CLEAR = Said("must not contain a national id: ids are kept in clear")
SMALLEST, LARGEST = -(2**63), 2**63 - 1
_canonical = msgspec.json.Encoder(order="sorted").encode


class Checker:
    """Checks events of all types of a catalogue. `valid_id`: the checksum rule for national ids.

    `limited`: the event types with a retention limit.
    """

    def __init__(self, catalogue: Catalogue, names: Names, valid_id: Callable[[str], bool]) -> None:
        self.limited = frozenset(catalogue.limited)
        self._names, self._valid_id = names, valid_id
        self._latest = {name: type_.latest for name, type_ in catalogue.types.items()}
        self._types = {name: _TypeChecker(type_) for name, type_ in catalogue.types.items()}

    def check(self, envelope: Envelope, ahead_from: datetime | None = None) -> LifeEvent:
        """Return the life event that the envelope carries; `ahead_from` is of the load, not of the event.

        Raises:
            Refused: with the field and the reason.
        """
        time = time_of(envelope).astimezone(UTC)
        revision, annuls = revision_of(envelope)
        checker = self._type(envelope.type)
        national = checker.national_ids(envelope, annuls=annuls)
        self._check_ids(national, envelope)
        data = envelope.data or {}
        if not (annuls and envelope.data is None):
            checker.check_data(data)
        persons = {role: tuple(map(self._names.pseudonym, ids)) for role, (_, ids) in national.items()}
        return LifeEvent(
            stream=self._names.stream(envelope.source, envelope.id),
            source=envelope.source,
            id=envelope.id,
            type=envelope.type,
            time=time,
            persons=persons,
            fields=checker.split(data, persons),
            corrects=envelope.corrects,
            revision=revision,
            annuls=annuls,
            area=checker.area(data),
            ahead_from=ahead_from,
            digest=self._digest(envelope, time, revision, annuls=annuls),
            traceparent=traceparent_of(envelope),
        )

    def refuse_future(self, event: LifeEvent, now: datetime) -> None:
        """Nothing, if the event is dated no further ahead of `now` than its type allows.

        An annulment may have any time: it takes back what should not have come in.

        Raises:
            Refused: it is dated too far ahead.
        """
        if event.time <= now or event.annuls:
            return
        latest = self._latest[event.type](now)
        if latest is not None and event.time > latest:
            reason = (
                f"lies in the future: it is {_minute(now)} here, and this type is accepted up to {_minute(latest)}; "
                "check the year, the time zone and the sender's clock"
            )
            raise Refused("time", reason, "future")

    def _type(self, name: str) -> "_TypeChecker":
        if (found := self._types.get(name)) is not None:
            return found
        raise Refused("type", _meant(Said("no event type has this name"), name, self._types), "unknown_type")

    def _check_ids(self, national: Mapping[str, tuple[str, tuple[str, ...]]], envelope: Envelope) -> None:
        clear = f"{envelope.id}\n{envelope.source}\n{envelope.corrects or ''}"
        for field, ids in national.values():
            for national_id in ids:
                if not self._valid_id(national_id):
                    raise Refused(
                        field, Said("is no valid national id (its check digit is wrong)"), "bad_national_id"
                    )
                if national_id in clear:
                    raise Refused("id", ID_IN_CLEAR)
        for found in _BIRTH_DATED.findall(clear):
            if self._valid_id(found):
                raise Refused("id", ID_IN_CLEAR)

    def _digest(self, envelope: Envelope, time: datetime, revision: int, *, annuls: bool) -> bytes:
        body = [envelope.type, time, envelope.subject, envelope.data, envelope.corrects, revision, annuls]
        return self._names.digest(_canonical(body))


class _TypeChecker:
    def __init__(self, type_: EventType) -> None:
        self.type = type_
        properties: Mapping[str, Any] = type_.schema.get("properties", {})
        self._roles = {
            name: names_persons(prop) for name, prop in properties.items() if names_persons(prop) is not None
        }
        self._owners = {
            name: prop.get("x-of", type_.subject or "public")
            for name, prop in properties.items()
            if name not in self._roles
        }

    @cached_property
    def _validators(self) -> tuple[jsonschema_rs.Validator, ...]:
        """Return what checks data, one after the other; most types have no event before the rules change.

        Patterns come last: the schema's engine tries them on texts of any length, whatever `maxLength` says.
        """
        first = _without_patterns(self.type.schema)
        schemas = (self.type.schema,) if first == self.type.schema else (first, self.type.schema)
        return tuple(validator_of(each, validate_formats=True) for each in schemas)

    def national_ids(self, envelope: Envelope, *, annuls: bool) -> dict[str, tuple[str, tuple[str, ...]]]:
        """Return for each role the field that names its persons, and their national ids."""
        found: dict[str, tuple[str, tuple[str, ...]]] = {}
        if self.type.subject is not None:
            if envelope.subject is None and not annuls:
                raise Refused("subject", Words("is missing: it names the {role}", role=self.type.subject))
            if envelope.subject is not None:
                found[self.type.subject] = ("subject", (envelope.subject,))
        for role in self._roles:
            ids = _ids((envelope.data or {}).get(role))
            if ids:
                found[role] = (f"data.{role}", ids)
        return found

    def check_data(self, data: dict[str, Any]) -> None:
        if self.type.forbidden and (path := _path_to(self.type.forbidden, data)) is not None:
            raise Refused(path, Said("must never be sent: this type forbids it"), "forbidden_field")
        try:
            broken = next((each for each in self._validators if not each.is_valid(data)), None)
            if broken is None:
                return
            error = next(iter(broken.iter_errors(data)))
        except ValueError:  # the validator's recursion limit
            raise Refused("data", Said("is nested too deeply"), "bad_data") from None
        raise _refusal(error, self.type.schema.get("properties", {}))

    def split(self, data: Mapping[str, Any], persons: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
        """Return each owner's part of the data, without the national ids."""
        parts: dict[str, dict[str, Any]] = {}
        for name, given in data.items():
            owner = self._owners.get(name)
            if owner is None:
                continue
            value = given
            if not isinstance(given, str):  # most are
                value = self._as_declared(name, given)
                if _too_large(value):
                    raise Refused(f"data.{name}", Said("holds a number beyond 64 bits"), "bad_data")
            if owner != "public" and owner not in persons:
                reason = Words("belongs to the role {role}, whom this event does not name", role=owner)
                raise Refused(f"data.{name}", reason)
            parts.setdefault(owner, {})[name] = value
        return parts

    def _as_declared(self, path: str, value: PlainData) -> PlainData:
        """Return the value in its declared type: JSON has one kind of number, conditions have two."""
        if isinstance(value, dict):
            return {name: self._as_declared(f"{path}.{name}", each) for name, each in value.items()}
        if isinstance(value, int | float) and not isinstance(value, bool) and path in self.type.fields:
            kind = self.type.fields[path].type
            return int(value) if kind == "integer" else float(value) if kind == "number" else value
        return value

    def area(self, data: Mapping[str, Any]) -> str | None:
        """Return the area that an area event is about."""
        return None if self.type.area is None else data.get(self.type.area.removeprefix("event."))


def _without_patterns(schema: Mapping[str, Any]) -> dict[str, Any]:
    found = {key: value for key, value in schema.items() if key != "pattern"}
    if "properties" in found:
        found["properties"] = {name: _without_patterns(each) for name, each in found["properties"].items()}
    if "items" in found:
        found["items"] = _without_patterns(found["items"])
    return found


def _minute(moment: datetime) -> str:
    return f"{moment.astimezone(UTC):%Y-%m-%dT%H:%MZ}"


def _path_to(forbidden: frozenset[str], data: dict[str, Any]) -> str | None:
    """Return the path to a field with one of these names, at any depth; a loop, because data may be nested deeply."""
    inside: list[tuple[str, Any]] = [("data", data)]
    while inside:
        path, value = inside.pop()
        if isinstance(value, list):
            inside += [(path, each) for each in value]
        for name, each in value.items() if isinstance(value, dict) else ():
            if name in forbidden:
                return f"{path}.{name}"
            inside.append((f"{path}.{_repeatable_name(name)}", each))
    return None


def _too_large(value: PlainData) -> bool:
    if isinstance(value, dict | list):
        return any(map(_too_large, value.values() if isinstance(value, dict) else value))
    return isinstance(value, int) and not SMALLEST <= value <= LARGEST


def _ids(value: PlainData) -> tuple[str, ...]:
    if isinstance(value, str):
        return (value,)
    return tuple(each for each in value if isinstance(each, str)) if isinstance(value, list) else ()


def _refusal(error: jsonschema_rs.ValidationError, known: Iterable[str]) -> Refused:
    """Return the schema's objection in our words; the validator's own message would repeat the value."""
    path = ["data", *map(str, error.instance_path)]
    rule = error.schema_path[-1] if error.schema_path else ""
    kind: Any = error.kind
    if rule == "required":
        return Refused(".".join([*path, kind.property]), Said("is missing"), "bad_data")
    if rule == "additionalProperties":
        unknown = _repeatable_name(str(kind.unexpected[0]))
        return Refused(
            ".".join([*path, unknown]), _meant(Said("is no field of this type"), unknown, known), "bad_data"
        )
    return Refused(".".join(path), reason_of(error), "bad_data")


def _repeatable_name(name: str) -> str:
    """Return a field's name, or NOT_REPEATED where it looks like an id or like words and may be personal data."""
    return name if _FIELD_NAME.fullmatch(name) else NOT_REPEATED


def reason_of(error: jsonschema_rs.ValidationError) -> Said:
    """Return the reason why the schema refuses a value, without the value."""
    kind: Any = error.kind
    rule = str(error.schema_path[-1]) if error.schema_path else ""
    match rule:
        case "type":
            return Words("must be of type {types}", types=Joined(kind.types, Said(" or ")))
        case "enum":
            return Words("must be one of {names}", names=", ".join(map(str, kind.options)))
        case "format" | "pattern":
            valid = kind.as_dict().get("format") or kind.as_dict().get("pattern")
            return Words("must be a valid {format}", format=valid)
        case "minimum" | "exclusiveMinimum" | "minLength" | "minItems":
            return Words("is below the {rule} of {limit}", rule=rule, limit=kind.limit)
        case "maximum" | "exclusiveMaximum" | "maxLength" | "maxItems":
            return Words("is above the {rule} of {limit}", rule=rule, limit=kind.limit)
        case _:
            return Words("breaks the rule '{rule}' of its type", rule=rule)


def _meant(reason: Said, name: str, known: Iterable[str]) -> Said:
    """Return the reason, with a suggestion where a known name is close."""
    close = difflib.get_close_matches(name, list(known), 1)
    return Words("{unknown} (did you mean {meant!r}?)", unknown=reason, meant=close[0]) if close else reason
