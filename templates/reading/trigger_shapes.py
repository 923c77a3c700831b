"""The shapes of trigger.yaml and of what stands before the words.

Unknown keys are refused: a misspelt key that is silently ignored sends nothing, or too much.
"""

from typing import Annotated, Literal

from pydantic import AfterValidator, Field, model_validator

from domain.core.translatable import Said
from domain.core.workdays import Roll
from domain.rules.joint_events import Order
from domain.rules.triggers import Class
from templates.reading.value_kinds import (
    Cel,
    Channel,
    Clock,
    Code,
    DayInYear,
    Duration,
    Law,
    Name,
    Names,
    On,
    Period,
    Shape,
    Since,
    StepName,
    Text,
    Titles,
    TypeName,
    Until,
    Url,
    distinct,
    distinct_codes,
    optional,
)


class RepeatShape(Shape):
    """The step again and again; the first is the step itself, the others are numbered: ask.2."""

    every: Period = Field(description="how long from one to the next, counted from when the first is due")
    at_most: Annotated[int, Field(ge=2, le=50)] = Field(description="how many in all, the first included")
    until: Literal["answered"] = optional("no more once the person answered any of these messages")


class StepShape(Shape):
    """The due of one message of an occurrence."""

    from_: Text = optional(
        "event.time, a date of the event or the citizen, or complete.time: when all of `with` is there", alias="from"
    )
    offset: Duration = optional("how long after it, or before it with a minus: -P30D, P18M, PT1H")
    on: DayInYear = optional(
        'that day (month-day, "08-15") of the year in which it would be otherwise; 02-29 is the last day of February'
    )
    at: Clock = optional('the local time of day, "09:00"')
    when: Cel = optional("CEL: whether the step applies")
    working_days: Annotated[int, Field(ge=-250, le=250)] = optional(
        "so many working days after it, or before it with a minus"
    )
    on_working_day: Roll = optional("where it goes from a day without work")
    repeat: RepeatShape = optional("again and again, with an end")
    smooth: Duration = optional("spread over so long, at most a day, instead of all at once: PT2H")


class WithShape(Shape):
    """A further event that is needed."""

    on: Text = Field(description="its event type")
    when: Cel = optional("CEL: which of them; the event of the trigger's `on` is `event`, this one is `later`")
    within: Period = Field(description="at most so long before or after that event")
    order: Order = optional("before that event, after it, or any (unless said)")


class CountShape(Shape):
    """The number of the event that starts it; the others only count."""

    nth: Annotated[int, Field(ge=2, le=50)] = Field(description="the third: 3")
    within: Period = Field(description="counted over so long, ending with the event")


class WindowShape(Shape):
    """A time around the moment when a step is due."""

    before: Period = optional("at most so long before the step is due: P1Y; any time before unless said")
    after: Period = optional("at most so long after the step is due: P60D; any time after unless said")

    @model_validator(mode="after")
    def _bounded(self) -> "WindowShape":
        if not self.model_fields_set:
            raise ValueError(Said("says how long before the step is due it may have happened: {before: P1Y}"))
        return self


class UnlessShape(Shape):
    """The thing itself happened, so nobody needs to be told."""

    on: Text = Field(description="the event type that tells so")
    when: Cel = optional("CEL: which of them; the first event is `event`, this one is `later`")
    within: WindowShape = optional("only if it happened at most so long before or after the step is due")
    grace: Duration = optional("wait so long for late reports of it")


class ActByShape(Shape):
    """The last day to act, as pages and calendars tell it; what is sent when does not depend on it."""

    from_: Text = Field(alias="from", description="a date of the event: event.issued_on")
    offset: Period = optional("so long after it: P6D")


