"""Compiles benefits from plain data (benefits.yaml) against the catalogue."""

from collections.abc import Mapping
from typing import Any

from msgspec.structs import replace

from domain.conditions.language import Amount
from domain.core.timing import Offset
from domain.core.translatable import Said, Words
from domain.rules.benefits import AlreadyHad, Benefit, Bound, Requirement
from domain.rules.errors import BadTrigger
from domain.rules.event_types import PERSON, Catalogue, EventType
from domain.rules.parts import (
    Collector,
    Path,
    amount_at,
    collected,
    condition_at,
    first_of,
    offset_at,
    prefixed,
    type_at,
)


class BadBenefit(BadTrigger):
    """A benefit that cannot be compiled: `path` names the key, `line` and `column` lie in its text."""


def compile_benefit(name: str, content: Mapping[str, Any], catalogue: Catalogue) -> Benefit:
    """Compile a benefit from plain data (an entry of benefits.yaml after its shape was checked).

    Raises:
        BadBenefit: an unknown event type, role, field or parameter, or a text that does not compile; everything else
            that is wrong is among its `others`.
    """
    try:
        compiler = _Compiler(name, content, catalogue)
        benefit = compiler.benefit()
        if compiler.bad:
            raise first_of(compiler.bad)
    except BadTrigger as bad:
        every = [BadBenefit((name, *each.path), each.problem, each.line, each.column) for each in (bad, *bad.others)]
        raise first_of(every) from None
    return benefit


def starts_on(on: object, catalogue: Catalogue) -> str | None:
    """Return the event type that a trigger's `on` starts on, named or its benefit's; None where that is unknown."""
    if isinstance(on, Mapping):
        benefits = [catalogue.benefits.get(str(name)) for name in on.values()]
        return benefits[0].on if benefits and benefits[0] is not None else None
    return on if isinstance(on, str) and on in catalogue.types else None


def with_benefits(catalogue: Catalogue, contents: Mapping[str, Mapping[str, Any]]) -> Catalogue:
    """Return the catalogue with these benefits, by name. Raises BadBenefit."""
    return replace(
        catalogue, benefits={name: compile_benefit(name, content, catalogue) for name, content in contents.items()}
    )


class _Compiler(Collector):
    def __init__(self, name: str, content: Mapping[str, Any], catalogue: Catalogue) -> None:
        super().__init__()
        self.name, self.content, self.catalogue = name, content, catalogue
        self.type = self._about()
        event = {} if self.type is None else prefixed("event", self.type)
        self.variables = event | catalogue.citizen_variables() | catalogue.parameter_variables()

    def _about(self) -> EventType | None:
        if (on := self.content["on"]) == PERSON:
            return None
        type_ = type_at(("on",), on, self.catalogue)
        if type_.subject is None:
            raise BadTrigger(("on",), Words("{event} is about an area, and a benefit is somebody's", event=on))
        return type_

    def benefit(self) -> Benefit:
        content = self.content
        return Benefit(
            name=self.name,
            title=content["title"],
            agency=content["agency"],
            clause=content["clause"],
            on=content["on"],
            to=self._to(),
            start=self._start(),
            until=self._until(),
            amount=self._amount(),
            conditions=tuple(self._condition(at, each) for at, each in enumerate(content.get("conditions") or ())),
            unless=tuple(self._had(at, each) for at, each in enumerate(content.get("unless") or ())),
            as_of_asked=content.get("amount_as_of") == "asked",
            per=content.get("per", "once"),
        )

    @collected
    def _to(self) -> str | None:
        to = self.content.get("to")
        if self.type is None:
            if to is not None:
                raise BadTrigger(("to",), Said("a benefit on the person alone is that person's"))
            return None
        role = self.type.subject if to in (None, "subject") else to
        if role is None or role not in self.type.roles:
            raise BadTrigger(("to",), Words("{name} names nobody in the role {role!r}", name=self.type.name, role=to))
        return str(role)

    @collected
    def _start(self) -> Bound | None:
        if (content := self.content.get("from")) is None:
            return None if self.type is None else Bound("event.time", Offset())
        return self._bound(("from",), content)

    @collected
    def _until(self) -> Bound | None:
        content = self.content.get("until")
        return None if content is None else self._bound(("until",), content)

    def _bound(self, path: Path, content: str | Mapping[str, Any]) -> Bound:
        if isinstance(content, str):
            return Bound(self._date(path, content), Offset())
        offset = offset_at((*path, "offset"), content.get("offset", "P0D"))
        if offset.seconds:
            problem = Said("entitlement goes by days; write an offset in days, months or years")
            raise BadTrigger((*path, "offset"), problem)
        return Bound(self._date((*path, "from"), content["from"]), offset)

    def _date(self, path: Path, name: str) -> str:
        if name == "event.time" and self.type is not None:
            return name
        if name.partition(".")[0] not in ("event", "citizen") or name not in self.variables:
            raise BadTrigger(path, Words("{path!r} is no field of {name}", path=name, name=self.content["on"]))
        if self.variables[name] != "date":
            raise BadTrigger(path, Words("{path!r} is no date", path=name))
        return name

    @collected
    def _condition(self, at: int, each: Mapping[str, Any]) -> Requirement:
        when = condition_at(("conditions", at, "when"), each["when"], self.variables)
        return Requirement(each["id"], when, each["title"], each.get("clause"))

    @collected
    def _had(self, at: int, each: Mapping[str, Any]) -> AlreadyHad:
        later = type_at(("unless", at, "on"), each["on"], self.catalogue)
        if (when := each.get("when")) is None:
            return AlreadyHad(later.name, None)
        variables = self.variables | prefixed("later", later)
        return AlreadyHad(later.name, condition_at(("unless", at, "when"), when, variables))

    @collected
    def _amount(self) -> Amount | None:
        text = self.content.get("amount")
        return None if text is None else amount_at(("amount",), text, self.variables)
