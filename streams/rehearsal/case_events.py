"""Read the events of a case, with invented persons, and the attributes that these have at the start; check both.

Events are checked as the intake checks them. An attribute must have a value that some event could have set.
"""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID
from zoneinfo import available_timezones

import jsonschema_rs

from domain.conditions.pattern_cost import validator_of
from domain.core.events import LifeEvent
from domain.core.plain import PlainData
from domain.core.timing import UTC, parse_offset, shift, zone_or
from domain.core.translatable import N_, Joined, Said, Words
from domain.persons.channels import ADDRESS_OF
from domain.persons.replies import Reply, code_meant, reply_event
from domain.rules.event_types import Catalogue, EventType
from domain.rules.reply_fields import NUDGE
from domain.rules.triggers import REPLIED
from streams.intake.cloudevents import Envelope, Refused
from streams.intake.validation import reason_of
from streams.rehearsal.case_model import BEYOND, CITIZEN, NAMED_AS, PERSON, EventShape, Reported, is_offset
from streams.rehearsal.stage import NAMES, Stage
from templates.checks.pattern_samples import example
from templates.checks.personas import UNKNOWN_ATTRIBUTE
from templates.reading.attributes import KINDS, has_kind
from templates.reading.findings import closest
from templates.reading.yaml_file import Document
from templates.reading.yaml_file import Path as At

FEW = 12
"""Up to this many known names are listed in a finding."""
NO_STEP = N_("no step is called {name!r}")
_NO_CHANNEL = N_("no channel is called {name!r}")


def note_unknown(
    document: Document, path: At, template: str, name: str, known: Iterable[str], *, key: bool = False, **given: str
) -> None:
    """Report an unknown name; without a similar name the finding lists the known ones, if they are few.

    `template`: the sentence about the `name`, with whatever else is `given`.
    """
    names, meant = sorted(set(known)), closest(name, known)
    message = Words(template, name=name, **given)
    if meant is None and 0 < len(names) <= FEW:
        message = Words("{unknown}; known: {names}", unknown=message, names=", ".join(names))
    document.note(path, message, meant, key=key)


