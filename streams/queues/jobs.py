"""Jobs: long work over history. Each has a row, so that it survives its process and others may see and stop it.

A package that has jobs implements `Work`:

- It counts what it would do, part by part, then does it, step by step. Each returns the cursor of the next (any text;
  "" is the beginning). A step writes to the database together with its cursor:
  `database.write(lambda connection: (…, save(connection, step)))`. A step that writes elsewhere is saved afterwards,
  and repeated after a crash.
- Until somebody has confirmed the count (`Job.confirmed_by`) a job only counts.
- app/jobs/start.py makes the Work from the job's kind and arguments, so that any process can resume it.
- One that holds and leaves nothing takes `rest` and `abandon` from `HoldsNothing`.
- A part or a step takes some seconds at most: pausing and cancelling take effect between two of them.
"""

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any, ClassVar, Protocol

import msgspec
from msgspec import Struct
from msgspec.structs import replace
from sqlalchemy import Connection

from domain.core.translatable import N_, Joined, Said, Words, from_stored
from streams.storage.leadership import Lane


class JobState(StrEnum):
    """The state of a job; one that is `counting` or `running` without a process has lost its process.

    `counted`: it waits to be confirmed, and blocks no other job; `planned`: it is confirmed and not begun.
    """

    COUNTING = N_("counting")
    COUNTED = N_("counted")
    PLANNED = N_("planned")
    RUNNING = N_("running")
    PAUSED = N_("paused")
    CANCELLED = N_("cancelled")
    DONE = N_("done")
    FAILED = N_("failed")

    @property
    def told(self) -> Said:
        """The state as errors name it."""
        return Said(self.value)


AT_WORK = (JobState.COUNTING, JobState.RUNNING)
HOLDS_LANE = (JobState.PLANNED, *AT_WORK, JobState.PAUSED)
"""A job in one of these keeps others out of its lane. One that is counted and waits for its confirmation does not."""
CANCELLABLE = (*HOLDS_LANE, JobState.COUNTED, JobState.FAILED)
ENDED = (JobState.CANCELLED, JobState.DONE)


class Plan(Struct, frozen=True):
    """A description of the work, its count and unit, and the expected rate where none was measured yet.

    `rules`: the position of the latest rules used in counting, if the count depends on the rules.
    """

    what: str
    count: int
    unit: str
    a_second: float
    rules: int | None = None


class Counted(Struct, frozen=True):
    """The counted plan, and the seconds that counting took: doing it reads everything again."""

    plan: Plan
    took: float


class Step(Struct, frozen=True):
    """The progress of a job. `of`: the total as known by now; `words`: the result, once it is finished.

    `unit`: the unit of `done`, where it is not that of the count.
    """

    cursor: str
    done: int
    of: int | None = None
    finished: bool = False
    words: str = ""
    unit: str | None = None


Save = Callable[[Connection, Step], None]
"""Saves the step in the caller's transaction. Raises Stopped where the job was cancelled or claimed by another."""


class Work(Protocol):
    """The work of a kind of job."""

    def count(self, cursor: str) -> Step | Plan:
        """Count the next part of the work; return the plan after the last part. Changes nothing.

        Raises:
            NothingToDo: everything is counted, and the count is 0.
        """

    def step(self, cursor: str, save: Save) -> Step:
        """Do the next part, a few seconds at most; `save` saves the step together with writes to the database."""

    def rest(self) -> None:
        """Release what is held between steps, because this process stops working at the job."""

    def abandon(self) -> None:
        """Clean up after a cancelled job."""


class HoldsNothing:
    """The part of a `Work` that holds nothing between its steps, and leaves nothing behind when it is cancelled."""

    def rest(self) -> None:
        """Do nothing."""

    def abandon(self) -> None:
        """Do nothing."""


def plan_of(work: Work, tell: Callable[[Step], object] = lambda _: None) -> Plan:
    """Count to the end and return the plan; `tell` gets each part. Raises NothingToDo, and the errors of the kind."""
    found = work.count("")
    while isinstance(found, Step):
        tell(found)
        found = work.count(found.cursor)
    return found


