"""A trigger's clause in plain words, for readers who don't write triggers: in English, and whatever it is told in."""

import re
from collections.abc import Iterator, Mapping
from typing import Any, Literal

from msgspec import Struct

from domain.conditions.language import without_remarks
from domain.core.timing import InvalidTime, parse_offset
from domain.core.translatable import N_, Joined, Lowered, Number, Words
from templates.authoring.condition_form import without_after_start
from templates.authoring.value_words import day_of_year, length, offset_in_words, work_days, working_days

Titles = Mapping[str, str]
"""Event type, benefit, dotted name or quoted value -> what it is called in the reader's language."""

Part = Literal["start", "to", "due", "unless", "replies", "expires"]
"""The part of a clause that a sentence is about."""

_TOKEN = re.compile(
    r""""[^"]*"|'[^']*'|later\.time\s*>\s*event\.time|[a-z]\w*(?:\.\w+)+|&&|\|\||-?\d+(?:\.\d+)?|[<>=!]=|[<>!()]|\S+"""
)
_NUMBER = re.compile(r"-?\d+(\.\d+)?")
_SIGNS = {
    "&&": Words("and"),
    "||": Words("or"),
    "==": Words("is"),
    "!=": Words("is not"),
    ">=": Words("is at least"),
    "<=": Words("is at most"),
    ">": Words("is more than"),
    "<": Words("is less than"),
    "!": Words("not"),
    "in": Words("is among"),
}
_OF_DATES = {
    ">": Words("is after"),
    "<": Words("is before"),
    ">=": Words("is not before"),
    "<=": Words("is not after"),
}
_DATES = ("_on", "_by", "_from", "_until", ".from", ".until", ".time")
"""The endings of names of dates."""
_OWNED = {
    "event": N_("the event’s {field}"),
    "later": N_("the later event’s {field}"),
    "citizen": N_("the citizen’s {field}"),
    "param": N_("the law’s {field}"),
    "entitled": N_("the entitlement’s {field}"),
    "benefit": N_("the benefit’s {field}"),
}
"""Roots of names in conditions → their words."""
_ROLES = {
    "subject": Words("the person whom it is about"),
    "mother": Words("the mother"),
    "father": Words("the father"),
    "parents": Words("the parents"),
    "child": Words("the child"),
    "residents": Words("the residents of the area"),
    "parent": Words("the parent"),
    "person": Words("the person"),
    "citizen": Words("the citizen"),
    "heirs": Words("the heirs"),
    "recipient": Words("the recipient"),
    "applicant": Words("the applicant"),
    "contributor": Words("the contributor"),
    "deceased": Words("the deceased"),
    "driver": Words("the driver"),
    "employee": Words("the employee"),
    "guardians": Words("the guardians"),
    "partner": Words("the partner"),
    "entrepreneur": Words("the entrepreneur"),
    "holder": Words("the holder"),
    "owner": Words("the owner"),
    "patient": Words("the patient"),
    "pensioner": Words("the pensioner"),
    "spouse": Words("the spouse"),
    "taxpayer": Words("the taxpayer"),
}
DIGEST = Words("What exceeds a citizen’s limit of messages goes together, once a day, at 18:00 in their time zone.")
"""The platform's own rule, which starts on no event."""
_CALLS = {
    "contains": Words("contains"),
    "startsWith": Words("starts with"),
    "endsWith": Words("ends with"),
    "matches": Words("fits the pattern"),
}
"""Checks of a text in conditions → their words."""
_STARTS = {"becomes": "entitled.from", "ceases": "entitled.until"}
_TIMES = {
    "event.time": Words("the time of the event"),
    "later.time": Words("the time of the later event"),
    "later.time>event.time": Words("it happens after the event that starts the rule"),
    "complete.time": Words("the time of the last event that is needed"),
}


