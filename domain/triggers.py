"""Triggers: a service owner's rule, compiled from plain data against the catalogue of event types."""

from collections.abc import Iterable, Mapping
from datetime import date, datetime, time, timedelta
from functools import cached_property
from typing import Any, Literal
from zoneinfo import ZoneInfo

from msgspec import Struct

from domain.conditions import BadCondition, Condition, Conditions
from domain.event_types import Catalogue, EventType
from domain.timing import (
    Offset,
    at_local,
    end_of_day,
    parse_clock,
    parse_offset,
    shift,
    shift_day,
)

Class = Literal["legal", "service", "reminder", "offer"]
CLASSES: tuple[Class, ...] = ("legal", "service", "reminder", "offer")
"""What overrides preferences and caps, and who goes first when several nudges are due at once."""

MORNING = time(9)
EXPIRES_AFTER = timedelta(days=30)
CORRECTION = "correction"
"""The step that puts right what was sent and is no longer so."""

Values = Mapping[str, Any]


class BadTrigger(ValueError):
    """A trigger that cannot be compiled: `path` names the key, `line` and `column` lie in its text."""

    def __init__(self, path: tuple[str | int, ...], problem: str, line: int = 1, column: int = 1) -> None:
        super().__init__(f"{'.'.join(map(str, path))}: {problem}")
        self.path, self.problem, self.line, self.column = path, problem, line, column


class Step(Struct, frozen=True):
    """One message of an occurrence: `source` (event.time, or a date) moved by `offset`, at a local time."""

    name: str
    source: str
    offset: Offset
    clock: time | None
    when: Condition | None

    def due(self, values: Values, zone: ZoneInfo) -> datetime | None:
        """When the step is nominally due, in UTC; None where its date is missing or it does not apply."""
        if self.when is not None and not self.when.holds(values):
            return None
        if (start := values.get(self.source)) is None:
            return None
        if isinstance(start, datetime):
            return self._from_moment(start, zone)
        day = shift_day(date.fromisoformat(start), self.offset)
        due = at_local(day, self.clock or MORNING, zone)
        return due + timedelta(seconds=self.offset.seconds) if self.offset.seconds else due

    def _from_moment(self, start: datetime, zone: ZoneInfo) -> datetime:
        moved = shift(start, self.offset, zone)
        return moved if self.clock is None else at_local(moved.astimezone(zone).date(), self.clock, zone)


class Unless(Struct, frozen=True):
    """The thing itself happened: an event of type `on` for which `when` holds; with `grace`, late reports count."""

    on: str
    when: Condition | None
    grace: Offset


class Expiry(Struct, frozen=True):
    """Until when a nudge makes sense: the end of the local day of a date, or an offset after its due time."""

    source: str | None
    offset: Offset | None

    def after(self, due: datetime, values: Values, zone: ZoneInfo) -> datetime | None:
        """The moment from which the nudge is worth nothing, in UTC; None where its date is missing."""
        if self.offset is not None:
            return shift(due, self.offset, zone)
        day = values.get(self.source or "")
        return None if day is None else end_of_day(date.fromisoformat(day), zone)


class Trigger(Struct, frozen=True, kw_only=True, dict=True):
    """A compiled trigger; `content` is the plain data that it was compiled from (and that `why` shows)."""

    name: str
    owner: str
    category: str
    klass: Class
    on: str
    when: Condition | None
    to: frozenset[str]
    occurrence: tuple[str, ...]
    steps: tuple[Step, ...]
    unless: tuple[Unless, ...]
    expiry: Expiry | None
    catch_up: Literal["latest", "all", "none"]
    channels: tuple[str, ...]
    minors: Literal["guardians", "self"]
    corrects: bool
    content: Mapping[str, Any]

    @cached_property
    def patient(self) -> bool:
        """Whether it waits for late reports."""
        return any(unless.grace for unless in self.unless)

    def expires(self, due: datetime, values: Values, zone: ZoneInfo) -> datetime | None:
        """When a nudge due then expires: as the trigger says, else 30 days later; a legal one never does."""
        if self.expiry is not None:
            return self.expiry.after(due, values, zone)
        return None if self.klass == "legal" else due + EXPIRES_AFTER


def compile_trigger(name: str, content: Mapping[str, Any], catalogue: Catalogue) -> Trigger:
    """Compile a trigger from plain data (trigger.yaml after its shape was checked).

    Raises:
        BadTrigger: an unknown event type, role or field, or a condition that does not compile.
    """
    return _Compiler(name, content, catalogue).trigger()


