"""What became of a nudge, and why it was sent, in words that a citizen reads in their own language."""

import re
from collections.abc import Iterator, Mapping
from datetime import date, datetime
from typing import Any, Final

from msgspec import Struct

from app.pages.catalogues import Speech
from domain.event_types import Titles
from domain.said import N_
from domain.timing import NotADuration, parse_offset
from streams.explaining import Happened, Why
from streams.library import Rules
from streams.retirements import Retirement
from streams.titles import pack_titles

_PSEUDONYM = re.compile(r"[0-9a-f]{32}")


CHANNELS: Final[Mapping[str, str]] = {"push": N_("push message"), "sms": N_("SMS"), "email": N_("email")}
STATES: Final[Mapping[str, str]] = {
    "planned": N_("planned"), "deferred": N_("put off"), "digested": N_("goes with a daily summary"),
    "attempted": N_("being sent"), "sent": N_("sent"), "delivered": N_("delivered"), "opened": N_("opened"),
    "answered": N_("answered"), "failed": N_("did not arrive"), "unknown": N_("not known whether it arrived"),
    "withheld": N_("not sent"), "expired": N_("no longer useful, not sent"), "cancelled": N_("cancelled"),
    "rescheduled": N_("planned anew"), "gathered": N_("one more message goes with it"),
}  # fmt: skip
REASONS: Final[Mapping[str, str]] = {
    "died": N_("the person has died"), "no_guardian": N_("no guardian of the child is known"),
    "done": N_("the thing itself was done"), "opted_out": N_("messages on this topic are not wanted"),
    "no_consent": N_("offers need a consent, and there is none"),
    "caught_up": N_("a later reminder goes instead"), "no_address": N_("no address is known"),
    "no_channel": N_("none of the channels is wanted"), "quiet_hours": N_("quiet hours"),
    "stopped": N_("the platform has stopped it for now"), "withdrawn": N_("the office has withdrawn it"),
    "cap": N_("enough messages lately"), "nothing_left": N_("nothing was left to send"),
    "unreadable": N_("its data is missing"), "bounced": N_("the address refused it"),
}  # fmt: skip
CLASSES: Final[Mapping[str, str]] = {
    "legal": N_("required by law"), "service": N_("about a service"), "reminder": N_("reminder"),
    "offer": N_("offer"),
}  # fmt: skip
CATEGORIES: Final[Mapping[str, str]] = {
    "business": N_("Business"), "documents": N_("Documents"), "education": N_("Kindergarten and school"),
    "environment": N_("Air and environment"), "family": N_("Family"), "health": N_("Health"),
    "housing": N_("Housing"), "military": N_("Military registration"), "pension": N_("Pension"),
    "safety": N_("Safety"), "social": N_("Social support"), "taxes": N_("Taxes"), "transport": N_("Transport"),
    "utilities": N_("Light, water, heating"), "work": N_("Work"), "work_offers": N_("Offers of work"),
    "digest": N_("Daily summary"),
}  # fmt: skip
FIELDS: Final[Mapping[str, str]] = {
    "number": N_("number"), "amount": N_("amount"), "kind": N_("kind"), "expires_on": N_("valid until"),
    "issued_on": N_("date of issue"), "violated_on": N_("date of the violation"), "born_on": N_("date of birth"),
    "time": N_("time of the event"), "type": N_("what happened"), "granted_on": N_("date of the decision"),
    "pay_by": N_("to be paid by"), "year": N_("year"), "starts_on": N_("begins on"), "ends_on": N_("ends on"),
    "valid_until": N_("valid until"), "enrol_by": N_("to be enrolled by"), "planned_on": N_("planned for"),
    "order": N_("which child"), "plate": N_("number plate"), "age": N_("age"),
    "married_on": N_("date of the wedding"),
    "registered_on": N_("date of registration"), "joined_on": N_("in the queue since"), "mother": N_("mother"),
    "father": N_("father"), "child": N_("child"), "area": N_("area"), "home": N_("home"),
}  # fmt: skip


class Line(Struct, frozen=True):
    """One fact of a nudge's life: when, and what."""

    at: str
    words: str


def shown(table: Mapping[str, str], word: str, speech: Speech) -> str:
    """A word of ours as people say it; what has none is shown as it is."""
    return speech.say(table[word]) if word in table else word.replace("_", " ")


def category(name: str, speech: Speech) -> str:
    """A category's name."""
    text = shown(CATEGORIES, name, speech)
    return text[:1].upper() + text[1:]


def line_of(happened: Happened, speech: Speech) -> Line:
    """One fact as a line."""
    details = happened.details
    words = shown(STATES, happened.what, speech)
    if details.get("channel"):
        words += f": {shown(CHANNELS, details['channel'], speech)}"
    if details.get("reason"):
        words += f": {shown(REASONS, details['reason'], speech)}"
    when = details.get("due") if happened.what in ("planned", "rescheduled") else details.get("until")
    if isinstance(when, datetime) and happened.what != "attempted":
        words += f" → {speech.moment(when)}"
    return Line(speech.moment(happened.at), words)


class Told(Struct, frozen=True):
    """Why a nudge was sent, by parts. Each row is a name and a value."""

    recorded: tuple[tuple[str, str], ...]
    rule: tuple[tuple[str, str], ...]
    used: tuple[tuple[str, str], ...]
    life: tuple[Line, ...]


