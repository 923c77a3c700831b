"""Common parts of the compilers of a trigger's sections: its fields, dates, conditions and offsets."""

import re
from collections.abc import Mapping
from typing import Any

from domain.conditions.language import Condition
from domain.core.timing import Offset
from domain.core.translatable import Said, Words
from domain.rules.errors import BadTrigger
from domain.rules.event_types import ALONE, PERSON, Catalogue, EventType
from domain.rules.parts import Collector, collected, condition_at, offset_at, prefixed, type_at
from domain.rules.triggers import EntitlementEdge

ENTITLED = {"entitled.from": "date", "entitled.until": "date"}
"""The values for triggers that start on a gain or loss of entitlement: the first day, and the day it is over."""

NO_EVENT = Said("the benefit is about the person alone, so no event starts this, and there is none to read")
_OF_AN_EVENT = re.compile(r"there is no field ('event(?:\..*)?')")


class CompilerBase(Collector):
    """Fields, dates, conditions and offsets of a trigger, checked.

    `type` and `variables`: the event type that it starts on, and what its conditions may read (name -> type).
    """

    def __init__(self, name: str, content: Mapping[str, Any], catalogue: Catalogue) -> None:
        super().__init__()
        self.name, self.content, self.catalogue = name, content, catalogue
        self.entitlement = self._entitlement()
        self.type = self._started()
        self.variables = prefixed("event", self.type) | catalogue.citizen_variables()
        self.variables |= catalogue.parameter_variables() | (ENTITLED if self.entitlement else {})

    def _entitlement(self) -> EntitlementEdge | None:
        if isinstance(self.content["on"], str):
            return None
        [(edge, name)] = self.content["on"].items()
        if (benefit := self.catalogue.benefits.get(name)) is None:
            raise BadTrigger(("on", edge), Words("no benefit is called {name!r}", name=name))
        return EntitlementEdge(benefit, edge == "becomes")

    def _started(self) -> EventType:
        on = self.content["on"] if self.entitlement is None else self.entitlement.benefit.on
        return ALONE if self.entitlement is not None and on == PERSON else self._type(("on",), on)

    @property
    def alone(self) -> bool:
        """Return True if no event starts it, because its benefit is about the person alone."""
        return self.type is ALONE

    def _type(self, path: tuple[str | int, ...], name: str) -> EventType:
        return type_at(path, name, self.catalogue)

    @collected
    def _condition(
        self, path: tuple[str | int, ...], text: str | None, variables: Mapping[str, str]
    ) -> Condition | None:
        try:
            return None if text is None else condition_at(path, text, variables)
        except BadTrigger as bad:
            if self.alone and (undeclared := _OF_AN_EVENT.match(bad.problem)):
                raise BadTrigger(
                    path, Words("{name}: {error}", name=undeclared[1], error=NO_EVENT), bad.line, bad.column
                ) from None
            raise

    def _path(self, where: tuple[str | int, ...], path: str, roots: tuple[str, ...]) -> str:
        if self.alone and path.startswith("event."):
            raise BadTrigger(where, Words("{name}: {error}", name=repr(path), error=NO_EVENT))
        if path.partition(".")[0] not in roots or path not in self.variables:
            raise BadTrigger(where, Words("{path!r} is no field of {name}", path=path, name=self.type.name))
        return path

    @collected
    def _offset(self, where: tuple[str | int, ...], text: str) -> Offset:
        return offset_at(where, text)
