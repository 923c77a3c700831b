"""Compiles triggers from plain data (trigger.yaml after its shape was checked) against the catalogue."""

from collections.abc import Callable, Iterable, Mapping
from functools import wraps
from typing import Any, Concatenate, Literal, ParamSpec, TypeVar, cast

from domain.benefits import PERSON
from domain.built_in import DIGEST
from domain.conditions import Condition
from domain.event_types import Catalogue, EventType
from domain.parts import condition_at, offset_at, prefixed, type_at
from domain.timing import Offset, parse_clock, parse_span
from domain.together import Count, Needs, With
from domain.triggers import (
    COMPLETE,
    CORRECTION,
    RESIDENTS,
    BadTrigger,
    Expiry,
    Repeat,
    Series,
    Step,
    Trigger,
    Turn,
    Unless,
)

ENTITLED = {"entitled.from": "date", "entitled.until": "date"}
"""What a trigger on becoming entitled, or on ceasing to be, may read: the first day, and the day it is over."""

ONCE = "person"
"""The `occurrence` of a trigger that speaks once to each person."""

_OF_EVENTS = ("with", "in_order", "count")
"""The keys that set events in relation to the one that a trigger starts on."""

P = ParamSpec("P")
R = TypeVar("R")


def compile_trigger(name: str, content: Mapping[str, Any], catalogue: Catalogue) -> Trigger:
    """Compile a trigger from plain data (trigger.yaml after its shape was checked).

    Raises:
        BadTrigger: an unknown event type, role or field, or a condition that does not compile; everything else that
            is wrong is among its `others`.
    """
    compiler = _Compiler(name, content, catalogue)
    trigger = compiler.trigger()
    if compiler.bad:
        first, *others = compiler.bad
        first.others = tuple(others)
        raise first
    return trigger


def _collected(method: Callable[Concatenate["_Compiler", P], R]) -> Callable[Concatenate["_Compiler", P], R]:
    """The method, with what is bad kept for the end, so that the rest of the trigger is looked at too."""

    @wraps(method)
    def attempt(compiler: "_Compiler", /, *args: P.args, **kwargs: P.kwargs) -> R:
        try:
            return method(compiler, *args, **kwargs)
        except BadTrigger as bad:
            compiler.bad.append(bad)
            return cast("R", None)  # never used: a trigger with anything bad is not given out

    return attempt