class RuleWords(Struct, frozen=True):
    """Puts clauses into words; `titles` are in the language in which they will be told."""

    titles: Titles

    def sentences(self, clause: Mapping[str, Any]) -> Iterator[str]:
        """Yield a sentence for each part of the clause."""
        for part, told in self.parts(clause):
            yield Words("It is for {whom}.", whom=told) if part == "to" else told

    def parts(self, clause: Mapping[str, Any]) -> Iterator[tuple[Part, str]]:
        """Yield the same, each with what it is about: of who is told their name, and no sentence."""
        if "on" not in clause:  # the platform's own
            yield "start", DIGEST
            return
        yield from (("start", sentence) for sentence in self._starting(clause))
        yield "to", whom(clause.get("to") or "subject")
        for step in filter(None, clause["due"].values()):
            yield "due", self.due({"from": _source(clause), **step})
        yield from (("unless", self.unless(each, clause["on"])) for each in clause.get("unless") or ())
        for code, name in (clause.get("replies") or {}).items():
            yield "replies", Words("The answer “{code}” is recorded as {event}.", code=code, event=self.title(name))
        if "expires" in clause:
            yield "expires", Words("It is not sent later than {when}.", when=self.expiry(clause["expires"]))

    def _starting(self, clause: Mapping[str, Any]) -> Iterator[str]:
        yield Joined([self.start(clause["on"]), self._given(clause.get("when")), "."], "")
        yield from (self._with(each) for each in clause.get("with") or ())
        yield from [Words("These happen in this order.")] if clause.get("in_order") else ()
        if count := clause.get("count"):
            within = length(parse_offset(count["within"]))
            yield Words("It starts with number {nth} of these within {length}.", nth=count["nth"], length=within)

    def condition(self, text: str) -> str:
        """Return a condition (CEL) in words."""
        tokens: list[str] = _TOKEN.findall(without_remarks(text))
        named = [self.name(token) for token in tokens]
        for at, token in enumerate(tokens):
            named[at] = _sign(token, tokens[at - 1] if at else "") or named[at]
        return Joined(named)

    def name(self, token: str) -> str:
        """Return a dotted name, or a literal, in words."""
        root, _, field = token.partition(".")
        value, _, call = token.rpartition(".")
        if call in _CALLS and "." in value:
            return Joined([self.name(value), _CALLS[call]])
        if time := _TIMES.get("".join(token.split())):
            return time
        if root in _OWNED and field:
            return Words(_OWNED[root], field=self._field(token, field))
        if token.startswith(('"', "'")):
            text = token[1:-1]
            return Words("“{value}”", value=self.titles.get(f'"{text}"') or _spoken(text))
        if found := _NUMBER.fullmatch(token):
            return Number(float(token) if found[1] else int(token))
        return token

    def _field(self, token: str, field: str) -> str:
        title = self.titles.get(token)
        return Lowered(title) if title else f"‘{_spoken(field)}’"

    def heading(self, name: str) -> str:
        """Return the title of a value that the rule reads, as a heading."""
        title = self.titles.get(name) or _spoken(name.partition(".")[2])
        return title[:1].upper() + title[1:]

    def title(self, event_type: str) -> str:
        """Return an event type by its title."""
        return Words("“{value}”", value=self.titles.get(event_type, event_type))

    def start(self, on: str | Mapping[str, str]) -> str:
        """Return the sentence about the trigger's start: an event, or an entitlement that begins or ends."""
        if isinstance(on, str):
            return Words("When this is recorded: {event}", event=self.title(on))
        [(edge, benefit)] = on.items()
        called = self.titles.get(benefit) or _spoken(benefit)
        if edge == "becomes":
            return Words("When this person becomes entitled to “{benefit}”", benefit=called)
        return Words("When this person ceases to be entitled to “{benefit}”", benefit=called)

    def _given(self, when: str | None) -> str:
        return Words(", and {condition}", condition=self.condition(when)) if when else ""

    def due(self, step: Mapping[str, Any]) -> str:
        """Return the sentence about a step's due."""
        source = step.get("from", "event.time")
        clock = Words(", at {at} in the citizen’s time zone", at=step["at"]) if "at" in step else ""
        given = Words(", if {condition}", condition=self.condition(step["when"])) if "when" in step else ""
        if "on" in step:
            due = self._in_its_year(step, source, clock, given)
        elif source == "event.time":
            due = _of_the_event(step, clock, given)
        else:
            when = (
                working_days(step["working_days"])
                if step.get("working_days")
                else offset_in_words(step.get("offset", "P0D"))
            )
            named = {"when": when, "start": self.name(source)}
            due = Words("It is due {when} {start}{clock}{given}.", **named, clock=clock, given=given)
        return Joined([due, *_rolled(step.get("on_working_day")), *_again(step.get("repeat"))])

    def _in_its_year(self, step: Mapping[str, Any], source: str, clock: str, given: str) -> str:
        """Return the sentence about the due of a step on a fixed day of some year."""
        offset, days = step.get("offset", "P0D"), step.get("working_days")
        told = {"day": day_of_year(step["on"]), "start": self.name(source), "clock": clock, "given": given}
        if parse_offset(offset):
            due = Words(
                "It is due on {day} of the year in which it is {when} {start}{clock}{given}.",
                when=offset_in_words(offset),
                **told,
            )
        else:
            due = Words("It is due on {day} of the year of {start}{clock}{given}.", **told)
        if not days:
            return due
        long = work_days(abs(days))
        if days < 0:
            return Joined([due, Words("It goes {length} before that day.", length=long)])
        return Joined([due, Words("It goes {length} after that day.", length=long)])

    def _with(self, each: Mapping[str, Any]) -> str:
        event = Joined([self.title(each["on"]), self._given(each.get("when"))], "")
        within = length(parse_offset(each["within"]))
        match each.get("order"):
            case "before":
                return Words("This is needed too, within {length} before it: {event}.", length=within, event=event)
            case "after":
                return Words("This is needed too, within {length} after it: {event}.", length=within, event=event)
        return Words("This is needed too, within {length} before or after it: {event}.", length=within, event=event)

    def unless(self, each: Mapping[str, Any], on: str | Mapping[str, str]) -> str:
        """Return the sentence about an event that makes the message needless. `on`: what starts the rule."""
        since, when = without_after_start(each.get("when") or "")
        done = Joined([self.title(each["on"]), self._given(when)], "")
        sentences: list[str] = [self._first(done) if since == "no" else self._between(on, done)]
        sentences += _only_within(each.get("within") or {})
        if "grace" in each:
            longer = length(parse_offset(each["grace"]))
            sentences.append(Words("It waits {length} longer for late reports.", length=longer))
        return Joined(sentences) if len(sentences) > 1 else sentences[0]

    @staticmethod
    def _first(event: str) -> str:
        return Words("It is not sent if this happens first: {event}.", event=event)

    def _between(self, on: str | Mapping[str, str], event: str) -> str:
        if isinstance(on, str):
            sentence = N_("It is not sent if this is recorded between {start} and the sending: {event}.")
            return Words(sentence, start=self.title(on), event=event)
        sentence = N_("It is not sent if this is recorded between the start of the rule and the sending: {event}.")
        return Words(sentence, event=event)

    def expiry(self, text: str) -> str:
        """Return the sentence about the expiry."""
        try:
            return Words("{length} after it was due", length=length(parse_offset(text)))
        except InvalidTime:
            return self.name(text)


