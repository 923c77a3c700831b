"""Checks an event type: its JSON Schema, the roles it names, the owners of its fields, what it sets on a person."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import jsonschema_rs
from msgspec import Struct

from domain.conditions.pattern_cost import LINEAR, pattern_weight
from domain.core.events import PUBLIC
from domain.core.plain import PlainData
from domain.core.translatable import N_, Said, Words
from domain.rules.event_types import EventType, Office, event_type_of, field_titles, names_persons
from templates.checks.cost_check import check_length, check_pattern
from templates.checks.shape_check import check_shape
from templates.reading.event_shapes import EventTypeShape
from templates.reading.findings import closest, unknown_agency
from templates.reading.yaml_file import Document, Path
from templates.words.field_words import field_word

RESERVED = ("type", "time")
"""`event.type` and `event.time` are the event's own."""
_LITERALS: Mapping[str, tuple[type, ...]] = {
    "string": (str,),
    "date": (str,),
    "integer": (int,),
    "boolean": (bool,),
    "strings": (list,),
}
_NOBODY = N_("the event names nobody in the role {role!r}")


class Known(Struct, frozen=True):
    """The declarations of all packs together: agencies, and the attributes of a person (name -> type).

    `emergencies`: agency -> the categories in which it may warn of danger to life or limb; `offices`: agency -> what
    messages call it. Not `complete`: a pack.yaml could not be read, so what is missing may be in it.
    """

    agencies: frozenset[str]
    attributes: Mapping[str, str]
    complete: bool = True
    emergencies: Mapping[str, frozenset[str]] = {}
    offices: Mapping[str, Office] = {}


def check_event_type(document: Document, known: Known) -> EventType | None:
    """Report what is wrong with an event type; None where its shape is too wrong to go on."""
    if document.data is None or check_shape(document, EventTypeShape):
        return None
    check = _Check(document, known)
    if not check.schema():
        return None
    type_ = event_type_of(document.data)
    check.rest(type_)
    return type_


