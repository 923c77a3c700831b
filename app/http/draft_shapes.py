"""Bodies of requests and answers about drafts."""

from datetime import datetime
from typing import Any

from pydantic import BaseModel, Field

from app.http.shapes import FindingItem
from app.packs.draft_bench import DraftText


class DraftBody(BaseModel, extra="forbid"):
    """A trigger as text, to be looked at in its pack as that is published."""

    pack: str = Field(max_length=100)
    trigger: str = Field(max_length=100)
    files: dict[str, str] = Field(min_length=1, max_length=30, description="trigger.yaml, kk.md, tests.yaml …")

    def text(self) -> DraftText:
        """Return the draft for the bench."""
        return DraftText(self.pack, self.trigger, self.files)


class PreviewBody(DraftBody):
    """A draft, and the person for whom its words are shown."""

    persona: str = Field(default="", max_length=40, description="adult, pensioner …; empty: everybody")


class DifferenceItem(BaseModel):
    """The expected and the actual message (null: nothing like it), and their differences."""

    expected: str | None
    got: str | None
    why: str
    words: list[str]


class CaseItem(BaseModel):
    """A case of a draft's tests, as it was played: each decision in the order of the clock."""

    name: str
    line: int
    passed: bool
    differences: list[DifferenceItem]
    decisions: list[str]


class Tested(BaseModel):
    """The results of a draft's tests; with `findings` of errors nothing was played."""

    passed: bool
    items: list[CaseItem]
    findings: list[FindingItem]
    more_findings: int = Field(default=0, description="so many more are not listed")


class HeardItem(BaseModel):
    """The messages for one person at one step in one language, by channel.

    `nothing`: the reason why there are none.
    """

    trigger: str
    persona: str
    told: str
    nothing: str | None = None
    step: str | None = None
    due: datetime | None = None
    language: str | None = None
    problem: str | None = None
    push: dict[str, Any] | None = None
    sms: dict[str, Any] | None = None
    email: dict[str, Any] | None = None


class Heard(BaseModel):
    """The messages that invented people would get from a draft; with `findings` nothing was rendered."""

    items: list[HeardItem]
    findings: list[FindingItem]
    more_findings: int = Field(default=0, description="so many more are not listed")
