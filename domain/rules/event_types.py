"""Event types: what an event of a kind carries, whom it names, and what it sets on a person."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from functools import cached_property
from typing import Any

from msgspec import Struct

from domain.core.events import PUBLIC
from domain.core.plain import PlainData
from domain.core.timing import UTC, Offset, parse_offset, shift
from domain.core.translatable import Titles
from domain.rules.benefits import Benefit
from domain.rules.parameters import Parameter

HOME, ZONE = "citizen.area", "citizen.zone"
"""The attributes in which somebody lives: an area, and a time zone."""


NATIONAL_ID = "national-id"
JSON_TYPES = {"string": "string", "integer": "integer", "number": "number", "boolean": "boolean"}

ANY = "any"
"""In place of a bound: events of the type may lie as far in the future as they like."""
USUAL_AHEAD = "PT15H"
"""The time by which an event may be dated ahead of our clock unless its type says otherwise.

Local time that was sent as UTC is at most 14 hours ahead (UTC+14 is the largest offset of a time zone), and clocks
differ by minutes. A clock that is a day ahead is refused.
"""


class Field(Struct, frozen=True):
    """A value of an event. `type`: string, date, integer, number, boolean or strings; `owner`: a role or PUBLIC."""

    type: str
    owner: str


class Setting(Struct, frozen=True):
    """A value that an event sets on a person: at a path (`event.born_on`), the persons of roles, or a literal."""

    attribute: str
    path: str | None = None
    roles: tuple[str, ...] = ()
    literal: Any = None


class EventType(Struct, frozen=True, kw_only=True):
    """A kind of life event.

    `subject`: the role of the CloudEvents subject, or None for an area event. `roles`: role -> may it name
    several persons. `fields`: dotted path -> Field. `sets`: role -> settings. `schema`: the JSON Schema of `data`.
    `forbidden`: names that no field of such an event may have, at any depth: an event that carries one is refused.
    `retention`: for how long after the year in which it happened its content can be read; None: for ever.
    `ahead`: how far ahead of our clock such an event may be dated when it is taken in; None: as far as it likes.
    `search_words`: language -> the everyday words by which lists of event types find it.
    """

    name: str
    title: Titles
    agency: str
    subject: str | None
    roles: Mapping[str, bool]
    fields: Mapping[str, Field]
    sets: Mapping[str, tuple[Setting, ...]]
    schema: Mapping[str, Any]
    ends_life: bool = False
    area: str | None = None
    forbidden: frozenset[str] = frozenset()
    retention: Offset | None = None
    ahead: Offset | None = parse_offset(USUAL_AHEAD)
    search_words: Mapping[str, Sequence[str]] = {}

    def latest(self, now: datetime) -> datetime | None:
        """Return the latest time that such an event may have when it is taken in now; None: any."""
        return None if self.ahead is None else shift(now, self.ahead, UTC)

    def variables(self) -> dict[str, str]:
        """Return dotted name -> type of all that conditions may read of such an event, without a prefix."""
        singles = {role: "string" for role, several in self.roles.items() if not several}
        return (
            {path: field.type for path, field in self.fields.items()}
            | singles
            | {"type": "string", "time": "instant"}
        )


PERSON = "person"
"""The `on` of a benefit that is about the person alone; event types have a dot, so none has this name."""


class _Alone(EventType, frozen=True):
    """In place of an event type, where a trigger starts on no event: there is somebody, and nothing of it to read."""

    def variables(self) -> dict[str, str]:
        return {}


ALONE = _Alone(
    name=PERSON,
    title={},
    agency="",
    subject="citizen",
    roles={"citizen": False},
    fields={},
    sets={},
    schema={"type": "object", "properties": {}},
)


class Office(Struct, frozen=True):
    """An agency as messages name it: `short` in an SMS, else `title`, by language; `emblem`: an icon, or empty."""

    short: Titles
    title: Titles
    emblem: str = ""


NO_OFFICE = Office({}, {})
"""An agency that no pack has."""


class Catalogue(Struct, frozen=True, dict=True):
    """The declarations of all packs together, by name.

    `attributes`: those of a person that event types may set, with their types; `area_levels`: how area codes nest;
    `emergencies`: agency -> the categories in which it may warn of danger to life or limb; `offices`: by agency.
    """

    types: Mapping[str, EventType]
    attributes: Mapping[str, str]
    area_levels: tuple[int, ...] = ()
    parameters: Mapping[str, Parameter] = {}
    benefits: Mapping[str, Benefit] = {}
    emergencies: Mapping[str, frozenset[str]] = {}
    offices: Mapping[str, Office] = {}

    @cached_property
    def limited(self) -> Mapping[str, Offset]:
        """Return the event types whose content is not to be read for ever, with their limits."""
        return {name: type_.retention for name, type_ in self.types.items() if type_.retention is not None}

    @cached_property
    def personal(self) -> frozenset[str]:
        """Return the event types that set something on a person or end a life."""
        return frozenset(name for name, type_ in self.types.items() if type_.sets or type_.ends_life)

    @property
    def kinds(self) -> Mapping[str, EventType]:
        """Return everything that a trigger may start on, by name: the event types, and the person alone."""
        return {**self.types, PERSON: ALONE}

    def citizen_variables(self) -> dict[str, str]:
        """Return dotted name -> type of everything that conditions may read of a person."""
        return {f"citizen.{name}": type_ for name, type_ in self.attributes.items()} | {"citizen.age": "integer"}

    def parameter_variables(self) -> dict[str, str]:
        """Return dotted name -> type of the law's parameters."""
        return {f"param.{name}": parameter.type for name, parameter in self.parameters.items()}


