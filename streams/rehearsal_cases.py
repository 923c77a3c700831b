"""Reads tests.yaml: cases with everything in them checked, and what is wrong named by line and column."""

import re
from collections.abc import Iterator, Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

from domain.channels import ADDRESS_OF as CHANNELS
from domain.delivery import State
from domain.events import LifeEvent
from domain.settle import Reason
from domain.timing import UTC, zone_or
from domain.triggers import CORRECTION
from streams.rehearsal_events import EventReader, Notes
from streams.rehearsal_script import CITIZEN, NOT_APPLICABLE, Case, Expected
from streams.rehearsal_shapes import PERSON, CaseShape, ExpectedShape
from streams.rehearsal_stage import NAMES, OPENING, ROLE, Stage
from templates.attributes import KINDS, is_of
from templates.files import read_document
from templates.findings import Report
from templates.shape_check import check_shape
from templates.yaml_file import Document
from templates.yaml_file import Path as At

CONTACT: Mapping[str, Any] = {"phone": "+77010000000", "email": "citizen@example.org"}
"""How everybody can be reached, unless a case says otherwise."""

ALSO: Mapping[str, str] = {"catch_up": Reason.CAUGHT_UP.value}
REASONS = frozenset([*map(str, Reason), str(State.CANCELLED), str(State.EXPIRED), NOT_APPLICABLE, *ALSO])
"""What `because` may say: a reason of settle, what became of the nudge, or that there was none."""


def read_cases(path: Path, stage: Stage, report: Report) -> list[Case]:
    """The cases in a trigger's tests.yaml; those with findings are left out."""
    document = read_document(path, report)
    if document.data is None:
        return []
    if not isinstance(document.data, list):
        report.add(document.finding(document.value(()), "the file is a list of cases, each with a name"))
        return []
    read = (_read(document.part(at), stage, report) for at in range(len(document.data)))
    return [case for case in read if case is not None]


def _empty(path: At, content: Any) -> Iterator[At]:  # noqa: ANN401  (plain data)
    """The keys without a value; in data and attributes, null is one."""
    for key, inner in content.items() if isinstance(content, dict) else ():
        if inner is None:
            yield (*path, key)
        elif key not in ("data", "citizen", "persons"):
            yield from _empty((*path, key), inner)
    for at, inner in enumerate(content) if isinstance(content, list) else ():
        yield from _empty((*path, at), inner)


def _read(document: Document, stage: Stage, report: Report) -> Case | None:
    before = len(report)
    for path in _empty((), document.data):
        report.add(document.finding(document.value(path), f"{path[-1]} is empty"))
    if check_shape(document, CaseShape, report):
        return None
    case = _Reader(document, stage, Notes(document, report)).case(CaseShape.model_validate(document.data))
    return case if len(report) == before else None