class EventReader:
    """Makes life events. `met`: all persons who were given the role of a subject without being named."""

    def __init__(self, stage: Stage, document: Document, clock: datetime) -> None:
        self._stage, self._document, self._clock = stage, document, clock
        self.met: list[str] = []

    def events(self, shapes: Sequence[EventShape]) -> list[Reported]:
        """Return the events without findings."""
        made = [each for at, shape in enumerate(shapes) if (each := self._event(at, shape)) is not None]
        self._check_ids(shapes, [reported.event for reported in made])
        return made

    def moment(self, path: At, text: str) -> datetime:
        """Return a time of the case, in UTC."""
        if not is_offset(text):
            return datetime.fromisoformat(text).astimezone(UTC)
        try:
            return shift(self._clock, parse_offset(text), self._stage.defaults.zone)
        except OverflowError:
            self._document.note(path, BEYOND)
            return self._clock

    def _event(self, at: int, shape: EventShape) -> Reported | None:
        where: At = ("events", at)
        if shape.code is not None:
            return self._answer(where, shape, shape.code)
        types = self._stage.catalogue.types
        name = shape.type or ""
        if (type_ := types.get(name)) is None:
            note_unknown(self._document, (*where, "type"), N_("no event type is called {name!r}"), name, types)
            return None
        time = self.moment((*where, "at"), shape.at)
        if self._misspelt(where, shape, type_):
            return None
        data, subject = self._cast(where, shape, type_)
        if shape.answers is not None:
            self._check_answers(where, shape)
            data = {NUDGE: str(UUID(int=0)), **(data or {})}
        envelope = Envelope(
            specversion="1.0",
            id=shape.id or f"event-{at + 1}",
            source="/tests",
            type=name,
            time=time.isoformat(),
            subject=subject,
            data=data,
            corrects=shape.corrects,
            revision=shape.revision,
            annuls=bool(shape.annuls),
        )
        try:
            event = self._stage.checker.check(envelope)
        except Refused as refused:
            self._refused(where, refused)
            return None
        known = time if shape.known is None else self.moment((*where, "known"), shape.known)
        return Reported(event, known, shape.answers)

    def _answer(self, where: At, shape: EventShape, code: str) -> Reported | None:
        """Return an answer by code: its event type is known now, its nudge once that was sent."""
        trigger, catalogue = self._stage.trigger, self._stage.catalogue
        if shape.answers not in trigger.step_names:
            note_unknown(self._document, (*where, "answers"), NO_STEP, str(shape.answers), trigger.step_names)
        if (given := code_meant(code, trigger.replies)) is None:
            note_unknown(
                self._document,
                (*where, "code"),
                N_("no reply of the trigger is called {name!r}"),
                code,
                trigger.replies,
            )
            return None
        time = self.moment((*where, "at"), shape.at)
        recipient = shape.subject or CITIZEN
        self.met.append(recipient)
        reply = Reply(UUID(int=0), NAMES.pseudonym(recipient), code, time, "sms")
        event = reply_event(catalogue.types[trigger.replies[given]], reply, trigger.category, NAMES, (), catalogue)
        known = time if shape.known is None else self.moment((*where, "known"), shape.known)
        return Reported(event, known, shape.answers, reply)

    def _check_answers(self, where: At, shape: EventShape) -> None:
        steps = self._stage.trigger.step_names
        if shape.type != REPLIED:
            message = Words("only {event} answers a message", event=REPLIED)
            self._document.note((*where, "answers"), message, key=True)
        elif shape.answers not in steps:
            note_unknown(self._document, (*where, "answers"), NO_STEP, str(shape.answers), steps)

    def _misspelt(self, where: At, shape: EventShape, type_: EventType) -> bool:
        """Return True if a field is unknown, which is reported first because other findings follow from it."""
        known = type_.schema.get("properties", {})
        closed = type_.schema.get("additionalProperties") is False
        unknown = [name for name in shape.data or () if closed and name not in known]
        for name in unknown:
            template = N_("no field of {event} is called {name!r}")
            note_unknown(self._document, (*where, "data", name), template, name, known, key=True, event=type_.name)
        return bool(unknown)

    def _refused(self, where: At, refused: Refused) -> None:
        path = (*where, *("at" if refused.field == "time" else refused.field).split("."))
        if refused.code == "bad_national_id":
            self._document.note(path, NAMED_AS)
        else:
            self._document.note(path, Joined([refused.field, refused.reason]))

    def _cast(self, where: At, shape: EventShape, type_: EventType) -> tuple[dict[str, Any] | None, str | None]:
        """Return the event's data and subject, with the citizen under test in the role that the case gives them."""
        role = type_.subject if shape.as_ in (None, "subject") else shape.as_
        data, subject = shape.data, shape.subject
        if shape.as_ is not None and role not in type_.roles:
            template = N_("no role of {event} is called {name!r}")
            note_unknown(self._document, (*where, "as"), template, shape.as_, type_.roles, event=type_.name)
        elif role is not None and role != type_.subject:
            data = {role: [CITIZEN] if type_.roles[role] else CITIZEN} | (data or {})
            if CITIZEN not in _listed(data[role]):
                message = Words("the citizen under test is {role}: write {name} here", role=role, name=CITIZEN)
                self._document.note((*where, "data", role), message)
        if subject is not None and type_.subject is None:
            self._document.note((*where, "subject"), Words("{event} has no subject", event=type_.name))
        if subject is None and type_.subject is not None:
            subject = CITIZEN if role == type_.subject else f"${type_.subject}"
            self.met.append(subject)
        self._check_one_role(where, type_, data or {}, subject)
        return data, subject

    def _check_one_role(self, where: At, type_: EventType, data: dict[str, Any], subject: str | None) -> None:
        others = [role for role in type_.roles if role != type_.subject and CITIZEN in _listed(data.get(role))]
        if subject == CITIZEN and others:
            message = Words(
                "the citizen under test is both {role} and {other}; write as: {other}",
                role=type_.subject,
                other=others[0],
            )
            self._document.note((*where, "data", others[0]), message)

    def _check_ids(self, shapes: Sequence[EventShape], events: Sequence[LifeEvent]) -> None:
        ids = [shape.id for shape in shapes if shape.id is not None]
        for at, shape in enumerate(shapes):
            if shape.corrects is not None and shape.corrects not in ids:
                template = N_("no event of this case is called {name!r}")
                note_unknown(self._document, ("events", at, "corrects"), template, shape.corrects, ids)
        bodies: dict[str, bytes] = {}
        for event in events:
            if bodies.setdefault(event.id, event.digest) != event.digest:
                at = max(at for at, shape in enumerate(shapes) if shape.id == event.id)
                told = Said("another event has this id; a revision has its own")
                self._document.note(("events", at, "id"), told)


