"""Answers about rules, figures and jobs, as the API's description promises them."""

from datetime import date, datetime

from pydantic import BaseModel, Field


class Rule(BaseModel):
    """A published version of a trigger. `state`: in force, stopped, paused, withdrawn or earlier; `stopped_by`: the
    switches that hold it back, such as "all", "channel sms" or "paused NAME".
    """

    trigger: str
    hash: str
    owner: str
    state: str
    stopped_by: list[str]
    share: float
    reach: datetime
    ahead_from: datetime
    published: datetime
    by: str


class RuleList(BaseModel):
    """The published versions that the caller may know."""

    items: list[Rule]


class Waiting(BaseModel):
    """A version that was submitted; `state`: submitted, approved or refused."""

    kind: str
    name: str
    hash: str
    owner: str
    state: str
    refused_before: str | None = Field(default=None, description="Why this very content was refused earlier")


class WaitingList(BaseModel):
    """The versions that wait for approval or publication and that the caller may see."""

    items: list[Waiting]


class Governed(BaseModel):
    """The outcome for a version; `new`: False if it was so before."""

    name: str
    hash: str
    new: bool
    refused_before: str | None = Field(default=None, description="Why this very content was refused earlier")


class Switched(BaseModel):
    """The state of a trigger's switch; `new`: False if it was so before."""

    trigger: str
    paused: bool
    new: bool


class Files(BaseModel, extra="forbid"):
    """A pack as text: path within its folder -> content."""

    files: dict[str, str] = Field(min_length=1, max_length=500)


class FindingItem(BaseModel):
    """A finding, by file, line and column (from 1)."""

    path: str
    line: int
    column: int
    message: str
    suggestion: str | None
    warning: bool
    placeholder: bool = Field(default=False, description="Text that nobody has replaced yet: it stops `submit`")


class Findings(BaseModel):
    """The findings of `lint`; none: it could be submitted. `more`: the number that is not listed."""

    items: list[FindingItem]
    more: int = 0


class Count(BaseModel):
    """The number of times that something happened to a trigger's nudges on a day (UTC)."""

    day: date
    trigger: str
    what: str = Field(
        description="The outcome: `planned`; `attempted`, `sent`, `delivered`, `opened`, `answered` and `done` with"
        " channel and language (`sent.sms.kk`; `done`: the thing itself was done after the message had gone, counted"
        " on the day when it was done); `withheld`, `deferred` and `failed` with the reason (`withheld.opted_out`)."
    )
    count: int


class Counts(BaseModel):
    """Figures of the caller's agency; no person is in them."""

    items: list[Count]


class JobPlan(BaseModel):
    """The extent of a job; `seconds`: its estimated duration."""

    what: str
    count: int
    unit: str
    seconds: float


class JobItem(BaseModel):
    """A job as everybody may see it. `plan`: what was counted and waits to be confirmed; `worked`: seconds.

    `note`: that nobody is there to take it up, and what to do.
    """

    id: int
    kind: str
    state: str
    done: int
    of: int
    unit: str
    asked_by: str
    asked_at: datetime
    confirmed_by: str | None
    changed_at: datetime
    worked: float
    words: str
    plan: JobPlan | None
    note: str = ""


class RunItem(BaseModel):
    """A job of the schedule: its next run and its last one. `took`: seconds; `why`: how the last one failed.

    `note`: that no process keeps the schedule, and what to do.
    """

    job: str
    cron: str
    next_at: datetime | None
    started_at: datetime | None
    took: float | None
    outcome: str
    why: str
    done_at: datetime | None
    failures: int
    note: str = ""


class RunList(BaseModel):
    """The jobs of the schedule."""

    items: list[RunItem]


class JobList(BaseModel):
    """The jobs, the newest first."""

    items: list[JobItem]