class _Compiler:
    def __init__(self, name: str, content: Mapping[str, Any], catalogue: Catalogue) -> None:
        self.name, self.content, self.catalogue = name, content, catalogue
        self.type = self._type(("on",), content["on"])
        self.variables = _prefixed("event", self.type) | catalogue.citizen_variables()

    def trigger(self) -> Trigger:
        content = self.content
        return Trigger(
            name=self.name, owner=content["owner"], category=content["category"], klass=content["class"],
            on=content["on"], when=self._condition(("when",), content.get("when"), self.variables),
            to=self._recipients(), occurrence=self._occurrence(), steps=self._steps(), unless=self._unless(),
            expiry=self._expiry(), catch_up=content.get("catch_up", "latest"), channels=tuple(content["channels"]),
            minors=content.get("minors", "guardians"), corrects=bool(content.get("correction")), content=content,
        )  # fmt: skip

    def _type(self, path: tuple[str | int, ...], name: str) -> EventType:
        if (found := self.catalogue.types.get(name)) is None:
            raise BadTrigger(path, f"no event type is called {name!r}")
        return found

    def _condition(
        self, path: tuple[str | int, ...], text: str | None, variables: Mapping[str, str]
    ) -> Condition | None:
        if text is None:
            return None
        try:
            return Conditions(variables).compile(text)
        except BadCondition as bad:
            raise BadTrigger(path, bad.problem, bad.line, bad.column) from None

    def _recipients(self) -> frozenset[str]:
        to = _listed(self.content.get("to") or "subject")
        roles = frozenset(self.type.subject or role if role == "subject" else role for role in to)
        for role in roles:
            if role not in self.type.roles:
                raise BadTrigger(("to",), f"{self.type.name} names nobody in the role {role!r}")
        return roles

    def _occurrence(self) -> tuple[str, ...]:
        paths = _listed(self.content.get("occurrence") or ())
        return tuple(self._path(("occurrence",), path, ("event",)) for path in paths)

    def _path(self, where: tuple[str | int, ...], path: str, roots: tuple[str, ...]) -> str:
        if path.partition(".")[0] not in roots or path not in self.variables:
            raise BadTrigger(where, f"{path!r} is no field of {self.type.name}")
        return path

    def _date(self, where: tuple[str | int, ...], path: str) -> str:
        if path == "event.time":
            return path
        if self.variables.get(self._path(where, path, ("event", "citizen"))) != "date":
            raise BadTrigger(where, f"{path!r} is no date")
        return path

    def _steps(self) -> tuple[Step, ...]:
        return tuple(self._step(name, step or {}) for name, step in self.content["due"].items())

    def _step(self, name: str, step: Mapping[str, Any]) -> Step:
        where = ("due", name)
        clock = step.get("at")
        return Step(
            name, self._date((*where, "from"), step.get("from", "event.time")),
            self._offset((*where, "offset"), step.get("offset", "P0D")),
            None if clock is None else parse_clock(clock),
            self._condition((*where, "when"), step.get("when"), self.variables),
        )  # fmt: skip

    def _offset(self, where: tuple[str | int, ...], text: str) -> Offset:
        try:
            return parse_offset(text)
        except ValueError as error:
            raise BadTrigger(where, str(error)) from None

    def _unless(self) -> tuple[Unless, ...]:
        return tuple(self._prevention(at, each) for at, each in enumerate(self.content.get("unless") or ()))

    def _prevention(self, at: int, each: Mapping[str, Any]) -> Unless:
        later = self._type(("unless", at, "on"), each["on"])
        variables = self.variables | _prefixed("later", later)
        return Unless(
            later.name,
            self._condition(("unless", at, "when"), each.get("when"), variables),
            self._offset(("unless", at, "grace"), each.get("grace", "P0D")),
        )

    def _expiry(self) -> Expiry | None:
        if (text := self.content.get("expires")) is None:
            return None
        if text.startswith(("event.", "citizen.")):
            return Expiry(self._date(("expires",), text), None)
        return Expiry(None, self._offset(("expires",), text))


def _prefixed(prefix: str, type_: EventType) -> dict[str, str]:
    return {f"{prefix}.{name}": kind for name, kind in type_.variables().items()}


def _listed(value: str | Iterable[str]) -> tuple[str, ...]:
    return (value,) if isinstance(value, str) else tuple(value)
