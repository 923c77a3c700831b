"""Compiles triggers from plain data (trigger.yaml after its shape was checked) against the catalogue."""

from collections.abc import Iterable, Mapping
from typing import Any

from domain.benefits import PERSON
from domain.conditions import Condition
from domain.event_types import Catalogue, EventType
from domain.parts import condition_at, offset_at, prefixed, type_at
from domain.timing import Offset, parse_clock
from domain.triggers import CORRECTION, RESIDENTS, BadTrigger, Expiry, Step, Trigger, Turn, Unless

ENTITLED = {"entitled.from": "date", "entitled.until": "date"}
"""What a trigger on becoming entitled, or on ceasing to be, may read: the first day, and the day it is over."""


def compile_trigger(name: str, content: Mapping[str, Any], catalogue: Catalogue) -> Trigger:
    """Compile a trigger from plain data (trigger.yaml after its shape was checked).

    Raises:
        BadTrigger: an unknown event type, role or field, or a condition that does not compile.
    """
    return _Compiler(name, content, catalogue).trigger()


class _Compiler:
    def __init__(self, name: str, content: Mapping[str, Any], catalogue: Catalogue) -> None:
        self.name, self.content, self.catalogue = name, content, catalogue
        self.turn = self._turn()
        self.type = self._type(("on",), content["on"] if self.turn is None else self.turn.benefit.on)
        self.variables = prefixed("event", self.type) | catalogue.citizen_variables()
        self.variables |= catalogue.parameter_variables() | (ENTITLED if self.turn else {})

    def trigger(self) -> Trigger:
        content = self.content
        return Trigger(
            name=self.name, owner=content["owner"], category=content["category"], klass=content["class"],
            on=self.type.name, turn=self.turn, when=self._condition(("when",), content.get("when"), self.variables),
            to=self._recipients(), occurrence=self._occurrence(), steps=self._steps(), unless=self._unless(),
            expiry=self._expiry(), catch_up=content.get("catch_up", "latest"), channels=tuple(content["channels"]),
            minors=content.get("minors", "guardians"), corrects=bool(content.get("correction")), content=content,
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
        for role in roles:
            if role not in self.type.roles:
                raise BadTrigger(("to",), f"{self.type.name} names nobody in the role {role!r}")
        if whose is not None and roles != {whose}:
            raise BadTrigger(("to",), f"the benefit is that of the {whose}, so nobody else is told of it")
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
        if self.variables.get(self._path(where, path, ("event", "citizen", "entitled"))) != "date":
            raise BadTrigger(where, f"{path!r} is no date")
        return path

    def _steps(self) -> tuple[Step, ...]:
        return tuple(self._step(name, step or {}) for name, step in self.content["due"].items())

    def _step(self, name: str, step: Mapping[str, Any]) -> Step:
        where = ("due", name)
        if name == CORRECTION:
            raise BadTrigger(where, "'correction' is the name of the platform's own step; choose another")
        clock = step.get("at")
        return Step(
            name, self._date((*where, "from"), step.get("from") or self._start()),
            self._offset((*where, "offset"), step.get("offset", "P0D")),
            None if clock is None else parse_clock(clock),
            self._condition((*where, "when"), step.get("when"), self.variables),
        )  # fmt: skip

    def _start(self) -> str:
        if self.turn is None:
            return "event.time"
        return "entitled.from" if self.turn.becomes else "entitled.until"

    def _offset(self, where: tuple[str | int, ...], text: str) -> Offset:
        return offset_at(where, text)

    def _unless(self) -> tuple[Unless, ...]:
        return tuple(self._prevention(at, each) for at, each in enumerate(self.content.get("unless") or ()))

    def _prevention(self, at: int, each: Mapping[str, Any]) -> Unless:
        later = self._type(("unless", at, "on"), each["on"])
        variables = self.variables | prefixed("later", later)
        return Unless(
            later.name,
            self._condition(("unless", at, "when"), each.get("when"), variables),
            self._offset(("unless", at, "grace"), each.get("grace", "P0D")),
        )

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