class Clause(Struct, frozen=True):
    """A rule: its clause, whose it is, its class, and by which law."""

    clause: Mapping[str, Any]
    agency: str
    klass: str
    legal_basis: str


def rule_told(clause: Clause, rules: Rules, speech: Speech) -> tuple[tuple[str, str], ...]:
    """A rule in plain words, in rows of a name and a value."""
    return tuple(_Words(rules, speech).rule(clause))


def told(why: Why, rules: Rules, speech: Speech) -> Told:
    """The parts of the page that says why."""
    words = _Words(rules, speech)
    return Told(
        tuple(words.recorded(why)), tuple(words.rule(Clause(why.clause, why.agency, why.klass, why.legal_basis))),
        tuple((words.name(name), words.value(value)) for name, value in why.used.items()),
        tuple(line_of(each, speech) for each in why.facts),
    )  # fmt: skip


class _Words:
    def __init__(self, rules: Rules, speech: Speech) -> None:
        self._types, self._speech, self._say = rules.catalogue.types, speech, speech.say
        self._attributes, self._offices = pack_titles(rules, "attributes"), pack_titles(rules, "agencies")

    def recorded(self, why: Why) -> Iterator[tuple[str, str]]:
        if why.cause is None:
            yield self._say("What was recorded"), self._say("It can no longer be read")
            return
        type_ = self._types.get(why.cause.type)
        yield self._say("What was recorded"), self._speech.titled(why.cause_title) or why.cause.type
        yield self._say("When"), self._speech.moment(why.cause.time)
        if type_ is not None:
            office = self._offices.get(type_.agency, {})
            yield self._say("By which office"), self._speech.titled(office) or type_.agency
        if why.retired is not None:
            yield self._say("What exactly"), retired_in_words(why.retired, self._speech)

    def rule(self, rule: Clause) -> Iterator[tuple[str, str]]:
        clause = rule.clause
        yield self._say("Who made the rule"), self._speech.titled(self._offices.get(rule.agency, {})) or rule.agency
        yield self._say("The rule"), self._start(clause)
        yield from (
            (self._say("When it is sent"), self._due(step)) for step in clause.get("due", {}).values() if step
        )
        for each in clause.get("unless") or ():
            yield self._say("It is not sent if this happens first"), self._title(each["on"])
        yield self._say("Kind of message"), shown(CLASSES, rule.klass, self._speech)
        yield self._say("Legal basis"), rule.legal_basis

    def _start(self, clause: Mapping[str, Any]) -> str:
        on = clause.get("on")
        if isinstance(on, str):
            return self._say("It is sent when this is recorded: {what}").format(what=self._title(on))
        if isinstance(on, Mapping):
            return self._say("It is sent when an entitlement begins or ends")
        return self._say("What exceeds your limit of messages goes together, once a day")

    def _due(self, step: Mapping[str, Any]) -> str:
        return due_in_words(step, self._speech, self.name(str(step.get("from", "event.time"))))

    def _title(self, name: str) -> str:
        type_ = self._types.get(name)
        return f"«{self._speech.titled(type_.title)}»" if type_ else name

    def name(self, dotted: str) -> str:
        root, _, field = dotted.partition(".")
        if root == "citizen" and field in self._attributes:
            titles: Titles = self._attributes[field]
            return self._speech.titled(titles)
        text = shown(FIELDS, field, self._speech)
        return text[:1].upper() + text[1:]

    def value(self, value: Any) -> str:  # noqa: ANN401  (a value of an event)
        match value:
            case datetime():
                return self._speech.moment(value)
            case bool():
                return self._say("yes") if value else self._say("no")
            case int() | float():
                return self._speech.number(value)
            case list() | tuple():
                return ", ".join(map(self.value, value))
        return self._text(str(value))

    def _text(self, text: str) -> str:
        if _PSEUDONYM.fullmatch(text):
            return self._say("a person whom the event names")
        try:
            return self._speech.day(date.fromisoformat(text))
        except ValueError:
            return self._title(text) if text in self._types else text.replace("_", " ")


def retired_in_words(retired: Retirement, speech: Speech) -> str:
    """Since when the content of an event can be read no more, and why."""
    months = parse_offset(retired.limit).months
    if months % 12:
        length = speech.many("{count} month", "{count} months", months)
    else:
        length = speech.many("{count} year", "{count} years", months // 12)
    text = speech.say(
        "It was kept readable for {length} after the year of the event; since {date} nobody can read it"
    )
    return text.format(length=length, date=speech.moment(retired.at))


def due_in_words(step: Mapping[str, Any], speech: Speech, start: str) -> str:
    """When a step of a rule is due; `start`: what the date that it counts from is called."""
    try:
        offset = parse_offset(str(step.get("offset", "P0D")))
    except NotADuration:
        return start
    days, hours = offset.days + 30 * offset.months, offset.seconds // 3600
    clock = f", {step['at']}" if "at" in step else ""
    if days or hours:
        length = speech.length(abs(days)) if days else speech.hours(abs(hours))
        text = speech.say("{length} before: {date}") if min(days, hours) < 0 else speech.say("{length} after: {date}")
        return text.format(length=length, date=start) + clock
    if not clock and step.get("from", "event.time") == "event.time":
        return speech.say("at once")
    return speech.say("on: {date}").format(date=start) + clock
