"""A trigger's clause in plain English, for readers who don't write triggers."""

import re
from collections.abc import Iterator, Mapping
from typing import Any

from msgspec import Struct

from domain.timing import NotADuration, Offset, parse_offset

Titles = Mapping[str, str]
"""Event type, or `citizen.<attribute>` -> what it is called in English."""

_TOKEN = re.compile(r'"[^"]*"|[a-z]\w*(?:\.\w+)+|&&|\|\||[<>=!]=|[<>!()]|\S+')
_SIGNS = {
    "&&": "and", "||": "or", "==": "is", "!=": "is not", ">=": "is at least", "<=": "is at most", ">": "is more than",
    "<": "is less than", "!": "not",
}  # fmt: skip
_OF_DATES = {">": "is after", "<": "is before", ">=": "is not before", "<=": "is not after"}
_ROOTS = {
    "event": "the event’s", "later": "the later event’s", "citizen": "the citizen’s", "param": "the law’s",
    "entitled": "the entitlement’s", "benefit": "the benefit’s",
}  # fmt: skip
_EDGES = {"becomes": "entitled to", "ceases": "to be entitled to"}
_STARTS = {"becomes": "entitled.from", "ceases": "entitled.until"}
_TIMES = {"event.time": "the time of the event", "complete.time": "the time of the last event that is needed"}
_ORDERS = {"any": "before or after", "before": "before", "after": "after"}
_MONTHS, _HOUR, _MINUTE = 12, 3600, 60


class RuleWords(Struct, frozen=True):
    """Puts clauses into words; `titles` are in English."""

    titles: Titles

    def sentences(self, clause: Mapping[str, Any]) -> Iterator[str]:
        """One sentence for each part of the clause."""
        if "on" not in clause:  # the platform's own
            yield "What exceeds a citizen’s limit of messages goes together, once a day, at 18:00 in their time zone."
            return
        yield f"{self.start(clause['on'])}{self._given(clause.get('when'))}."
        yield from (self._with(each) for each in clause.get("with") or ())
        yield from ["These happen in this order."] if clause.get("in_order") else ()
        if count := clause.get("count"):
            yield f"It starts with number {count['nth']} of these within {length(parse_offset(count['within']))}."
        yield f"It is for {whom(clause.get('to') or 'subject')}."
        yield from (self.due({"from": _source(clause), **step}) for step in clause["due"].values() if step)
        yield from (self.unless(each) for each in clause.get("unless") or ())
        for code, name in (clause.get("replies") or {}).items():
            yield f"The answer “{code}” is recorded as {self.title(name)}."
        if "expires" in clause:
            yield f"It is not sent later than {self.expiry(clause['expires'])}."

    def condition(self, text: str) -> str:
        """A condition (CEL) in words."""
        tokens: list[str] = _TOKEN.findall(text)
        named = [self.name(token) for token in tokens]
        for at, token in enumerate(tokens):
            named[at] = _sign(token, tokens[at - 1] if at else "") or named[at]
        return " ".join(named).replace("( ", "(").replace(" )", ")")

    def name(self, token: str) -> str:
        """A dotted name, or a literal, in words."""
        root, _, field = token.partition(".")
        if token in _TIMES:
            return _TIMES[token]
        if root in _ROOTS and field:
            title = self.titles.get(token)
            return f"{_ROOTS[root]} {_lower_first(title)}" if title else f"{_ROOTS[root]} ‘{_spoken(field)}’"
        literal = _spoken(token[1:-1])
        return f"“{literal}”" if token.startswith('"') else token

    def heading(self, name: str) -> str:
        """What a value is called that the rule reads, as a heading."""
        title = self.titles.get(name) or _spoken(name.partition(".")[2])
        return title[:1].upper() + title[1:]

    def title(self, event_type: str) -> str:
        """An event type by its title."""
        return f"“{self.titles.get(event_type, event_type)}”"

    def start(self, on: str | Mapping[str, str]) -> str:
        """What a trigger starts on: an event, or an entitlement that begins or ends."""
        if isinstance(on, str):
            return f"When this is recorded: {self.title(on)}"
        [(edge, benefit)] = on.items()
        return f"When this person {edge} {_EDGES[edge]} “{_spoken(benefit)}”"

    def _given(self, when: str | None) -> str:
        return f", and {self.condition(when)}" if when else ""

    def due(self, step: Mapping[str, Any]) -> str:
        """When a step is due, as a sentence."""
        start = self.name(step.get("from", "event.time"))
        clock = f", at {step['at']} in the citizen’s time zone" if "at" in step else ""
        given = f", if {self.condition(step['when'])}" if "when" in step else ""
        when = _working_days(step["working_days"]) if step.get("working_days") else moved(step.get("offset", "P0D"))
        rolled = f" It moves to the {step['on_working_day']} working day." if "on_working_day" in step else ""
        return f"It is due {when} {start}{clock}{given}.{rolled}{_again(step.get('repeat'))}"

    def _with(self, each: Mapping[str, Any]) -> str:
        within = f"{length(parse_offset(each['within']))} {_ORDERS[each.get('order', 'any')]} it"
        return f"This is needed too, within {within}: {self.title(each['on'])}{self._given(each.get('when'))}."

    def unless(self, each: Mapping[str, Any]) -> str:
        """What makes it needless, as a sentence."""
        grace = f" It waits {length(parse_offset(each['grace']))} longer for late reports." if "grace" in each else ""
        done = f"{self.title(each['on'])}{self._given(each.get('when'))}"
        return f"It is not sent if this happens first: {done}.{grace}"

    def expiry(self, text: str) -> str:
        """Until when it is worth sending."""
        try:
            return f"{length(parse_offset(text))} after it was due"
        except NotADuration:
            return self.name(text)


