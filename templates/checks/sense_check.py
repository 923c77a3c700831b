"""Finds what a trigger says that can never happen, or that changes nothing, although each part of it is right."""

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from itertools import combinations
from typing import Any, Final
from zoneinfo import ZoneInfo

from msgspec.structs import replace

from domain.conditions.language import Condition
from domain.conditions.matching import Alternative, alternatives
from domain.core.plain import PlainData
from domain.core.timing import Offset, parse_offset
from domain.core.translatable import N_, Said, Words
from domain.rules.event_types import Catalogue, EventType
from domain.rules.steps import Step
from domain.rules.triggers import Trigger, Unless
from templates.checks.literal_check import (
    comparisons_beyond_limits,
    contradictory_comparisons,
    meaningless_literals,
    unreadable_literals,
)
from templates.checks.possible_values import choices_of, constant_answer, limits_of
from templates.reading.yaml_file import Document, Path

ZONE = ZoneInfo("UTC")
DAYS = ("2026-01-31", "2026-05-15", "2027-12-31", "2028-02-29", "2028-03-01")
"""Days on which calendars differ: what holds for all of them holds always."""
MOMENTS = tuple(
    datetime(2026, month, day, hour, 30, tzinfo=UTC) for month, day, hour in ((1, 1, 0), (1, 31, 0), (6, 1, 23))
)
AFTER_START: Final = "later.time > event.time"
MIDST: Final = N_(
    "{step} counts from a day, and so long before it is due is its hour on that day: what came earlier on that day"
    " does not count; write a day more"
)
LONG_AGO: Final = N_(
    "one of twenty years ago prevents the message too: say how long before it may have happened,"
    " such as `within: {example}`, or compare it with the event (later.time > event.time)"
)
"""The condition that the other event comes after the one that starts the trigger."""
_AFTER, _IN_TIME = ("_>_", "_>=_"), ("date", "instant")
ONLY_LATER = N_(
    "{event} is also what starts this trigger, so only a later one prevents the message, and starts one of its own:"
    " name the event that shows that the matter is settled, or say with `when` which one counts"
)
"""A warning about an `unless` that is rarely meant: each of these events takes back what the one before it said."""
ANSWERS = ("citizen.disputed", "citizen.preferences_changed")
"""The event types that the links at the end of every message produce: "this is not right", and "stop"."""


def check_sense(document: Document, trigger: Trigger, catalogue: Catalogue) -> None:
    """Report settings that contradict each other, or that cannot be reached."""
    check = _Check(document, trigger, catalogue)
    check.conditions()
    check.windows()
    check.times()
    check.loops()
    check.channels()
    if trigger.klass == "emergency":
        check.emergency()