class _Check:
    def __init__(self, document: Document, known: Known) -> None:
        self.document, self.known = document, known
        self.content: dict[str, Any] = document.data

    def _value(self, path: Path, message: Said, name: str = "", known: Iterable[str] = ()) -> None:
        self.document.note(path, message, closest(name, known))

    def _key(self, path: Path, message: Said, known: Iterable[str] = ()) -> None:
        self.document.note(path, message, closest(str(path[-1]), known), key=True)

    def schema(self) -> bool:
        """Check the JSON Schema; return True if fields can be read from it."""
        before = len(self.document.report)
        self._object(("data",), self.content["data"])
        if len(self.document.report) == before:
            self._patterns()
        return len(self.document.report) == before

    def _patterns(self) -> None:
        together = 0
        for path, prop in _all(("data",), self.content["data"]):
            if "pattern" in prop:
                together += pattern_weight(prop["pattern"])
                if not check_pattern(self.document, path, prop, together):
                    return
            try:
                jsonschema_rs.Draft202012Validator(dict(prop), pattern_options=LINEAR)
            except ValueError:  # jsonschema_rs.ValidationError is one
                at = (*path, "pattern") if "pattern" in prop else path
                message = Said(
                    "this is no pattern that a field may have: it has a mistake, or looks around as (?=…) does"
                )
                self._value(at, message)
            else:
                check_length(self.document, path, prop)

    def _object(self, path: Path, schema: Mapping[str, Any]) -> None:
        properties = schema.get("properties", {})
        for at, name in enumerate(schema.get("required", ())):
            if name not in properties:
                message = Words("{name} is required but not among the properties", name=name)
                self._value((*path, "required", at), message, name, properties)
        for name, prop in properties.items():
            self._property((*path, "properties", name), prop)

    def _property(self, path: Path, prop: Mapping[str, Any]) -> None:
        kind = prop["type"]
        if (kind == "array") != ("items" in prop) and not (isinstance(kind, list) and "array" in kind):
            self._value((*path, "type"), Said("an array, and only an array, says what its `items` are"))
        if kind == "object":
            self._object(path, prop)
        elif "properties" in prop or (isinstance(kind, list) and "object" in kind):
            self._value((*path, "type"), Said("a group of properties has `type: object`, and is never null"))
        if len(path) > 3 and "x-of" in prop:  # noqa: PLR2004  (data, properties, name)
            told = Said("only a property of the first level says whose it is, with all that is in it")
            self._key((*path, "x-of"), told)
        if len(path) > 3 and names_persons(prop) is not None:  # noqa: PLR2004  (as above)
            self._value(path, Said("persons are named at the first level of the data only"))

    def rest(self, type_: EventType) -> None:
        """Report what does not fit together."""
        if type_.agency not in self.known.agencies and self.known.complete:
            self._value(
                ("agency",), unknown_agency(type_.agency, self.known.agencies), type_.agency, self.known.agencies
            )
        singles = [role for role, several in type_.roles.items() if not several]
        for name, prop in type_.schema["properties"].items():
            self._owner(("data", "properties", name), prop, singles)
            if name in RESERVED or name == type_.subject:
                taken = Words("{name} is taken: event.{name} means something else", name=name)
                self._key(("data", "properties", name), taken)
        self._area(type_)
        self._forbidden(type_)
        self._titles(type_)
        for role, attributes in (self.content.get("sets") or {}).items():
            if role not in type_.roles:
                self._key(("sets", role), Words(_NOBODY, role=role), type_.roles)
            for attribute, value in attributes.items():
                self._setting(type_, ("sets", role, attribute), value)

    def _titles(self, type_: EventType) -> None:
        """Warn of fields that pages could only show by their key."""
        titled = field_titles(type_.schema)
        for path in (*type_.fields, *(role for role in type_.roles if role != type_.subject)):
            if path not in titled and not field_word(path):
                place = ("data", *(part for name in path.split(".") for part in ("properties", name)))
                message = Words(
                    "{field} has no name for people, so pages show its key: write x-title: {{language: words}}",
                    field=path,
                )
                self.document.note(place, message, warning=True, key=True)

    def _owner(self, path: Path, prop: Mapping[str, Any], singles: list[str]) -> None:
        if "x-of" not in prop:
            return
        owner = prop["x-of"]
        if names_persons(prop) is not None:
            self._key((*path, "x-of"), Said("a property that names a person belongs to nobody"))
        elif owner not in (*singles, PUBLIC):
            message = Words(
                "a field belongs to {public} or to a role of one person, and {owner!r} is none",
                public=PUBLIC,
                owner=owner,
            )
            self._value((*path, "x-of"), message, owner, (*singles, PUBLIC))

    def _area(self, type_: EventType) -> None:
        if type_.area is None:
            if type_.subject is None:
                told = Said("an event without a subject is about an area: say `area: event.<field>`")
                self._value(("subject",), told)
        elif type_.subject is not None:
            self._key(("area",), Said("only an event with `subject: none` is about an area"))
        elif _kind(type_, type_.area) != "string":
            message = Words("{field!r} is no text field of the event", field=type_.area)
            self._value(("area",), message, type_.area, _paths(type_))

    def _forbidden(self, type_: EventType) -> None:
        for path, _ in _all(("data",), self.content["data"]):
            if path[-2] == "properties" and path[-1] in type_.forbidden:
                message = Words("{name} is forbidden here, so it cannot be a property as well", name=path[-1])
                self._key(path, message)

    def _setting(self, type_: EventType, path: Path, value: PlainData) -> None:
        attribute = str(path[-1])
        if (kind := self.known.attributes.get(attribute)) is None:
            if self.known.complete:
                message = Words("no pack declares the attribute {name!r}", name=attribute)
                self._key(path, message, self.known.attributes)
        elif isinstance(value, str):
            self._from_field(type_, path, value, kind)
        elif isinstance(value, list):
            self._from_roles(type_, path, value, kind)
        elif not (value["value"] is None or isinstance(value["value"], _LITERALS[kind])):
            self._value((*path, "value"), Words("{name} is of type {kind}", name=attribute, kind=kind))

    def _from_field(self, type_: EventType, path: Path, field: str, kind: str) -> None:
        if (found := _kind(type_, field)) is None:
            message = Words("{field!r} is no field of the event", field=field)
            self._value(path, message, field, _paths(type_))
        elif found != kind:
            message = Words(
                "{name} is of type {kind}, {field} is of type {other}",
                name=path[-1],
                kind=kind,
                field=field,
                other=found,
            )
            self._value(path, message)

    def _from_roles(self, type_: EventType, path: Path, roles: list[str], kind: str) -> None:
        if kind != "strings":
            message = Words(
                "{name} is of type {kind}; persons go only into one of type strings", name=path[-1], kind=kind
            )
            self._value(path, message)
        for at, role in enumerate(roles):
            if role not in type_.roles:
                self._value((*path, at), Words(_NOBODY, role=role), role, type_.roles)


def _all(path: Path, schema: Mapping[str, Any]) -> Iterator[tuple[Path, Mapping[str, Any]]]:
    for name, prop in schema.get("properties", {}).items():
        inner = (*path, "properties", name)
        yield inner, prop
        yield from _all(inner, prop)
        if "items" in prop:
            yield (*inner, "items"), prop["items"]


def _paths(type_: EventType) -> list[str]:
    return [f"event.{name}" for name in type_.variables()]


def _kind(type_: EventType, path: str) -> str | None:
    root, _, name = path.partition(".")
    return type_.variables().get(name) if root == "event" else None
