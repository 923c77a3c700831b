"""Read tests.yaml: check everything in the cases, and report findings by line and column."""

import re
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

from domain.core.events import LifeEvent
from domain.core.plain import PlainData
from domain.core.timing import UTC
from domain.core.translatable import N_, Said, Words
from domain.nudges.delivery import State
from domain.nudges.settle import NotSentReason
from domain.persons.hours import zone_of_attributes
from domain.rules.event_types import ZONE
from domain.rules.triggers import CORRECTION
from streams.rehearsal.case_events import NO_STEP, AttributeChecker, EventReader, note_unknown
from streams.rehearsal.case_model import (
    CITIZEN,
    NOT_APPLICABLE,
    PERSON,
    CaseShape,
    Expected,
    ExpectedShape,
    TriggerTest,
)
from streams.rehearsal.stage import NAMES, OPENING, ROLE, Stage
from templates.checks.placeholders import check_case
from templates.checks.shape_check import check_shape
from templates.reading.files import read_document
from templates.reading.findings import Finding, Report
from templates.reading.yaml_file import Document
from templates.reading.yaml_file import Path as At

CONTACT: Mapping[str, Any] = {"phone": "+77010000000", "email": "citizen@example.org"}
"""The addresses of everybody, unless a case says otherwise."""

ALSO: Mapping[str, str] = {"catch_up": NotSentReason.CAUGHT_UP.value}
CASE_REASONS = frozenset([*map(str, NotSentReason), str(State.CANCELLED), str(State.EXPIRED), NOT_APPLICABLE, *ALSO])
"""The values of `because`: a reason of `settle`, a final state, or that nothing was planned."""

SILENT = N_("no test expects a message: write one in which somebody gets it before it is submitted")
"""The finding for tests that prove only silence: they would pass for a trigger that never speaks."""
_NO_PERSON = N_("no person of this case is called {name!r}")
_NO_REASON = N_("no reason is called {name!r}")


def read_cases(path: Path, stage: Stage, report: Report) -> list[TriggerTest]:
    """Return the cases in a trigger's tests.yaml, without those that have findings."""
    document = read_document(path, report)
    if document.data is None:
        return []
    if not isinstance(document.data, list):
        document.note((), Said("the file is a list of cases, each with a name"))
        return []
    read = (_read(document.part(at), stage) for at in range(len(document.data)))
    return [case for case in read if case is not None]


def check_speaks(cases: Sequence[TriggerTest], report: Report) -> None:
    """Report cases of a trigger of which none expects a message; not where some of its cases could not be read."""
    if (
        not cases
        or report.about([cases[0].path])
        or any(not each.nothing for case in cases for each in case.expected)
    ):
        return
    report.add(Finding(cases[0].path, cases[0].line, 1, Words(SILENT), warning=True, placeholder=True))


def is_silent(finding: Finding) -> bool:
    """Return True if a finding says that the tests prove only silence."""
    return getattr(finding.message, "template", "") == SILENT


def _empty(path: At, content: PlainData) -> Iterator[At]:
    """Yield the paths of keys without a value; in data and attributes null is a value."""
    for key, inner in content.items() if isinstance(content, dict) else ():
        if inner is None:
            yield (*path, key)
        elif key not in ("data", "citizen", "persons"):
            yield from _empty((*path, key), inner)
    for at, inner in enumerate(content) if isinstance(content, list) else ():
        yield from _empty((*path, at), inner)


def _read(document: Document, stage: Stage) -> TriggerTest | None:
    before = len(document.report)
    for path in _empty((), document.data):
        document.note(path, Words("{name} is empty", name=path[-1]))
    if check_shape(document, CaseShape):
        return None
    case = _Reader(document, stage).case(CaseShape.model_validate(document.data))
    if len(document.report) > before:
        return None
    check_case(document)
    return case