class _Check:
    def __init__(self, document: Document, trigger: Trigger, catalogue: Catalogue) -> None:
        self.document, self.trigger, self.catalogue = document, trigger, catalogue
        self.type, self._note = catalogue.kinds[trigger.on], document.note
        self.rules: Mapping[str, Any] = document.data

    def conditions(self) -> None:
        """Conditions that are always true, or never."""
        self._condition(("when",), self.trigger.when, Words("this never holds, so nothing is ever sent"))
        for step in self.trigger.steps:
            self._condition(
                ("due", step.name, "when"), step.when, Words("this never holds, so the step is never due")
            )
        for at, unless in enumerate(self.trigger.unless):
            later = self.catalogue.types[unless.on]
            never = Words("this never holds, so it prevents nothing")
            if self._condition(("unless", at, "when"), unless.when, never, later) is False:
                continue
            if unless.on == self.trigger.on and unless.when is None:
                message = Words(
                    "{event} is also what starts this trigger, so any other event of it prevents the message:"
                    " say with `when` which one counts",
                    event=unless.on,
                )
                self._note(("unless", at, "on"), message, warning=True)
            elif unless.on == self.trigger.on and unless.when is not None and unless.when.text == AFTER_START:
                self._note(("unless", at, "on"), Words(ONLY_LATER, event=unless.on), warning=True)
            elif unless.when is None and (shared := self._shared(later)) is not None:
                message = Words(
                    "any {event} prevents the message, also one about another matter:"
                    " say with `when` which one counts, such as {example}",
                    event=unless.on,
                    example=f"later.{shared} == event.{shared}",
                )
                self._note(("unless", at, "on"), message, warning=True)
            elif not self._bounded(unless, later):
                message = Words(LONG_AGO, example="{before: P1Y}")
                self._note(("unless", at, "on"), message, warning=True)

        for at, each in enumerate(self.trigger.needs.together if self.trigger.needs else ()):
            self._texts(("with", at, "when"), each.when, self.catalogue.types[each.on])

    def windows(self) -> None:
        """Warn of a window that begins within the day from which a step counts."""
        own = self.type.variables()
        for at, unless in enumerate(self.trigger.unless):
            before = unless.within and unless.within.before
            for step in self.trigger.steps:
                if before and before == step.offset and own.get(step.source.removeprefix("event.")) == "date":
                    message = Words(MIDST, step=step.name)
                    self._note(("unless", at, "within", "before"), message, warning=True)

    def _shared(self, later: EventType) -> str | None:
        """Return a text that both events have, such as a number, by which they can be about the same matter."""
        mine, others = self.type.variables(), {"type", *self.type.roles, *later.roles}
        for name, kind in later.variables().items():
            if name not in others and kind == "string" and mine.get(name) == "string":
                return name
        return None

    def _bounded(self, unless: Unless, later: EventType) -> bool:
        """Return True if the rule limits which of these events in somebody's life count.

        A window, a comparison of their times, the same occurrence, or a type that happens only once is a limit.
        """
        if later.ends_life or (unless.within is not None and unless.within.before is not None):
            return True
        return unless.when is not None and all(self._bound(way, unless.when) for way in alternatives(unless.when))

    def _bound(self, way: Alternative, condition: Condition) -> bool:
        equal = {mine for mine, _ in way.keys}
        if self.trigger.occurrence and equal.issuperset(self.trigger.occurrence):
            return True
        return any(operator in _AFTER and condition.types.get(mine) in _IN_TIME for _, operator, mine in way.compared)

    def _condition(
        self, path: Path, condition: Condition | None, never: Words, later: EventType | None = None
    ) -> bool | None:
        """Report one that is always true, or never; which of both it is, None where it depends."""
        self._texts(path, condition, later)
        answer = None if condition is None else constant_answer(condition, self.type, later)
        if answer is False:
            self._note(path, never)
        elif answer is True:
            self._note(path, Words("this always holds; leave it out"), warning=True)
        return answer

    def _texts(self, path: Path, condition: Condition | None, later: EventType | None) -> None:
        """Texts that what they are compared with never is."""
        kinds = {f"event.{name}": kind for name, kind in self.type.variables().items()}
        kinds |= self.catalogue.citizen_variables()
        choices = choices_of(self.type)
        if later is not None:
            kinds |= {f"later.{name}": kind for name, kind in later.variables().items()}
            choices |= {name.replace("event.", "later.", 1): each for name, each in choices_of(later).items()}
        if condition is None:
            return
        when = self.trigger.when
        given = (
            when.text if when is not None and condition is not when and path[0] in ("due", "unless", "with") else ""
        )
        limits = limits_of(self.type) | ({} if later is None else limits_of(later, "later"))
        for start, message in comparisons_beyond_limits(condition.text, limits):
            line, column = place_in(condition.text, start)
            self.document.note_at(self.document.inside(path, line, column=column), message, warning=True)
        found = [
            *((*each, None) for each in contradictory_comparisons(condition.text, given, whole=path == ("when",))),
            *meaningless_literals(condition.text, kinds, choices),
            *((*each, None) for each in unreadable_literals(condition.text)),
        ]
        for start, message, meant in found:
            line, column = place_in(condition.text, start)
            self.document.note_at(self.document.inside(path, line, column=column), message, meant)

    def times(self) -> None:
        """Steps that are never sent, or that are due together; waits of less than nothing."""
        for step in self.trigger.steps:
            if self._expired(step):
                given = {"step": step.name, "expires": self.rules["expires"]}
                message = Words("{step} is due when it has expired already (expires: {expires})", **given)
                self._note(("due", step.name), message, key=True)
            if self.trigger.catch_up == "none" and self._past(step):
                message = Words(
                    "{step} is overdue when its event becomes known, and `catch_up: none` drops it", step=step.name
                )
                self._note(("due", step.name), message, key=True)
        for one, other in combinations(self.trigger.steps, 2):
            if _together(one, other):
                given = {"step": other.name, "other": one.name}
                message = Words("{step} is due at the same time as {other}: two messages at once", **given)
                self._note(("due", other.name), message, key=True)
        for path in _waits(self.rules):
            if not _forward(parse_offset(_at(self.rules, path))):
                name = path[-1]
                self._note(path, Words("{name} waits for nothing: write it longer, and without a minus", name=name))

    def _expired(self, step: Step) -> bool:
        expiry = self.trigger.expiry
        if expiry is None or (expiry.source is not None and expiry.source != step.source):
            return False
        return all(
            (ends := self.trigger.expires(due, values, ZONE)) is not None and ends <= due
            for values, due in _dues(step)
        )

    @staticmethod
    def _past(step: Step) -> bool:
        return step.source == "event.time" and all(due <= values[step.source] for values, due in _dues(step))

    def loops(self) -> None:
        """A message whose answers would start its own trigger again."""
        if self.trigger.on in (*ANSWERS, *self.trigger.replies.values()):
            on = self.trigger.on
            self._note(("on",), Words("answering the message gives {event}, which would send it again", event=on))

    def channels(self) -> None:
        """A cascade without a second channel."""
        if len(self.trigger.channels) == 1:
            for key in ("cascade_after", "cascade"):
                if key in self.rules:
                    message = Words("there is no second channel, so `{key}` changes nothing", key=key)
                    self._note((key,), message, key=True, warning=True)

    def emergency(self) -> None:
        """Report what contradicts danger to life or limb.

        Everything that delays the message, hides it or leaves it out.
        """
        if "expires" not in self.rules:
            self._note(("class",), Said("an emergency says how long it is of use: add `expires`, such as PT1H"))
        for path in _waiting(self.rules):
            told = Words("an emergency goes at once, so `{key}` contradicts it", key=path[-1])
            self._note(path, told, key=True)
        for step in self.trigger.steps:
            if step.source != "event.time" or step.offset.months or step.offset.days:
                message = Words(
                    "{step}: an emergency goes at once: count from event.time, by hours at most", step=step.name
                )
                self._note(("due", step.name), message, key=True)
        if self.rules.get("catch_up") == "none":
            late = Said("an emergency that becomes known late is told late: leave `catch_up: none` out")
            self._note(("catch_up",), late)
        if self.rules.get("discreet"):
            self._note(("discreet",), Said("an emergency says what the danger is, so it cannot be discreet"))


