"""Previews of a trigger for invented people: the due times, recipients and words; nothing is sent or stored."""

import re
from collections.abc import Iterator, Mapping, Sequence
from datetime import date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from msgspec import Struct

from domain.conditions.language import Condition
from domain.core.plain import PlainData
from domain.core.sms import Encoding, segments
from domain.core.translatable import N_
from domain.persons.person import citizen_values
from domain.rules.benefits import Benefit
from domain.rules.event_types import PERSON, Catalogue, EventType
from domain.rules.parameters import parameters_on
from domain.rules.rulebook import Defaults
from domain.rules.triggers import CORRECTION, Trigger
from templates.checks.loader import TriggerSource
from templates.checks.personas import Persona
from templates.checks.possible_values import choices_of, combinations
from templates.checks.sample_values import AHEAD, BEFORE, Inventor, flat
from templates.words.rendering import Rendered, Renderer, WordsFailed, context

Values = Mapping[str, Any]


def law_of(trigger: Trigger, values: Values, catalogue: Catalogue, today: date, zone: ZoneInfo) -> dict[str, Any]:
    """Return the values of the law for words and conditions, if the event happens today with these values.

    An entitlement begins today at the earliest, and ends by its own date; one about the person alone may be over.
    """
    law: dict[str, Any] = dict(parameters_on(catalogue.parameters, today.isoformat()))
    if trigger.entitlement is not None:
        law |= _entitled(trigger.entitlement.benefit, values, today, zone)
    amounts = {
        benefit.name: _amount(benefit, {**values, **law}, catalogue, zone)
        for benefit in catalogue.benefits.values()
        if benefit.on == trigger.on
    }
    return law | {f"benefit.{name}.amount": amount for name, amount in amounts.items() if amount is not None}


def _entitled(benefit: Benefit, values: Values, today: date, zone: ZoneInfo) -> dict[str, str]:
    start = benefit.start.day(values, zone) if benefit.start else today
    until = benefit.until.day(values, zone) if benefit.until else None
    if benefit.on == PERSON and until is not None and until <= today:
        return {}  # who they are has ended it already: nothing will turn today
    edges = {"entitled.from": start and max(start, today), "entitled.until": until}
    return {name: day.isoformat() for name, day in edges.items() if day is not None}


def _amount(benefit: Benefit, values: Values, catalogue: Catalogue, zone: ZoneInfo) -> int | None:
    if benefit.amount is None:
        return None
    first = None if benefit.as_of_asked or benefit.start is None else benefit.start.day(values, zone)
    law = parameters_on(catalogue.parameters, first.isoformat()) if first else {}
    return benefit.amount.tenge({**values, **law})


DAYS = (
    *((-BEFORE, ahead) for ahead in (AHEAD, timedelta(days=120), timedelta(days=240), timedelta(days=420))),
    (timedelta(), AHEAD),  # for a message on the day on which it happened
    (AHEAD, AHEAD),  # for a message before it happens
)
"""When the dates of an invented event lie, and its deadlines: the first that let the messages come in time."""
_INTEGER = re.compile(r"(?<![\w.\"'])\d+(?![\w.])")
_TEXT = re.compile(r"\"([^\"\\]*)\"|'([^'\\]*)'")


class Words(Struct, frozen=True):
    """A step's words in one language; with a `problem`, there are none."""

    language: str
    rendered: Rendered | None
    problem: str = ""

    @property
    def sms(self) -> tuple[int, Encoding]:
        """Return the number of parts of the SMS, with its office and code, and its alphabet."""
        cut = segments(self.rendered.signed() if self.rendered else "")
        return len(cut.parts), cut.encoding


class Message(Struct, frozen=True):
    """A step for one person: when it is due (local), and its words in each language."""

    step: str
    due: datetime
    words: tuple[Words, ...]

    @property
    def title(self) -> str:
        """Return the step and when it comes; a correction comes only if the event is taken back."""
        if self.step == CORRECTION:
            return f"{CORRECTION}, should the event be taken back"
        return f"{self.step} {self.due:%Y-%m-%d %H:%M}"