class _Reader:
    def __init__(self, document: Document, stage: Stage) -> None:
        self.document, self.stage = document, stage

    def case(self, shape: CaseShape) -> TriggerTest:
        clock = datetime.fromisoformat(shape.clock).astimezone(UTC)
        reader = EventReader(self.stage, self.document, clock)
        events = reader.events(shape.events or [])
        expected = [self._expected(reader, at, one) for at, one in enumerate(shape.expect)]
        described = (f"${name}" for name in shape.persons or ())
        letters = dict.fromkeys([CITIZEN, *reader.met, *_named(self.document.data), *described])
        if len(events) == len(shape.events or []):  # the persons in a broken event are not known
            self._check_persons(shape, {CITIZEN, *reader.met})
        first = min([clock, *(event.event.time for event in events)])
        zone = (shape.citizen or {}).get("zone")
        return TriggerTest(
            path=self.document.path,
            line=self.document.value(()).line,
            name=shape.name,
            clock=clock,
            zone=zone_of_attributes({ZONE: zone} if isinstance(zone, str) else {}, self.stage.defaults),
            openings=tuple(self._openings(shape, list(letters), first)),
            events=tuple(events),
            expected=tuple(expected),
            names={NAMES.pseudonym(letter): letter for letter in letters},
            sent_lately=shape.sent_lately or 0,
        )

    def _check_persons(self, shape: CaseShape, cast: set[str]) -> None:
        """Report persons with attributes whom nothing names: probably a misspelt name."""
        cast |= {*_named({key: inner for key, inner in self.document.data.items() if key != "expect"})}
        known = {f"${name}" for name in shape.persons or {}}
        for letter in sorted(known - cast) if self.stage.trigger.to else ():  # an area event names nobody
            note_unknown(self.document, ("persons", letter[1:]), _NO_PERSON, letter, cast, key=True)
        for at, expected in enumerate(shape.expect):
            if expected.to is not None and expected.to not in cast | known:
                note_unknown(self.document, ("expect", at, "to"), _NO_PERSON, expected.to, cast | known)

    def _openings(self, shape: CaseShape, letters: list[str], time: datetime) -> Iterator[LifeEvent]:
        """Yield the persons' attributes at the start, as events before all others."""
        persons, checker = shape.persons or {}, AttributeChecker(self.stage, self.document)
        if CITIZEN[1:] in persons:
            told = Said("the one under test stands under `citizen`")
            self.document.note(("persons", CITIZEN[1:]), told, key=True)
        for letter in letters:
            under_test = letter == CITIZEN
            attributes = (shape.citizen if under_test else persons.get(letter[1:])) or {}
            checker.check(("citizen",) if under_test else ("persons", letter[1:]), attributes)
            yield _opening(letter, attributes, time)

    def _expected(self, reader: EventReader, at: int, shape: ExpectedShape) -> Expected:
        where: At = ("expect", at)
        self._check_expected(where, shape)
        parts, because = shape.parts, shape.because
        return Expected(
            line=self.document.value(where).line,
            at=None if shape.at is None else reader.moment((*where, "at"), shape.at),
            step=shape.step,
            to=shape.to,
            channel=shape.channel,
            contains=tuple(shape.contains or ()),
            least=parts.min if parts else 0,
            most=parts.max if parts else None,
            nothing=bool(shape.nothing),
            because=ALSO.get(because or "", because),
            digest=bool(shape.digest),
        )

    def _check_expected(self, where: At, shape: ExpectedShape) -> None:
        steps = [*self.stage.trigger.step_names, CORRECTION]
        if shape.step is not None and shape.step not in steps:
            note_unknown(self.document, (*where, "step"), NO_STEP, shape.step, steps)
        channels = self.stage.trigger.channels
        if shape.channel not in (None, *channels) and not shape.digest:  # which has channels of its own
            message = Words(
                "the trigger never goes by {channel}, only by {channels}",
                channel=shape.channel,
                channels=", ".join(channels),
            )
            self.document.note((*where, "channel"), message)
        if shape.because is not None and shape.because not in CASE_REASONS:
            note_unknown(self.document, (*where, "because"), _NO_REASON, shape.because, CASE_REASONS)
        said = [name for name in ("channel", "contains", "parts", "digest") if getattr(shape, name) is not None]
        if shape.nothing and said:
            message = Words("nothing is sent, so there is no {key}", key=said[0])
            self.document.note((*where, said[0]), message, key=True)
        if shape.because is not None and not shape.nothing:
            self.document.note((*where, "because"), Said("only `nothing: true` has a reason"), key=True)
        if shape.at is None and not shape.nothing:
            self.document.note(where, Said("at is missing: when does it go?"))


def _opening(letter: str, attributes: Mapping[str, Any], time: datetime) -> LifeEvent:
    values = {**CONTACT, **attributes}
    if isinstance(guardians := values.get("guardians"), list):
        values["guardians"] = [NAMES.pseudonym(str(guardian)) for guardian in guardians]
    return LifeEvent(
        stream=NAMES.stream("", letter),
        source="",
        id=letter,
        type=OPENING,
        time=time,
        persons={ROLE: (NAMES.pseudonym(letter),)},
        fields={ROLE: {OPENING: values}},
    )


def _named(content: PlainData) -> Iterator[str]:
    if isinstance(content, str) and re.fullmatch(PERSON, content):
        yield content
    for inner in content.values() if isinstance(content, dict) else content if isinstance(content, list) else ():
        yield from _named(inner)
