"""Benefits: named rules of the law, compiled from plain data (benefits.yaml) against the catalogue."""

from collections.abc import Mapping
from datetime import date, datetime
from functools import cached_property
from typing import Any, Literal
from zoneinfo import ZoneInfo

from msgspec import Struct
from msgspec.structs import replace

from domain.conditions.language import LATER, Amount, Condition
from domain.core.timing import Offset, shift_day
from domain.core.translatable import Said, Words
from domain.rules.event_types import PERSON, Catalogue, EventType, Titles
from domain.rules.parts import (
    Collector,
    Path,
    amount_at,
    collected,
    condition_at,
    offset_at,
    prefixed,
    together,
    type_at,
)
from domain.rules.triggers import BadTrigger


class BadBenefit(BadTrigger):
    """A benefit that cannot be compiled: `path` names the key, `line` and `column` lie in its text."""


class Bound(Struct, frozen=True):
    """A day: that of `source` (event.time, or a date), moved by `offset`."""

    source: str
    offset: Offset

    def day(self, values: Mapping[str, Any], zone: ZoneInfo) -> date | None:
        """Return the local day; None where its date is missing, or no date."""
        start = values.get(self.source)
        if start is None:
            return None
        try:
            day = start.astimezone(zone).date() if isinstance(start, datetime) else date.fromisoformat(start)
            return shift_day(day, self.offset)
        except (OverflowError, ValueError):  # registries write 9999-12-31, or year 0, for "without end"
            return None


class Requirement(Struct, frozen=True):
    """A condition of a benefit, with the name, the title and the clause that an answer gives for it."""

    id: str
    when: Condition
    title: Titles
    clause: str | None


class Had(Struct, frozen=True):
    """An event of type `on` for which `when` holds: what the benefit is for was had already."""

    on: str
    when: Condition | None

    @property
    def lasts(self) -> bool:
        """Return True if a benefit once had stays had.

        The condition reads only the two events, which never change.
        """
        return self.when is None or all(name.startswith(("event.", LATER)) for name in self.when.reads)


class Benefit(Struct, frozen=True, kw_only=True, dict=True):
    """A compiled benefit.

    `on`: the type of the event that it is about, or PERSON; `to`: the role whose benefit it is (None: the person's);
    `start`, `until`: first day of the entitlement, and the day on which it is over (None: always, never);
    `as_of_asked`: the amount goes by the law of the day asked for, not of the first day; `per`: once, or each month.
    """

    name: str
    title: Titles
    agency: str
    clause: str
    on: str
    to: str | None
    start: Bound | None
    until: Bound | None
    conditions: tuple[Requirement, ...]
    unless: tuple[Had, ...]
    amount: Amount | None
    as_of_asked: bool
    per: Literal["once", "month"]

    @cached_property
    def judged(self) -> frozenset[str]:
        """Return the dotted names that conditions and `unless` read.

        When one of them changes, so may the entitlement.
        """
        texts = [each.when for each in self.conditions] + [each.when for each in self.unless if each.when is not None]
        return frozenset(name for each in texts for name in each.reads)

    @cached_property
    def had_by(self) -> frozenset[str]:
        """Return the event types by which it may be had already."""
        return frozenset(each.on for each in self.unless)

    @cached_property
    def bounded_by(self) -> frozenset[str]:
        """Return the dotted names of the dates that it begins and ends with."""
        return frozenset(bound.source for bound in (self.start, self.until) if bound is not None)

    @property
    def attributes(self) -> set[str]:
        """Return the person's attributes that the benefit reads; an age follows from the birth date."""
        read = {name.partition(".")[2] for name in self.reads if name.startswith("citizen.")}
        return (read - {"age"}) | ({"born_on"} if "age" in read else set())

    @cached_property
    def reads(self) -> frozenset[str]:
        """Return all dotted names that it reads."""
        return self.judged.union(self.bounded_by, self.amount.reads if self.amount else ())


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
            raise together(compiler.bad)
    except BadTrigger as bad:
        every = [BadBenefit((name, *each.path), each.problem, each.line, each.column) for each in (bad, *bad.others)]
        raise together(every) from None
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
    def _had(self, at: int, each: Mapping[str, Any]) -> Had:
        later = type_at(("unless", at, "on"), each["on"], self.catalogue)
        if (when := each.get("when")) is None:
            return Had(later.name, None)
        variables = self.variables | prefixed("later", later)
        return Had(later.name, condition_at(("unless", at, "when"), when, variables))

    @collected
    def _amount(self) -> Amount | None:
        text = self.content.get("amount")
        return None if text is None else amount_at(("amount",), text, self.variables)
