"""The shapes of trigger.yaml and of what stands before the words.

Unknown keys are refused: a misspelt key that is silently ignored sends nothing, or too much.
"""

from typing import Annotated, Literal

from pydantic import AfterValidator, Field

from domain.triggers import Class
from templates.kinds import (
    Channel,
    Clock,
    Day,
    Duration,
    Name,
    Names,
    On,
    Shape,
    StepName,
    Text,
    Titles,
    Until,
    Url,
    distinct,
    optional,
)  # fmt: skip


class StepShape(Shape):
    """When one message of an occurrence is due."""

    from_: Text = optional("event.time, or a date of the event or the citizen", alias="from")
    offset: Duration = optional("how long after it, or before it with a minus: -P30D, P18M, PT1H")
    at: Clock = optional('the local time of day, "09:00"')
    when: Text = optional("CEL: whether the step applies")


class UnlessShape(Shape):
    """The thing itself happened, so nobody needs to be told."""

    on: Text = Field(description="the event type that tells so")
    when: Text = optional("CEL: which of them; the first event is `event`, this one is `later`")
    grace: Duration = optional("wait so long for late reports of it")


class ActionShape(Shape):
    """A button or a link."""

    id: Name
    url: Url
    label: Titles = Field(description="language: words")


class TriggerShape(Shape):
    """A service owner's rule: on what, when, to whom, due when, unless what, by which channels."""

    title: Titles = Field(description="language: words")
    owner: Text = Field(description="the agency, as in pack.yaml; another agency can neither read nor change it")
    legal_basis: Text = Field(description="the law that obliges or allows the agency to tell")
    category: Name = Field(description="what a citizen opts out of")
    class_: Class = Field(alias="class", description="what overrides preferences and caps")
    on: On = Field(description="the event type that starts it, or {becomes: benefit}, or {ceases: benefit}")
    when: Text = optional("CEL: which of these events")
    to: Names = optional("the role or roles that are told; the subject unless said")
    occurrence: Names = optional("what it is about: fields of the event; each event by itself unless said")
    due: dict[StepName, StepShape | None] = Field(min_length=1, description="named steps: when each is due")
    reach: Day = optional("from which event time it looks")
    ahead_from: Day = optional("what is due before is not sent")
    expires: Until = optional("until the end of a date (event.expires_on), or so long after it is due (P14D)")
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


class WordsShape(Shape):
    """A words file: the keys at its top, and the Markdown below them as `body`."""

    subject: Text = optional("of the email")
    push: PushShape = optional("the push message")
    sms: Text = optional("the SMS")
    body: Text = optional("the email, in Markdown")
    steps: dict[str, StepWordsShape] = optional("other words for a step")
    correction: CorrectionShape = optional("the words that take back what was sent")
