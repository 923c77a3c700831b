"""Jobs: long work over history. Each has a row, so that it survives its process and others may see and stop it.

How a part of the platform uses this:

- It has a `Work`: what it would do (`plan`), and one step of it after another. A step returns where the next one
  begins (`Step.cursor`, any text; "" is the beginning). What a step writes to the database it writes together with
  that: `database.write(lambda connection: (…, save(connection, step)))`. Where it writes elsewhere, the step is saved
  after it, and done again after a kill.
- app/jobs.py makes each kind's Work from the job's arguments, so that any process may take a job up again.
- A step takes some seconds at most: pausing and cancelling are seen between two of them.
"""

from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any, Protocol

from msgspec import Struct
from sqlalchemy import Connection

from streams.turns import Lane


class State(StrEnum):
    """Where a job stands; `running` without a process at work is one whose process died."""

    PLANNED = "planned"
    RUNNING = "running"
    PAUSED = "paused"
    CANCELLED = "cancelled"
    DONE = "done"
    FAILED = "failed"


UNFINISHED = (State.PLANNED, State.RUNNING, State.PAUSED)
ENDED = (State.CANCELLED, State.DONE)


class Plan(Struct, frozen=True):
    """What a job would do, how many of what, and how many a second one may expect where none was measured yet."""

    what: str
    count: int
    unit: str
    a_second: float


class Step(Struct, frozen=True):
    """How far a job has come. `of`: how many there are by now; `words`: once it is finished, what came of it."""

    cursor: str
    done: int
    of: int | None = None
    finished: bool = False
    words: str = ""


Save = Callable[[Connection, Step], None]
"""Keeps the step in the caller's transaction. Raises Stopped where the job was cancelled, or is somebody else's."""


class Work(Protocol):
    """What a job does."""

    def plan(self) -> Plan:
        """What it would do; changes nothing."""

    def step(self, cursor: str, save: Save) -> Step:
        """Do the next part, a few seconds at most; `save` is for what is written to the database."""

    def abandon(self) -> None:
        """It was cancelled: leave nothing behind."""


class Job(Struct, frozen=True):
    """A job as everybody may see it. `worked`: for how long processes worked at it, as of `changed_at`."""

    id: int
    kind: str
    lane: Lane
    arguments: Mapping[str, Any]
    state: State
    done: int
    of: int
    unit: str
    cursor: str
    asked_by: str
    asked_at: datetime
    began_at: datetime | None
    changed_at: datetime
    worked: timedelta
    claim: int
    words: str

    def __str__(self) -> str:
        return f"job {self.id} ({self.kind}, asked for by {self.asked_by or 'nobody known'})"


class UnknownJob(Exception):
    """There is no job {id}. `habarshy jobs list` shows all."""

    def __init__(self, id_: int) -> None:
        super().__init__((type(self).__doc__ or "").format(id=id_))


class Busy(Exception):
    """Not now: {problem}."""

    def __init__(self, problem: str) -> None:
        super().__init__((type(self).__doc__ or "").format(problem=problem))


class NotNow(Exception):
    """{what} cannot be {wish}: it is {state}."""

    def __init__(self, job: Job, wish: str) -> None:
        text = (type(self).__doc__ or "").format(what=f"job {job.id}", wish=wish, state=job.state)
        super().__init__(text)


class Stopped(Exception):
    """The job is no longer ours: it was cancelled, or another process took it up. What the step wrote is undone."""

    def __init__(self) -> None:
        super().__init__(type(self).__doc__)


class JobFailed(Exception):
    """Job {id} stopped: {reason}. Nothing that was kept is lost; `habarshy jobs resume {id}` goes on from there."""

    def __init__(self, id_: int, reason: str) -> None:
        super().__init__((type(self).__doc__ or "").format(id=id_, reason=reason))