class ActionShape(Shape):
    """A button or a link: with an address and a label of its own, or those of a service; or an answer."""

    id: Name
    url: Url = optional("where it leads")
    label: Titles = optional("language: words")
    service: Text = optional("a service of services.yaml: its link and, unless there is a label, its title")
    reply: Code = optional("the code of a reply: a page where the person confirms that answer")

    @model_validator(mode="after")
    def _leads_somewhere(self) -> "ActionShape":
        said = self.model_fields_set - {"id"}
        if said in ({"url"}, {"reply"}):
            raise ValueError(Said("a button has no words; write them as its label"))
        if said - {"label"} != {"service"} and said not in ({"url", "label"}, {"reply", "label"}):
            raise ValueError(Said("each has a url and a label, or a reply and a label, or names a service"))
        return self


class TriggerShape(Shape):
    """A service owner's rule: on what, when, to whom, due when, unless what, by which channels."""

    title: Titles = Field(description="language: words")
    owner: Text = Field(description="the agency, as in pack.yaml; another agency can neither read nor change it")
    legal_basis: Law = Field(description="language: the law that obliges or allows the agency to tell")
    category: Name = Field(description="what a citizen opts out of")
    class_: Class = Field(
        alias="class",
        description="what overrides preferences and caps; emergency: danger to life or limb, if pack.yaml allows it",
    )
    on: On = Field(description="the event type that starts it, or {becomes: benefit}, or {ceases: benefit}")
    when: Cel = optional("CEL: which of these events")
    with_: Annotated[list[WithShape], Field(min_length=1, max_length=5)] = optional(
        "other events that are needed too", alias="with"
    )
    in_order: bool = optional("those of `with` happened in this order, one after another")
    count: CountShape = optional("only the nth of these events within a time")
    to: Names = optional("the role or roles that are told; the subject unless said")
    residents_at: Literal["event", "due"] = optional("of an area event: who lived there then, or when it is due")
    occurrence: Names = optional(
        "what it is about: fields of the event, or `person`: once a person; each event by itself unless said"
    )
    due: dict[StepName, StepShape | None] = Field(
        min_length=1, max_length=100, description="named steps: when each is due"
    )
    smooth: Duration = optional("for steps that do not say it: spread over so long, at most a day (PT2H)")
    reach: Since = optional("from which event time it looks")
    ahead_from: Since = optional("what is due before is not sent")
    expires: Until = optional("until the end of a date (event.expires_on), or so long after it is due (P14D)")
    act_by: ActByShape = optional("the last day to act, where `expires` does not name it")
    catch_up: Literal["latest", "all", "none"] = optional("of steps overdue already: which go")
    unless: list[UnlessShape] = optional("the thing itself happened")
    channels: Annotated[list[Channel], Field(min_length=1), AfterValidator(distinct)] = Field(
        description="in this order, one after a failure or a silence"
    )
    cascade_after: Duration = optional("a silence of so long moves on to the next channel")
    cascade: Literal["until_opened"] = optional("a message that was not opened counts as a silence")
    minors: Literal["guardians", "self"] = optional("who is told for a minor")
    discreet: bool = optional("push, SMS and subject say nothing of the substance")
    actions: list[ActionShape] = optional("buttons and links under the words")
    replies: Annotated[dict[Code, TypeName], Field(min_length=1, max_length=9), AfterValidator(distinct_codes)] = (
        optional('what an answer with that code becomes: {"1": citizen.consent_given}')
    )
    correction: bool = optional("there are words for taking back what was sent")


class PushShape(Shape):
    """The two lines of a push message."""

    title: Text
    body: Text


class PartOfPushShape(Shape):
    """Other lines of a push message, for a step."""

    title: Text = optional("other title")
    body: Text = optional("other body")


class StepWordsShape(Shape):
    """Other words for a step."""

    subject: Text = optional("other subject")
    push: PartOfPushShape = optional("other push message")
    sms: Text = optional("other SMS")


class CorrectionShape(Shape):
    """The words that take back what was sent."""

    subject: Text = optional("of the email")
    push: PushShape = optional("the push message")
    sms: Text = optional("the SMS")
    body: Text = optional("the email, in Markdown")


class WordsShape(CorrectionShape):
    """A words file: the keys at its top, and the Markdown below them as `body`."""

    steps: dict[str, StepWordsShape] = optional("other words for a step")
    correction: CorrectionShape = optional("the words that take back what was sent")