def _source(clause: Mapping[str, Any]) -> str:
    """Return the default starting point of a clause's steps."""
    if isinstance(clause["on"], str):
        return "complete.time" if clause.get("with") else "event.time"
    [edge] = clause["on"]
    return _STARTS[edge]


def _of_the_event(step: Mapping[str, Any], clock: str, given: str) -> str:
    """Return the sentence about the due of a step that counts from the moment of the event."""
    days, offset, end = step.get("working_days") or 0, step.get("offset", "P0D"), {"clock": clock, "given": given}
    if days or parse_offset(offset):
        long = work_days(abs(days)) if days else length(parse_offset(offset))
        if days < 0 or offset.startswith("-"):
            return Words("It is due {length} before the time of the event{clock}{given}.", length=long, **end)
        return Words("It is due {length} after the time of the event{clock}{given}.", length=long, **end)
    if clock:
        return Words("It is due on the day of the event{clock}{given}.", **end)
    return Words("It is due at once{given}.", given=given)


def _only_within(within: Mapping[str, str]) -> Iterator[str]:
    """Yield the sentence about the times at which a preventing event counts."""
    told = {side: length(parse_offset(text)) for side, text in within.items()}
    match sorted(told):
        case ["after", "before"]:
            sentence = N_(
                "Only what happened at most {before} before the message is due, or {after} after it, counts."
            )
            yield Words(sentence, **told)
        case ["before"]:
            yield Words("What happened more than {before} before the message is due does not count.", **told)
        case ["after"]:
            yield Words("What happened more than {after} after the message is due does not count.", **told)


def _rolled(way: str | None) -> Iterator[str]:
    if way == "next":
        yield Words("It moves to the next working day.")
    elif way is not None:
        yield Words("It moves to the previous working day.")


def _again(repeat: Mapping[str, Any] | None) -> Iterator[str]:
    if repeat is None:
        return
    every, most = length(parse_offset(repeat["every"])), repeat["at_most"]
    if "until" not in repeat:
        yield Words("It is repeated every {length}, {most} times in all.", length=every, most=most)
    else:
        yield Words(
            "It is repeated every {length} until it is answered, {most} times in all.", length=every, most=most
        )


def _sign(token: str, before: str) -> str | None:
    return _OF_DATES.get(token, _SIGNS.get(token)) if before.endswith(_DATES) else _SIGNS.get(token)


def whom(to: str | list[str] | tuple[str, ...]) -> str:
    """Return the roles that are told."""
    roles = [to] if isinstance(to, str) else list(to)
    return Joined([_ROLES.get(role) or Words("the {role}", role=_spoken(role)) for role in roles], Words(" and "))


def _spoken(name: str) -> str:
    return name.replace("_", " ").replace(".", " ")