def _waiting(rules: Mapping[str, Any]) -> Iterator[Path]:
    """Yield the paths of rules that delay a message."""
    for key in ("smooth", "count"):
        if key in rules:
            yield (key,)
    for name, step in rules["due"].items():
        for key in ("on", "at", "working_days", "on_working_day", "smooth"):
            if key in (step or {}):
                yield ("due", name, key)
    for at, unless in enumerate(rules.get("unless") or ()):
        if "grace" in unless:
            yield ("unless", at, "grace")


def place_in(text: str, start: int) -> tuple[int, int]:
    """Return the line and column (from 1) of a position in a text."""
    before = text[:start]
    return before.count("\n") + 1, start - before.rfind("\n")


def _dues(step: Step) -> Iterator[tuple[dict[str, Any], datetime]]:
    """Yield sample values of what the step counts from, and when it is due then."""
    plain = replace(step, when=None)
    for value in MOMENTS if step.source == "event.time" else DAYS:
        values: dict[str, Any] = {step.source: value}
        if (due := plain.due(values, ZONE)) is not None:
            yield values, due


def _together(one: Step, other: Step) -> bool:
    conditions = [None if each.when is None else " ".join(each.when.text.split()) for each in (one, other)]
    if one.source != other.source or conditions[0] != conditions[1]:
        return False
    dues = [[due for _, due in _dues(each)] for each in (one, other)]
    return bool(dues[0]) and dues[0] == dues[1]


def _waits(rules: Mapping[str, Any]) -> Iterator[Path]:
    if "cascade_after" in rules:
        yield ("cascade_after",)
    for at, unless in enumerate(rules.get("unless") or ()):
        if "grace" in unless:
            yield ("unless", at, "grace")


def _at(rules: PlainData, path: Path) -> str:
    for part in path:
        rules = rules[part]
    return str(rules)


def _forward(offset: Offset) -> bool:
    return bool(offset) and min(offset.months, offset.days, offset.seconds) >= 0