class Hearing(Struct, frozen=True):
    """The messages for one person. `told`: they or their guardian get it; `nothing`: the reason why there is none."""

    persona: Persona
    told: str
    messages: tuple[Message, ...] = ()
    nothing: str = ""


class Previewer:
    """Plays one trigger for invented people.

    `now`: when the event happens, and all ages and dates are counted from it.
    """

    def __init__(
        self, source: TriggerSource, trigger: Trigger, catalogue: Catalogue, defaults: Defaults, now: datetime
    ) -> None:
        self._trigger, self._catalogue, self._defaults = trigger, catalogue, defaults
        self._type: EventType = catalogue.kinds[trigger.on]
        required = trigger.entitlement.benefit.conditions if trigger.entitlement else ()
        self._conditions = [each for each in (trigger.when, *(each.when for each in required)) if each is not None]
        self._zone = defaults.zone
        self._now = now.astimezone(self._zone).replace(second=0, microsecond=0)
        self._renderer = Renderer(
            source.words, source.rules, defaults.language, trigger=source.name, offices=catalogue.offices
        )
        self._languages = tuple(language for language in defaults.languages if language in source.words)

    @property
    def today(self) -> date:
        """Return the local day on which everything happens."""
        return self._now.date()

    def hear(self, persona: Persona, languages: Sequence[str] = ()) -> Hearing:
        """Return the messages for this person, in these languages (none: all)."""
        citizen = self._person(persona.citizen)
        told = "guardian" if self._is_ward(citizen) else "themselves"
        values = self._event(persona, citizen)
        if values is None:
            return Hearing(persona, told, nothing=self._unmet())
        dues = {step.name: due for step in self._trigger.steps if (due := step.due(values, self._zone)) is not None}
        if not dues:
            return Hearing(persona, told, nothing=N_("no step applies to them"))
        recipient = self._person(persona.guardian) if told == "guardian" else citizen
        if self._trigger.has_correction:
            dues[CORRECTION] = self._now
        messages = [
            Message(
                step,
                local := due.astimezone(self._zone),
                tuple(
                    self._words(language, step, context(values, citizen, recipient, local, lambda: values))
                    for language in languages or self._languages
                ),
            )
            for step, due in dues.items()
        ]
        return Hearing(persona, told, tuple(messages))

    def example(self, persona: Persona, role: str) -> dict[str, Any] | None:
        """Return an event as tests.yaml writes it by which this person hears something; `role`: whom they are in it.

        None where nothing makes the trigger speak to them, or no event starts it.
        """
        citizen = self._person(persona.citizen)
        values, type_ = self._event(persona, citizen), self._type
        if values is None or type_.name == PERSON:
            return None
        played = "" if role == type_.subject else role
        data: dict[str, Any] = {}
        for name in (*type_.fields, *(each for each in type_.roles if each not in (type_.subject, role))):
            if f"event.{name}" in values:
                _put(data, name.split("."), values[f"event.{name}"])
        return {"type": type_.name, **({"as": played} if played else {}), "data": data, "area": type_.area}

    def _person(self, attributes: Mapping[str, Any]) -> dict[str, Any]:
        known = {f"citizen.{name}": value for name, value in attributes.items() if name in self._catalogue.attributes}
        return citizen_values(known, self._now, self._zone)

    def _is_ward(self, citizen: Mapping[str, Any]) -> bool:
        young = citizen.get("citizen.age", self._defaults.age_of_majority) < self._defaults.age_of_majority
        return young and self._trigger.minors == "guardians"

    def _event(self, persona: Persona, citizen: Mapping[str, Any]) -> dict[str, Any] | None:
        """Return the values of an event for which `when` holds; None if there is none for this person.

        Its dates lie where the most steps need them to come in time.
        """
        best, most = None, -1
        for happened, ahead in DAYS:
            inventor = Inventor(self.today, ahead, happened)
            values = self._event_with(persona, citizen, inventor)
            dues = [] if values is None else self._dues(values)
            in_time = sum(self._is_in_time(values or {}, due) for due in dues)
            if values is not None and in_time > most:
                best, most = values, in_time
            if most == len(self._trigger.steps):
                break
        return best

    def _dues(self, values: Values) -> list[datetime]:
        return [due for step in self._trigger.steps if (due := step.due(values, self._zone)) is not None]

    def _is_in_time(self, values: Values, due: datetime) -> bool:
        """Return True if a message due then is neither past, nor outdated, nor after a deadline that it may name."""
        expiry = self._trigger.expiry
        ends = expiry.after(due, values, self._zone) if expiry is not None else None
        day, today = due.astimezone(self._zone).date().isoformat(), self.today.isoformat()
        dates = [name for name, kind in self._type.variables().items() if kind == "date"]
        known = (str(values.get(f"event.{name}") or "") for name in dates)
        return day >= today and (ends is None or due < ends) and all(each >= day for each in known if each > today)

    def _event_with(self, persona: Persona, citizen: Mapping[str, Any], inventor: Inventor) -> dict[str, Any] | None:
        """Return the values of such an event with these dates."""
        made = flat(inventor.data(self._type.schema, optional=not persona.sparse))
        roles = {f"event.{role}": f"${role}" for role, several in self._type.roles.items() if not several}
        usual = {
            **citizen,
            **roles,
            **made,
            **self._known_of(citizen),
            **flat(persona.event),
            "event.type": self._type.name,
            "event.time": self._now,
        }
        fixed = {f"event.{name}" for name in persona.event}
        candidates = _candidates(self._conditions, self._type, usual)
        free = {name: values for name, values in candidates.items() if name not in fixed}
        tried = (self._with_law({**usual, **chosen}) for chosen in (*combinations(free), {}))
        return next((each for each in tried if all(one.holds(each) for one in self._conditions)), None)

    def _with_law(self, values: dict[str, Any]) -> dict[str, Any]:
        return values | law_of(self._trigger, values, self._catalogue, self.today, self._zone)

    def _unmet(self) -> str:
        if self._trigger.entitlement is None or self._trigger.when is not None:
            return N_("`when` does not hold for them")
        return N_("they do not meet the conditions of the benefit")

    def _known_of(self, citizen: Mapping[str, Any]) -> dict[str, Any]:
        """Return the event's values that the person's attributes already determine.

        A registry has the same date of birth.
        """
        return {
            setting.path: citizen[f"citizen.{setting.attribute}"]
            for role in self._trigger.to
            for setting in self._type.sets.get(role, ())
            if setting.path is not None and f"citizen.{setting.attribute}" in citizen
        }

    def _words(self, language: str, step: str, values: Mapping[str, Any]) -> Words:
        try:
            return Words(language, self._renderer.render(language, step, values, correction=step == CORRECTION))
        except WordsFailed as failed:
            return Words(language, None, f"{failed.variable} {failed.problem}")


def _put(data: dict[str, Any], path: Sequence[str], value: PlainData) -> None:
    """Set a value at a path."""
    for key in path[:-1]:
        data = data.setdefault(key, {})
    data[path[-1]] = value


def _candidates(
    conditions: Sequence[Condition], type_: EventType, usual: Mapping[str, Any]
) -> dict[str, Sequence[Any]]:
    """Return values of the event's fields that may make the conditions hold: those named, and their neighbours."""
    few = choices_of(type_)
    found: dict[str, list[Any]] = {}
    for when in conditions:
        for name in when.reads:
            if name in few:
                found[name] = list(few[name])
            elif name.startswith("event.") and name in usual:
                found.setdefault(name, [usual[name]]).extend(_neighbours(usual[name], when.text))
    return dict(found)


def _neighbours(value: PlainData, text: str) -> Iterator[PlainData]:
    if isinstance(value, int) and not isinstance(value, bool):
        for literal in map(int, _INTEGER.findall(text)):
            yield from (literal, literal + 1, max(0, literal - 1))
    if isinstance(value, str):
        yield from (one or other for one, other in _TEXT.findall(text))