class _Compiler:
    def __init__(self, name: str, content: Mapping[str, Any], catalogue: Catalogue) -> None:
        self.name, self.content, self.catalogue = name, content, catalogue
        self.bad: list[BadTrigger] = []
        self.turn = self._turn()
        self.type = self._type(("on",), content["on"] if self.turn is None else self.turn.benefit.on)
        self.variables = prefixed("event", self.type) | catalogue.citizen_variables()
        self.variables |= catalogue.parameter_variables() | (ENTITLED if self.turn else {})

    @_collected
    def trigger(self) -> Trigger:
        content = self.content
        if self.name == DIGEST:
            raise BadTrigger(
                ("title",), f"{DIGEST!r} is the name of the platform's own trigger; name the folder otherwise"
            )
        return Trigger(
            name=self.name, owner=content["owner"], category=content["category"], klass=content["class"],
            on=self.type.name, turn=self.turn, when=self._condition(("when",), content.get("when"), self.variables),
            to=self._recipients(), occurrence=self._occurrence(), steps=self._steps(), unless=self._unless(),
            expiry=self._expiry(), catch_up=content.get("catch_up", "latest"), channels=tuple(content["channels"]),
            minors=content.get("minors", "guardians"), corrects=bool(content.get("correction")), content=content,
            needs=self._needs(), once=content.get("occurrence") in (ONCE, [ONCE]),
            residents_at=self._residents_at(),
        )  # fmt: skip

    def _turn(self) -> Turn | None:
        if isinstance(self.content["on"], str):
            return None
        [(edge, name)] = self.content["on"].items()
        if (benefit := self.catalogue.benefits.get(name)) is None:
            raise BadTrigger(("on", edge), f"no benefit is called {name!r}")
        if benefit.on == PERSON:
            raise BadTrigger(("on", edge), f"{name!r} is about no event; start on the event that changes it")
        return Turn(benefit, edge == "becomes")

    def _type(self, path: tuple[str | int, ...], name: str) -> EventType:
        return type_at(path, name, self.catalogue)

    @_collected
    def _condition(
        self, path: tuple[str | int, ...], text: str | None, variables: Mapping[str, str]
    ) -> Condition | None:
        return None if text is None else condition_at(path, text, variables)

    def _recipients(self) -> frozenset[str]:
        whose = self.turn.benefit.to if self.turn else None
        to = _listed(self.content.get("to") or whose or ("subject" if self.type.subject else RESIDENTS))
        if self.type.subject is None and to == (RESIDENTS,):
            return frozenset()
        roles = frozenset(self.type.subject or role if role == "subject" else role for role in to)
        for role in sorted(roles - self.type.roles.keys()):
            self.bad.append(BadTrigger(("to",), f"{self.type.name} names nobody in the role {role!r}"))
        if whose is not None and roles != {whose} and roles <= self.type.roles.keys():
            problem = f"the benefit is that of the {whose}, so nobody else is told of it"
            self.bad.append(BadTrigger(("to",), problem))
        return roles

    @_collected
    def _residents_at(self) -> Literal["event", "due"]:
        found: Literal["event", "due"] = self.content.get("residents_at", "event")
        if "residents_at" in self.content and self.type.subject is not None:
            raise BadTrigger(
                ("residents_at",), f"{self.type.name} is about persons; only an area event has residents"
            )
        return found

    def _occurrence(self) -> tuple[str, ...]:
        paths = _listed(self.content.get("occurrence") or ())
        if paths == (ONCE,):
            return ()
        if ONCE in paths:
            self.bad.append(BadTrigger(("occurrence",), f"{ONCE!r} means once a person, so it stands alone"))
            return ()
        return tuple(self._field(("occurrence",), path) for path in paths)

    @_collected
    def _field(self, where: tuple[str | int, ...], path: str) -> str:
        return self._path(where, path, ("event",))

    def _path(self, where: tuple[str | int, ...], path: str, roots: tuple[str, ...]) -> str:
        if path.partition(".")[0] not in roots or path not in self.variables:
            raise BadTrigger(where, f"{path!r} is no field of {self.type.name}")
        return path

    @_collected
    def _date(self, where: tuple[str | int, ...], path: str) -> str:
        if path == COMPLETE and not self.content.get("with"):
            raise BadTrigger(where, f"{COMPLETE!r} is when all of `with` is there, and this trigger has none")
        if path in ("event.time", COMPLETE):
            return path
        if self.variables.get(self._path(where, path, ("event", "citizen", "entitled"))) != "date":
            raise BadTrigger(where, f"{path!r} is no date")
        return path

    def _steps(self) -> tuple[Step, ...]:
        smooth = self._smooth(("smooth",), self.content.get("smooth", "PT0S"))
        return tuple(self._step(name, step or {}, smooth) for name, step in self.content["due"].items())

    @_collected
    def _step(self, name: str, step: Mapping[str, Any], smooth: int) -> Step:
        where = ("due", name)
        if name == CORRECTION:
            raise BadTrigger(where, "'correction' is the name of the platform's own step; choose another")
        clock = step.get("at")
        return Step(
            name, self._date((*where, "from"), step.get("from") or self._start()),
            self._offset((*where, "offset"), step.get("offset", "P0D")),
            None if clock is None else parse_clock(clock),
            self._condition((*where, "when"), step.get("when"), self.variables),
            self._series(where, step),
            self._smooth((*where, "smooth"), step["smooth"]) if "smooth" in step else smooth,
        )  # fmt: skip

    def _series(self, where: tuple[str | int, ...], step: Mapping[str, Any]) -> Series | None:
        days, repeat = self._working_days(where, step), self._repeat(where, step.get("repeat"))
        found = Series(days, step.get("on_working_day"), repeat)
        return None if found == Series() else found

    @_collected
    def _working_days(self, where: tuple[str | int, ...], step: Mapping[str, Any]) -> int:
        if not step.get("working_days"):
            return 0
        offset = self._offset((*where, "offset"), step.get("offset", "P0D"))
        if offset.months or offset.days:
            problem = "working days and the days of an offset exclude each other: say one of them"
            raise BadTrigger((*where, "working_days"), problem)
        return int(step["working_days"])

    def _repeat(self, where: tuple[str | int, ...], repeat: Mapping[str, Any] | None) -> Repeat | None:
        if repeat is None:
            return None
        every = self._offset((*where, "repeat", "every"), repeat["every"])
        return Repeat(every, repeat["at_most"], repeat.get("until") is not None)

    def _needs(self) -> Needs | None:
        if self.turn is not None:
            problem = "an entitlement is no event; say it in the conditions of the benefit"
            self.bad += [BadTrigger((key,), problem) for key in _OF_EVENTS if self.content.get(key)]
            return None
        found = Needs(self._together(), self._in_order(), self._count())
        return None if found == Needs() else found

    def _together(self) -> tuple[With, ...]:
        return tuple(self._with(at, each) for at, each in enumerate(self.content.get("with") or ()))

    @_collected
    def _with(self, at: int, each: Mapping[str, Any]) -> With:
        later = self._type(("with", at, "on"), each["on"])
        if later.subject is None:
            raise BadTrigger(("with", at, "on"), f"{later.name} is about an area; `with` needs events about people")
        variables = self.variables | prefixed("later", later)
        return With(
            later.name, self._condition(("with", at, "when"), each.get("when"), variables),
            self._offset(("with", at, "within"), each["within"]), each.get("order", "any"),
        )  # fmt: skip

    def _start(self) -> str:
        if self.turn is None:
            return COMPLETE if self.content.get("with") else "event.time"
        return "entitled.from" if self.turn.becomes else "entitled.until"

    @_collected
    def _in_order(self) -> bool:
        if self.content.get("in_order") and len(self.content.get("with") or ()) <= 1:
            raise BadTrigger(("in_order",), "in_order is about two entries of `with` or more")
        return bool(self.content.get("in_order"))

    def _count(self) -> Count | None:
        if (count := self.content.get("count")) is None:
            return None
        return Count(count["nth"], self._offset(("count", "within"), count["within"]))

    @_collected
    def _offset(self, where: tuple[str | int, ...], text: str) -> Offset:
        return offset_at(where, text)

    @_collected
    def _smooth(self, where: tuple[str | int, ...], text: str) -> int:
        try:
            return parse_span(text)
        except ValueError as error:
            raise BadTrigger(where, str(error)) from None

    def _unless(self) -> tuple[Unless, ...]:
        return tuple(self._prevention(at, each) for at, each in enumerate(self.content.get("unless") or ()))

    @_collected
    def _prevention(self, at: int, each: Mapping[str, Any]) -> Unless:
        later = self._type(("unless", at, "on"), each["on"])
        variables = self.variables | prefixed("later", later)
        return Unless(
            later.name,
            self._condition(("unless", at, "when"), each.get("when"), variables),
            self._offset(("unless", at, "grace"), each.get("grace", "P0D")),
        )

    @_collected
    def _expiry(self) -> Expiry | None:
        if (text := self.content.get("expires")) is None:
            return None
        if text == "event.time":
            raise BadTrigger(
                ("expires",), "'event.time' is no date; write an offset after the due time, such as P14D"
            )
        if text.startswith(("event.", "citizen.", "entitled.")):
            return Expiry(self._date(("expires",), text), None)
        return Expiry(None, self._offset(("expires",), text))


def _listed(value: str | Iterable[str]) -> tuple[str, ...]:
    return (value,) if isinstance(value, str) else tuple(value)
