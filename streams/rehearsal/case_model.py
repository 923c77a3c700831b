"""The model of a rehearsal: the shape of tests.yaml, the cases read from it, and the results as plain data."""

from collections.abc import Mapping
from datetime import datetime
from typing import Annotated, Any, Literal
from uuid import UUID
from zoneinfo import ZoneInfo

from msgspec import Struct
from pydantic import AfterValidator, BeforeValidator, Field, model_validator

from domain.core.events import LifeEvent
from domain.core.plain import PlainData
from domain.core.timing import parse_offset, utc
from domain.core.translatable import Said, Words
from domain.persons.replies import Reply
from templates.reading.value_kinds import Channel, Name, Names, Positive, Shape, StepRef, Text, matching, optional

PERSON = r"\$[a-z][a-z0-9_]*"
NAMED_AS = Said("a person is named as in $child; the one under test is $citizen")
BEYOND = Said("this lies beyond the calendar")


def _moment(text: str) -> str:
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise ValueError(Said("a time is written 2026-03-01T09:00+05:00")) from None
    if moment.tzinfo is None:
        raise ValueError(Said("the time has no zone; write 2026-03-01T09:00+05:00"))
    try:
        utc(moment)
    except OverflowError:
        raise ValueError(BEYOND) from None
    return text


def is_offset(text: str) -> bool:
    """Return True if the text is an offset from the clock's start."""
    return text.lstrip("+-").startswith("P")


def _when(text: str) -> str:
    if not is_offset(text):
        return _moment(text)
    parse_offset(text)
    return text


def _range(parts: PlainData) -> PlainData:
    if isinstance(parts, int) and not isinstance(parts, bool):
        return {"min": parts, "max": parts}
    if not isinstance(parts, dict):
        raise ValueError(Said("a number, or {min: 1, max: 2}"))  # noqa: TRY004  (pydantic tells of a ValueError only)
    return parts


Moment = Annotated[str, AfterValidator(_moment)]
When = Annotated[str, AfterValidator(_when)]
Letter = Annotated[str, matching(PERSON, NAMED_AS)]
Attributes = dict[Name, Any]


class PartsShape(Shape):
    """The number of parts of an SMS: a number or a range."""

    min: Positive = Field(default=1)
    max: Positive | None = optional("at most so many")


Parts = Annotated[PartsShape, BeforeValidator(_range, json_schema_input_type=Positive | PartsShape)]


class EventShape(Shape):
    """Something happened, and was reported."""

    at: When = Field(description="when it happened: a time, or an offset from the clock's start such as +P40D")
    type: Text | None = optional("the event type")
    as_: Name | None = optional("the role that the citizen under test plays; default: the subject", alias="as")
    subject: Letter | None = optional("who the subject is, where it is somebody else: $child")
    data: dict[str, Any] | None = optional("as in the event; persons are named $citizen, $child …")
    id: Text | None = optional("by which a later event corrects it")
    corrects: Text | None = optional("the id of the event that it corrects")
    revision: int | None = optional("2 or more, with `corrects`")
    annuls: bool | None = optional("it takes the original back")
    answers: StepRef | None = optional(
        "the step whose message is answered: by a code, or by an event of citizen.replied"
    )
    code: Text | None = optional("the answer, one of the trigger's replies: it says which event this is")
    known: When | None = optional("when it is reported; default: when it happens")

    @model_validator(mode="after")
    def _says_what_it_is(self) -> "EventShape":
        if (self.type is None) == (self.code is None):
            raise ValueError(Said("an event says its type, or the code of an answer"))
        if self.code is not None and (given := self.model_fields_set - {"at", "subject", "answers", "code", "known"}):
            raise ValueError(Words("an answer by code has no {key}", key=min(given).rstrip("_")))
        if self.code is not None and self.answers is None:
            raise ValueError(Said("an answer by code says which step it answers: answers: ask"))
        return self


class ExpectedShape(Shape):
    """A message that goes, or one that does not, and why."""

    at: When | None = optional("when")
    step: StepRef | None = optional("which step of the trigger (ask.2: its repetition), or `correction`")
    to: Letter | None = optional("who gets it, where it is not the citizen under test")
    channel: Channel | None = optional("by which channel")
    digest: Literal[True] | None = optional("it goes with the digest of the day, because of the cap")
    contains: Names | None = optional("what its words contain: one text or several")
    parts: Parts | None = optional("in how many parts the SMS goes")
    nothing: Literal[True] | None = optional("nothing is sent")
    because: Text | None = optional("why nothing is sent")


class CaseShape(Shape):
    """One test of a trigger."""

    name: Text
    clock: Moment = Field(description="where the virtual clock starts")
    citizen: Attributes | None = optional("what is known of the citizen under test at the start")
    persons: dict[Name, Attributes] | None = optional("the same of others: mother: {language: ru}")
    sent_lately: Positive | None = optional("so many messages of others count towards the citizen's cap, always")
    events: list[EventShape] | None = optional("what happens")
    expect: list[ExpectedShape] = Field(description="every message that goes, and what is known not to go")


CITIZEN = "$citizen"
"""The citizen under test."""
NOT_APPLICABLE = "not_applicable"
"""The reason if nothing was ever planned."""


class Reported(Struct, frozen=True):
    """A life event and the time when it becomes known; `answers`: the step whose nudge it names.

    `reply`: an answer by code, which becomes the event that the trigger names for it.
    """

    event: LifeEvent
    known: datetime
    answers: str | None = None
    reply: Reply | None = None


class Expected(Struct, frozen=True):
    """A message expected to be sent, or not (`nothing`); None and () accept anything."""

    line: int
    at: datetime | None
    step: str | None
    to: str | None
    channel: str | None
    contains: tuple[str, ...]
    least: int
    most: int | None
    nothing: bool
    because: str | None
    digest: bool = False


class TriggerTest(Struct, frozen=True):
    """One test of a trigger.

    `openings`: events with the persons' attributes at the start; `names`: pseudonym -> `$child`; `sent_lately`:
    number of messages of other triggers that always count towards the cap of the citizen under test.
    """

    path: str
    line: int
    name: str
    clock: datetime
    zone: ZoneInfo
    openings: tuple[LifeEvent, ...]
    events: tuple[Reported, ...]
    expected: tuple[Expected, ...]
    names: Mapping[str, str]
    sent_lately: int = 0

    def when(self, moment: datetime) -> str:
        """Return the moment in the zone of the citizen under test."""
        return moment.astimezone(self.zone).isoformat(timespec="minutes")


class Ending(Struct, frozen=True):
    """The end of a nudge for one recipient: sent by a channel with this text, or not (`because`).

    `at`: time of sending or of the decision, or the due time if there was none. `digest`: it was part of a digest,
    and this is the digest's text.
    """

    at: datetime
    step: str
    recipient: str
    channel: str | None = None
    text: str = ""
    because: str | None = None
    digest: bool = False


class Decision(Struct, frozen=True):
    """One line of a rehearsal, in the order of the clock; `nudge` is None if a fact became known."""

    at: datetime
    what: str
    about: str
    nudge: UUID | None = None
    until: datetime | None = None
    reason: str | None = None
    channel: str | None = None
    text: str = ""


class RehearsedCase(Struct, frozen=True):
    """A rehearsed case: the ends of the citizen's nudges, by time, and every decision."""

    endings: tuple[Ending, ...]
    decisions: tuple[Decision, ...]