class _Reader:
    def __init__(self, document: Document, stage: Stage, notes: Notes) -> None:
        self.document, self.stage, self.notes = document, stage, notes

    def case(self, shape: CaseShape) -> Case:
        clock = datetime.fromisoformat(shape.clock).astimezone(UTC)
        reader = EventReader(self.stage, self.notes, clock)
        events = reader.events(shape.events or [])
        expected = [self._expected(reader, at, one) for at, one in enumerate(shape.expect)]
        letters = dict.fromkeys([CITIZEN, *reader.met, *_persons(self.document.data)])
        first = min([clock, *(each.event.time for each in events)])
        zone = (shape.citizen or {}).get("zone")
        return Case(
            path=self.document.path, line=self.document.value(()).line, name=shape.name, clock=clock,
            zone=zone_or(zone if isinstance(zone, str) else None, self.stage.defaults.zone),
            openings=tuple(self._openings(shape, list(letters), first)), events=tuple(events),
            expected=tuple(expected), names={NAMES.pseudonym(letter): letter for letter in letters},
            sent_lately=shape.sent_lately or 0,
        )  # fmt: skip

    def _openings(self, shape: CaseShape, letters: list[str], time: datetime) -> Iterator[LifeEvent]:
        """What is known of each at the start, as events before all others."""
        persons = shape.persons or {}
        if CITIZEN[1:] in persons:
            self.notes.wrong(("persons", CITIZEN[1:]), "the one under test stands under `citizen`", key=True)
        for letter in letters:
            under_test = letter == CITIZEN
            attributes = (shape.citizen if under_test else persons.get(letter[1:])) or {}
            self._check_attributes(("citizen",) if under_test else ("persons", letter[1:]), attributes)
            yield _opening(letter, attributes, time)

    def _check_attributes(self, where: At, attributes: Mapping[str, Any]) -> None:
        known = self.stage.catalogue.attributes
        for name, value in attributes.items():
            path: At = (*where, name)
            if name not in known:
                self.notes.unknown(path, "attribute", name, known, key=True)
            elif value is not None and not is_of(known[name], value):
                self.notes.wrong(path, f"{name} must be {KINDS[known[name]][1]}")
            elif name == "channels":
                for at, each in enumerate(value or ()):
                    if each not in CHANNELS:
                        self.notes.unknown((*path, at), "channel", each, CHANNELS)
            elif name == "guardians" and not all(re.fullmatch(PERSON, each) for each in value or ()):
                self.notes.wrong(path, "guardians are named as in $mother")

    def _expected(self, reader: EventReader, at: int, shape: ExpectedShape) -> Expected:
        where: At = ("expect", at)
        self._check_expected(where, shape)
        parts, because = shape.parts, shape.because
        return Expected(
            line=self.document.value(where).line,
            at=None if shape.at is None else reader.moment((*where, "at"), shape.at),
            step=shape.step, to=shape.to, channel=shape.channel, contains=tuple(shape.contains or ()),
            least=parts.min if parts else 0, most=parts.max if parts else None, nothing=bool(shape.nothing),
            because=ALSO.get(because or "", because), digest=bool(shape.digest),
        )  # fmt: skip

    def _check_expected(self, where: At, shape: ExpectedShape) -> None:
        steps = [*self.stage.trigger.step_names, CORRECTION]
        if shape.step is not None and shape.step not in steps:
            self.notes.unknown((*where, "step"), "step", shape.step, steps)
        if shape.because is not None and shape.because not in REASONS:
            self.notes.unknown((*where, "because"), "reason", shape.because, REASONS)
        said = [name for name in ("channel", "contains", "parts", "digest") if getattr(shape, name) is not None]
        if shape.nothing and said:
            self.notes.wrong((*where, said[0]), f"nothing is sent, so there is no {said[0]}", key=True)
        if shape.because is not None and not shape.nothing:
            self.notes.wrong((*where, "because"), "only `nothing: true` has a reason", key=True)
        if shape.at is None and not shape.nothing:
            self.notes.wrong(where, "at is missing: when does it go?")


def _opening(letter: str, attributes: Mapping[str, Any], time: datetime) -> LifeEvent:
    values = {**CONTACT, **attributes}
    if isinstance(guardians := values.get("guardians"), list):
        values["guardians"] = [NAMES.pseudonym(str(each)) for each in guardians]
    return LifeEvent(
        stream=NAMES.stream("", letter), source="", id=letter, type=OPENING, time=time,
        persons={ROLE: (NAMES.pseudonym(letter),)}, fields={ROLE: {OPENING: values}},
    )  # fmt: skip


def _persons(content: Any) -> Iterator[str]:  # noqa: ANN401  (plain data)
    """Everybody whom the case names."""
    if isinstance(content, str) and re.fullmatch(PERSON, content):
        yield content
    if isinstance(content, dict):
        yield from (f"${name}" for name in content.get("persons") or ())
    for inner in content.values() if isinstance(content, dict) else content if isinstance(content, list) else ():
        yield from _persons(inner)
