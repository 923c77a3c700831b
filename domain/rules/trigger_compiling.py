"""Compiles triggers from plain data (trigger.yaml after its shape was checked) against the catalogue."""

from collections.abc import Iterable, Mapping
from typing import Any, Literal

from domain.core.timing import Offset
from domain.core.translatable import Said, Words
from domain.rules.built_in_triggers import DIGEST
from domain.rules.errors import BadTrigger
from domain.rules.event_types import Catalogue
from domain.rules.joint_events import Count, FurtherEvent, Needs, Window
from domain.rules.parts import collected, first_of, prefixed
from domain.rules.reply_fields import why_no_reply
from domain.rules.step_compiling import StepCompiler
from domain.rules.trigger_keys import value_of
from domain.rules.triggers import RESIDENTS, ActBy, Class, Expiry, Trigger, Unless

ONCE = "person"
"""The `occurrence` of a trigger that speaks once to each person."""

_OF_EVENTS = ("with", "in_order", "count")
"""The keys that set events in relation to the one that a trigger starts on."""


def compile_trigger(name: str, content: Mapping[str, Any], catalogue: Catalogue) -> Trigger:
    """Compile a trigger from plain data (trigger.yaml after its shape was checked).

    Raises:
        BadTrigger: an unknown event type, role or field, or a condition that does not compile; everything else that
            is wrong is among its `others`.
    """
    compiler = _Compiler(name, content, catalogue)
    trigger = compiler.trigger()
    if compiler.bad:
        raise first_of(compiler.bad)
    return trigger