def event_type_of(content: Mapping[str, Any]) -> EventType:
    """Return the event type that a checked pack file (events/*.yaml as plain data) describes."""
    schema = content["data"]
    subject = None if content["subject"] == "none" else content["subject"]
    roles = {} if subject is None else {subject: False}
    fields: dict[str, Field] = {}
    for name, prop in schema.get("properties", {}).items():
        if (several := names_persons(prop)) is None:
            owner = prop.get("x-of", subject or PUBLIC)
            fields |= {path: Field(_type_of(leaf), owner) for path, leaf in _leaves(name, prop)}
        else:
            roles[name] = several
    return EventType(
        name=content["type"],
        title=content["title"],
        agency=content["agency"],
        subject=subject,
        roles=roles,
        fields=fields,
        sets=_sets_of(content.get("sets") or {}),
        schema=schema,
        ends_life=content.get("ends_life", False),
        area=content.get("area"),
        forbidden=frozenset(content.get("forbidden") or ()),
        retention=parse_offset(content["retention"]) if "retention" in content else None,
        ahead=None if (ahead := content.get("ahead", USUAL_AHEAD)) == ANY else parse_offset(ahead),
        search_words=content.get("search_words") or {},
    )


def field_titles(schema: Mapping[str, Any], group: str = "") -> dict[str, Titles]:
    """Return dotted path -> title for people by language, of the fields and roles that an event's schema titles."""
    found: dict[str, Titles] = {}
    for name, prop in schema.get("properties", {}).items():
        if "x-title" in prop:
            found[group + name] = prop["x-title"]
        found |= field_titles(prop, f"{group}{name}.")
    return found


def _leaves(path: str, prop: Mapping[str, Any]) -> Iterator[tuple[str, Mapping[str, Any]]]:
    if prop.get("type") != "object":
        yield path, prop
    for name, inner in prop.get("properties", {}).items():
        yield from _leaves(f"{path}.{name}", inner)


def names_persons(prop: Mapping[str, Any]) -> bool | None:
    """Return None for a property of `data` without national ids, False with one person's, True with several."""
    if prop.get("format") == NATIONAL_ID:
        return False
    return True if prop.get("items", {}).get("format") == NATIONAL_ID else None


def _type_of(prop: Mapping[str, Any]) -> str:
    declared = prop["type"]
    kind = next(each for each in declared if each != "null") if isinstance(declared, list) else declared
    if kind == "string" and prop.get("format") == "date":
        return "date"
    return "strings" if kind == "array" else JSON_TYPES[kind]


def _sets_of(sets: Mapping[str, Mapping[str, Any]]) -> dict[str, tuple[Setting, ...]]:
    return {
        role: tuple(_setting(attribute, value) for attribute, value in attributes.items())
        for role, attributes in sets.items()
    }


def _setting(attribute: str, value: PlainData) -> Setting:
    if isinstance(value, str):
        return Setting(attribute, path=value)
    if isinstance(value, list):
        return Setting(attribute, roles=tuple(value))
    return Setting(attribute, literal=value["value"])


def setting_types(catalogue: Catalogue, attributes: Iterable[str]) -> Iterator[str]:
    """Yield the event types that set any of those attributes on anybody."""
    wanted = set(attributes)
    for name, type_ in catalogue.types.items():
        if any(setting.attribute in wanted for settings in type_.sets.values() for setting in settings):
            yield name