class Job(Struct, frozen=True):
    """A job. `worked`: the time that processes worked at it, as of `changed_at`.

    `confirmed_by`: the person who confirmed it (empty: not known by name); None: it is not confirmed. `waits`: it
    waits for a process of the role jobs; `deaths`: so many processes died over its present step.
    """

    id: int
    kind: str
    lane: Lane
    arguments: Mapping[str, Any]
    state: JobState
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
    waits: bool
    deaths: int

    @property
    def confirmed(self) -> bool:
        """Return whether it may do more than count."""
        return self.confirmed_by is not None

    @property
    def counted(self) -> Counted | None:
        """The count that waits to be confirmed, or None."""
        if self.state is not JobState.COUNTED:
            return None
        found = msgspec.json.decode(self.cursor, type=Counted)
        return replace(found, plan=replace(found.plan, what=from_stored(found.plan.what)))

    @property
    def told(self) -> Words:
        """The job as errors name it."""
        by = self.asked_by or Said("nobody known")
        return Words("job {id} ({kind}, asked for by {by})", id=self.id, kind=self.kind, by=by)

    def __str__(self) -> str:
        return self.told


class ForgedJob(Exception):
    """Raised for a job that our processes did not write."""


class UnknownJob(Exception):
    """Raised for a number that no job has."""

    def __init__(self, id_: int) -> None:
        super().__init__(Words("There is no job {id}. `habarshy jobs list` shows all.", id=id_))


class UnreadableJob(UnknownJob):
    """Raised for a job whose row cannot be read."""

    def __init__(self, id_: int) -> None:
        Exception.__init__(
            self,
            Words(
                "Job {id} cannot be read: somebody changed its row in the database. Nothing of it is done.", id=id_
            ),
        )


class Busy(Exception):
    """Raised when another job or process is in the way."""

    def __init__(self, problem: Said) -> None:
        super().__init__(Words("Not now: {problem}.", problem=problem))


class NotNow(Exception):
    """Raised when a job's state does not allow the `wish`."""

    CONFIRM: ClassVar[str] = N_("job {id} cannot be confirmed: it is {state}.")
    RESUME: ClassVar[str] = N_("job {id} cannot be resumed: it is {state}.")
    TAKE_UP: ClassVar[str] = N_("job {id} cannot be taken up: it is {state}.")
    PAUSE: ClassVar[str] = N_("job {id} cannot be paused: it is {state}.")
    CANCEL: ClassVar[str] = N_("job {id} cannot be cancelled: it is {state}.")

    def __init__(self, job: Job, wish: str) -> None:
        super().__init__(Words(wish, id=job.id, state=job.state.told))


class NothingToDo(Exception):
    """Raised when the count is 0. `looked`: what was looked at; `left`: items for which nothing can be done.

    `again`: items for which nothing has to be done.
    """

    def __init__(self, looked: Said, left: Sequence[Said] = (), again: Sequence[Said] = ()) -> None:
        self.left = left
        told = Joined([Words("{looked} looked at", looked=looked), *left, *again], "; ")
        super().__init__(Words("There is nothing to do: {told}.", told=told))


class Stale(Exception):
    """Raised when a count that is to be confirmed no longer holds."""

    def __init__(self, job: Job, problem: Said) -> None:
        super().__init__(
            Words(
                "What was counted does not hold any more: {problem}. `habarshy jobs resume {id}` counts it anew.",
                problem=problem,
                id=job.id,
            )
        )


class Stopped(Exception):
    """Raised when the job was cancelled or claimed by another process; the step's writes are rolled back."""

    def __init__(self) -> None:
        super().__init__(
            "The job is no longer ours: it was cancelled, or another process took it up. What the step wrote is"
            " undone."
        )


class JobFailed(Exception):
    """Raised when a job stopped because the database is away or has no room."""