class _Compiler(StepCompiler):
    @collected
    def trigger(self) -> Trigger:
        content = self.content
        if self.name == DIGEST:
            raise BadTrigger(
                ("title",),
                Words("{name!r} is the name of the platform's own trigger; name the folder otherwise", name=DIGEST),
            )
        return Trigger(
            name=self.name,
            owner=content["owner"],
            category=content["category"],
            klass=self._class(),
            on=self.type.name,
            entitlement=self.entitlement,
            when=self._condition(("when",), content.get("when"), self.variables),
            to=self._recipients(),
            occurrence=self._occurrence(),
            steps=self._steps(),
            unless=tuple(self._prevention(at, each) for at, each in enumerate(content.get("unless") or ())),
            expiry=self._expiry(),
            catch_up=value_of(content, "catch_up"),
            channels=tuple(content["channels"]),
            minors=value_of(content, "minors"),
            has_correction=bool(content.get("correction")),
            content=content,
            needs=self._needs(),
            once=content.get("occurrence") in (ONCE, [ONCE]),
            residents_at=self._residents_at(),
            replies=self._replies(),
            cascade_after=self._cascade_after(),
            act_by=self._act_by(),
            until_opened=content.get("cascade") == "until_opened",
        )

    @collected
    def _class(self) -> Class:
        """Return the class; `emergency` only for whom a pack lets warn of danger, and of what (docs/language.md)."""
        klass: Class = self.content["class"]
        owner, category = self.content["owner"], self.content["category"]
        if klass != "emergency":
            return klass
        if owner not in self.catalogue.emergencies:
            raise BadTrigger(
                ("class",),
                Words(
                    "{owner} may not warn of danger to life or limb: `emergencies` in its pack.yaml does "
                    "not name it; write legal or service",
                    owner=owner,
                ),
            )
        if category not in (allowed := self.catalogue.emergencies[owner]):
            raise BadTrigger(
                ("category",),
                Words(
                    "an emergency is about danger to life or limb, and `emergencies` in pack.yaml does "
                    "not name the category {category!r}, only {names}",
                    category=category,
                    names=", ".join(sorted(allowed)),
                ),
            )
        if self.entitlement is not None:
            raise BadTrigger(("class",), Said("a benefit is no danger to life or limb; write service or offer"))
        if self.type.agency not in self.catalogue.emergencies:
            raise BadTrigger(
                ("class",),
                Words(
                    "{name} is reported by {agency}, which may not warn of danger to life or limb: "
                    "`emergencies` in pack.yaml does not name it",
                    name=self.type.name,
                    agency=self.type.agency,
                ),
            )
        return klass

    def _recipients(self) -> frozenset[str]:
        whose = self.entitlement.benefit.to if self.entitlement else None
        to = _listed(self.content.get("to") or whose or ("subject" if self.type.subject else RESIDENTS))
        if self.type.subject is None and to == (RESIDENTS,):
            return frozenset()
        roles = frozenset(self.type.subject or role if role == "subject" else role for role in to)
        if self.alone and not roles <= self.type.roles.keys():
            self.bad.append(
                BadTrigger(("to",), Said("the benefit is about the person alone, so nobody else is told of it"))
            )
            return roles
        for role in sorted(roles - self.type.roles.keys()):
            self.bad.append(
                BadTrigger(("to",), Words("{name} names nobody in the role {role!r}", name=self.type.name, role=role))
            )
        if whose is not None and roles != {whose} and roles <= self.type.roles.keys():
            problem = Words("the benefit is that of the {role}, so nobody else is told of it", role=whose)
            self.bad.append(BadTrigger(("to",), problem))
        return roles

    @collected
    def _residents_at(self) -> Literal["event", "due"]:
        found: Literal["event", "due"] = value_of(self.content, "residents_at")
        if "residents_at" in self.content and self.type.subject is not None:
            raise BadTrigger(
                ("residents_at",),
                Words("{name} is about persons; only an area event has residents", name=self.type.name),
            )
        return found

    @collected
    def _cascade_after(self) -> Offset | None:
        text = self.content.get("cascade_after")
        return None if text is None else self._offset(("cascade_after",), text)

    def _occurrence(self) -> tuple[str, ...]:
        paths = _listed(self.content.get("occurrence") or ())
        if paths == (ONCE,):
            return ()
        if ONCE in paths:
            self.bad.append(
                BadTrigger(("occurrence",), Words("{name!r} means once a person, so it stands alone", name=ONCE))
            )
            return ()
        return tuple(self._field(("occurrence",), path) for path in paths)

    def _replies(self) -> dict[str, str]:
        replies: Mapping[str, str] = self.content.get("replies") or {}
        return {code: self._reply(code, name) for code, name in replies.items()}

    @collected
    def _reply(self, code: str, name: str) -> str:
        if (problem := why_no_reply(self._type(("replies", code), name))) is not None:
            raise BadTrigger(("replies", code), problem)
        return name

    def _needs(self) -> Needs | None:
        if self.entitlement is not None:
            problem = Said("an entitlement is no event; say it in the conditions of the benefit")
            self.bad += [BadTrigger((key,), problem) for key in _OF_EVENTS if self.content.get(key)]
            return None
        together = tuple(self._with(at, each) for at, each in enumerate(self.content.get("with") or ()))
        found = Needs(together, self._in_order(), self._count())
        return None if found == Needs() else found

    @collected
    def _with(self, at: int, each: Mapping[str, Any]) -> FurtherEvent:
        later = self._type(("with", at, "on"), each["on"])
        if later.subject is None:
            raise BadTrigger(
                ("with", at, "on"),
                Words("{name} is about an area; `with` needs events about people", name=later.name),
            )
        variables = self.variables | prefixed("later", later)
        return FurtherEvent(
            later.name,
            self._condition(("with", at, "when"), each.get("when"), variables),
            self._offset(("with", at, "within"), each["within"]),
            each.get("order", "any"),
        )

    @collected
    def _in_order(self) -> bool:
        if self.content.get("in_order") and len(self.content.get("with") or ()) <= 1:
            raise BadTrigger(("in_order",), Said("in_order is about two entries of `with` or more"))
        return bool(self.content.get("in_order"))

    def _count(self) -> Count | None:
        if (count := self.content.get("count")) is None:
            return None
        return Count(count["nth"], self._offset(("count", "within"), count["within"]))

    @collected
    def _field(self, where: tuple[str | int, ...], path: str) -> str:
        return self._path(where, path, ("event",))

    @collected
    def _prevention(self, at: int, each: Mapping[str, Any]) -> Unless:
        later = self._type(("unless", at, "on"), each["on"])
        variables = self.variables | prefixed("later", later)
        return Unless(
            later.name,
            self._condition(("unless", at, "when"), each.get("when"), variables),
            self._offset(("unless", at, "grace"), each.get("grace", "P0D")),
            self._window(("unless", at, "within"), each.get("within")),
        )

    def _window(self, where: tuple[str | int, ...], within: Mapping[str, str] | None) -> Window | None:
        if within is None:
            return None
        before, after = (
            self._offset((*where, side), within[side]) if side in within else None for side in ("before", "after")
        )
        return Window(before, after)

    @collected
    def _act_by(self) -> ActBy | None:
        if (said := self.content.get("act_by")) is None:
            return None
        where, source = ("act_by", "from"), said["from"]
        if source == "event.time" or not source.startswith("event."):
            raise BadTrigger(
                where, Words("{source!r} is no date of the event; write one, such as event.issued_on", source=source)
            )
        return ActBy(self._date(where, source), self._offset(("act_by", "offset"), said.get("offset", "P0D")))

    @collected
    def _expiry(self) -> Expiry | None:
        if (text := self.content.get("expires")) is None:
            return None
        if text == "event.time":
            raise BadTrigger(
                ("expires",), Said("'event.time' is no date; write an offset after the due time, such as P14D")
            )
        if text.startswith(("event.", "citizen.", "entitled.")):
            return Expiry(self._date(("expires",), text), None)
        return Expiry(None, self._offset(("expires",), text))


def _listed(value: str | Iterable[str]) -> tuple[str, ...]:
    return (value,) if isinstance(value, str) else tuple(value)