def _source(clause: Mapping[str, Any]) -> str:
    """What the steps of a clause count from where they don't say."""
    if isinstance(clause["on"], str):
        return "complete.time" if clause.get("with") else "event.time"
    [edge] = clause["on"]
    return _STARTS[edge]


def _working_days(count: int) -> str:
    return f"{abs(count)} working day{'' if abs(count) == 1 else 's'} {'before' if count < 0 else 'after'}"


def _again(repeat: Mapping[str, Any] | None) -> str:
    if repeat is None:
        return ""
    until = " until it is answered" if "until" in repeat else ""
    return (
        f" It is said again every {length(parse_offset(repeat['every']))}{until}, {repeat['at_most']} times in all."
    )


def moved(offset: str) -> str:
    """An ISO 8601 duration as it stands before a date: "30 days before", "1 hour after", "on"."""
    parsed = parse_offset(offset)
    if not parsed:
        return "on"
    return f"{length(parsed)} {'before' if offset.startswith('-') else 'after'}"


def length(offset: Offset) -> str:
    """How long an offset is: "62 years and 6 months"."""
    years, months = divmod(abs(offset.months), _MONTHS)
    hours, rest = divmod(abs(offset.seconds), _HOUR)
    minutes, seconds = divmod(rest, _MINUTE)
    amounts = {
        "year": years, "month": months, "day": abs(offset.days), "hour": hours, "minute": minutes, "second": seconds
    }  # fmt: skip
    named = [f"{amount} {unit}{'' if amount == 1 else 's'}" for unit, amount in amounts.items() if amount]
    return " and ".join(named) or "no time"


def _sign(token: str, before: str) -> str | None:
    about_a_date = before.endswith(("_on", ".time"))
    return _OF_DATES.get(token, _SIGNS.get(token)) if about_a_date else _SIGNS.get(token)


def whom(to: str | list[str] | tuple[str, ...]) -> str:
    """The roles that are told."""
    roles = [to] if isinstance(to, str) else list(to)
    return " and ".join(f"the {'person whom it is about' if role == 'subject' else _spoken(role)}" for role in roles)


def _spoken(name: str) -> str:
    return name.replace("_", " ").replace(".", " ")


def _lower_first(title: str) -> str:
    return title[:1].lower() + title[1:]
