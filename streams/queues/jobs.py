"""Jobs: long work over history. Each has a row, so that it survives its process and others may see and stop it.

How a part of the platform uses this:

- It has a `Work`: what it would do is counted, a part after another, then it is done, one step after another. Either
  returns where the next one begins (`Step.cursor`, any text; "" is the beginning). What a step writes to the database
  it writes together with that: `database.write(lambda connection: (…, save(connection, step)))`. Where it writes
  elsewhere, the step is saved after it, and done again after a kill.
- Nothing is done before somebody confirms what was counted: until then (`Job.confirmed_by`) a job can only count.
- app/jobs/start.py makes each kind's Work from the job's arguments, so that any process may take a job up again.
- A part or a step takes some seconds at most: pausing and cancelling are seen between two of them.
"""

from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any, Protocol

import msgspec
from msgspec import Struct
from sqlalchemy import Connection

from streams.storage.leadership import Lane


class State(StrEnum):
    """Where a job stands; `counting` or `running` without a process at work is one whose process died.

    `counted`: it waits for somebody to confirm it, in nobody's way; `planned`: it is confirmed, and not begun.
    """

    COUNTING = "counting"
    COUNTED = "counted"
    PLANNED = "planned"
    RUNNING = "running"
    PAUSED = "paused"
    CANCELLED = "cancelled"
    DONE = "done"
    FAILED = "failed"


AT_WORK = (State.COUNTING, State.RUNNING)
UNFINISHED = (State.PLANNED, *AT_WORK, State.PAUSED)
CANCELLABLE = (*UNFINISHED, State.COUNTED, State.FAILED)
ENDED = (State.CANCELLED, State.DONE)


class Plan(Struct, frozen=True):
    """What a job would do, how many of what, and how many a second one may expect where none was measured yet.

    `rules`: up to which position the rules go by which it was counted, if what there is to do depends on them.
    """

    what: str
    count: int
    unit: str
    a_second: float
    rules: int | None = None


class Counted(Struct, frozen=True):
    """What was counted, and how many seconds that took: who does it looks at all of it again."""

    plan: Plan
    took: float


class Step(Struct, frozen=True):
    """How far a job has come. `of`: how many there are by now; `words`: once it is finished, what came of it.

    `unit`: of what, where that is not what was counted.
    """

    cursor: str
    done: int
    of: int | None = None
    finished: bool = False
    words: str = ""
    unit: str | None = None


Save = Callable[[Connection, Step], None]
"""Keeps the step in the caller's transaction. Raises Stopped where the job was cancelled, or is somebody else's."""


class Work(Protocol):
    """What a job does."""

    def count(self, cursor: str) -> Step | Plan:
        """Count the next part of what it would do, at the end all of it; changes nothing.

        Raises:
            NothingToDo: all is counted, and there is none.
        """

    def step(self, cursor: str, save: Save) -> Step:
        """Do the next part, a few seconds at most; `save` is for what is written to the database."""

    def rest(self) -> None:
        """Nobody works at it here for now: let go of what is held from one step to the next."""

    def abandon(self) -> None:
        """It was cancelled: leave nothing behind."""


def plan_of(work: Work, tell: Callable[[Step], object] = lambda _: None) -> Plan:
    """What it would do, counted to the end; `tell` hears of each part. Raises NothingToDo and what its kind does."""
    found = work.count("")
    while isinstance(found, Step):
        tell(found)
        found = work.count(found.cursor)
    return found


class Job(Struct, frozen=True):
    """A job as everybody may see it. `worked`: for how long processes worked at it, as of `changed_at`.

    `confirmed_by`: who said that it is to be done, which may be nobody known; None: nobody did.
    """

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
    confirmed_by: str | None

    @property
    def confirmed(self) -> bool:
        """Whether it may do anything but count."""
        return self.confirmed_by is not None

    @property
    def counted(self) -> Counted | None:
        """What was counted and waits to be confirmed."""
        return msgspec.json.decode(self.cursor, type=Counted) if self.state is State.COUNTED else None

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


class NothingToDo(Exception):
    """There is nothing to do: {looked} looked at. `left`: what nothing can be done for, if anything."""

    def __init__(self, looked: str, left: str = "") -> None:
        self.left = left
        super().__init__(f"There is nothing to do: {looked} looked at{left and '; '}{left}.")


class Stale(Exception):
    """What was counted does not hold any more: {problem}. `habarshy jobs resume {id}` counts it anew."""

    def __init__(self, job: Job, problem: str) -> None:
        super().__init__((type(self).__doc__ or "").format(id=job.id, problem=problem))


class Stopped(Exception):
    """The job is no longer ours: it was cancelled, or another process took it up. What the step wrote is undone."""

    def __init__(self) -> None:
        super().__init__(type(self).__doc__)


class JobFailed(Exception):
    """Job {id} stopped: {reason}. Nothing that was kept is lost; `habarshy jobs resume {id}` goes on from there."""

    def __init__(self, id_: int, reason: str) -> None:
        super().__init__((type(self).__doc__ or "").format(id=id_, reason=reason.rstrip(".")))