def _listed(value: PlainData) -> list[PlainData]:
    return value if isinstance(value, list) else [value]


_NOWHERE = "UTC"


class AttributeChecker:
    """Reports attributes that no event of these packs could set."""

    def __init__(self, stage: Stage, document: Document) -> None:
        self._document, self._categories = document, stage.categories
        self._languages, self._catalogue = stage.defaults.languages, stage.catalogue

    def check(self, where: At, attributes: Mapping[str, Any]) -> None:
        """Report wrong attributes of a person; null means unknown and is allowed."""
        known = self._catalogue.attributes
        for name, value in attributes.items():
            path: At = (*where, name)
            if name not in known:
                note_unknown(self._document, path, UNKNOWN_ATTRIBUTE, name, known, key=True)
            elif value is not None and not has_kind(known[name], value):
                self._document.note(path, Words(KINDS[known[name]][1], name=name))
            elif value is not None:
                self._check_value(path, name, value)

    def _check_value(self, path: At, name: str, value: PlainData) -> None:
        match name:
            case "language":
                self._check_names([(path, value)], N_("no language of the packs is called {name!r}"), self._languages)
            case "zone":
                known = (value,) if zone_or(value, _NOWHERE).key == value else available_timezones()
                self._check_names([(path, value)], N_("no time zone is called {name!r}"), known)
            case "channels":
                self._check_names(_entries(path, value), _NO_CHANNEL, ADDRESS_OF)
            case "opted_out" | "consents":
                self._check_categories(path, value, of_a_channel=name == "opted_out")
            case "guardians" if not all(re.fullmatch(PERSON, each) for each in value):
                self._document.note(path, Said("guardians are named as in $mother"))
            case _:
                self._check_as_set(path, name, value)

    def _check_names(self, given: Iterable[tuple[At, str]], template: str, known: Iterable[str]) -> None:
        for path, name in given:
            if name not in known:
                note_unknown(self._document, path, template, name, known)

    def _check_categories(self, path: At, value: list[str], *, of_a_channel: bool) -> None:
        """Check categories; a refusal may also name one channel of a category (health/sms)."""
        for at, entry in _entries(path, value):
            category, slash, channel = entry.partition("/") if of_a_channel else (entry, "", "")
            template = N_("no category of these packs' triggers is called {name!r}")
            self._check_names([(at, category)], template, self._categories)
            self._check_names([(at, channel)] if slash else (), _NO_CHANNEL, ADDRESS_OF)

    def _check_as_set(self, path: At, name: str, value: PlainData) -> None:
        """Check the value against the schemas of the fields that set the attribute; one that fits is enough."""
        allowed = [*_settings(self._catalogue, name)]
        errors = [error for schema in allowed if (error := _error(schema, value)) is not None]
        if errors and len(errors) == len(allowed):
            options = [one for schema in allowed for one in schema.get("enum", ()) if isinstance(one, str)]
            if options:
                template = N_("no value of {attribute} is called {name!r}")
                note_unknown(self._document, path, template, str(value), options, attribute=name)
            else:
                self._document.note(path, Joined([name, _reason(allowed[0], errors[0])]))


def _entries(path: At, values: Iterable[str]) -> Iterator[tuple[At, str]]:
    return (((*path, at), each) for at, each in enumerate(values))


def _settings(catalogue: Catalogue, attribute: str) -> Iterator[dict[str, Any]]:
    """Yield the schema of each field that sets the attribute; one that is set otherwise allows everything."""
    for type_ in catalogue.types.values():
        for setting in (
            setting for settings in type_.sets.values() for setting in settings if setting.attribute == attribute
        ):
            if setting.path is None:
                yield {}
                continue
            schema: Any = type_.schema
            for name in setting.path.removeprefix("event.").split("."):
                schema = schema.get("properties", {}).get(name, {})
            yield dict(schema)


def _error(schema: dict[str, PlainData], value: PlainData) -> jsonschema_rs.ValidationError | None:
    return next(iter(validator_of(schema, validate_formats=True).iter_errors(value)), None)


def _reason(schema: Mapping[str, Any], error: jsonschema_rs.ValidationError) -> Said:
    like = example(schema["pattern"]) if "pattern" in schema else None
    return reason_of(error) if like is None else Words("is written as in {example!r}", example=like)
