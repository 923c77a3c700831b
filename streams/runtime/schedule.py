"""The schedule: jobs that run by cron expressions, one at a time, in the process that does the upkeep.

A row for each job keeps its next run and how the last one ended. So a run that was missed, because no process was
there, is caught up once; and one whose process died is begun again once.
"""

from collections.abc import Callable, Collection, Container, Mapping
from contextlib import AbstractContextManager
from datetime import datetime, timedelta, tzinfo
from enum import StrEnum
from typing import Any

from msgspec import Struct, structs
from sqlalchemy import ColumnElement, Connection, select

from domain.core.translatable import as_stored, from_stored, text_of
from projections.bulk import insert_rows
from projections.tables import micros, optional_micros, optional_moment
from streams.runtime.cron import ZoneTrigger, next_after, trigger_of
from streams.storage.database import Database, Priority
from streams.storage.errors import UNAVAILABLE_ERRORS
from streams.storage.leadership import schedule_lock
from streams.storage.severity import Failed
from streams.storage.tables import scheduled

Stopping = Callable[[], bool]


class RunOutcome(StrEnum):
    """The end of a run, or that it goes on.

    `retry`: its process died, and it is begun once more; `again`: it goes on so. `stopped`: its process was asked to
    end; it goes on at the next start.
    """

    NONE = ""
    RUNNING = "running"
    AGAIN = "running again"
    DONE = "done"
    FAILED = "failed"
    STOPPED = "stopped"
    RETRY = "died, to run again"
    DIED = "died"


UNDER_WAY = (RunOutcome.RUNNING, RunOutcome.AGAIN)
BAD = (RunOutcome.FAILED, RunOutcome.RETRY, RunOutcome.DIED)


class Unfinished(Exception):
    """Raised by a job that ends before its end because its process is to stop."""


class UnderWay(Exception):
    """Raised when a job is to run now that runs already."""

    def __init__(self, name: str) -> None:
        super().__init__(f"The scheduled job {name} is running already. `habarshy schedule` shows since when.")


class Scheduled(Struct, frozen=True):
    """A job of the schedule: its cron expression or `never`, and its work, which may ask whether it is to stop."""

    cron: str
    work: Callable[[Stopping], object]


class Run(Struct, frozen=True):
    """A job with its next run and its last one. `done_at`: its last success; `failures`: runs that failed, ever."""

    job: str
    cron: str
    next_at: datetime | None
    started_at: datetime | None = None
    took: timedelta | None = None
    outcome: RunOutcome = RunOutcome.NONE
    error: str = ""
    words: str = ""
    done_at: datetime | None = None
    failures: int = 0


class Schedule:
    """Runs the jobs, and keeps their rows. `zone`: that of the cron expressions."""

    def __init__(
        self,
        database: Database,
        clock: Callable[[], datetime],
        jobs: Mapping[str, Scheduled],
        zone: Callable[[], tzinfo],
        tell: Callable[[str], None],
    ) -> None:
        self._database, self._clock, self._jobs, self._zone, self._tell = database, clock, jobs, zone, tell
        self._at_work: set[str] = set()
        self._triggers: dict[str, ZoneTrigger] | None = None

    def triggers(self) -> dict[str, ZoneTrigger]:
        """Return job -> its trigger, of those that ever run, in the zone of the first call."""
        if self._triggers is None:
            zone = self._zone()
            found = {name: trigger_of(job.cron, zone) for name, job in self._jobs.items()}
            self._triggers = {name: trigger for name, trigger in found.items() if trigger is not None}
        return self._triggers

    def take_up(self) -> list[str]:
        """Bring the rows up to the settings, as the process that runs the jobs from now on; return what is due."""
        triggers, elsewhere = self.triggers(), self._run_elsewhere()
        return self._database.write(
            lambda connection: self._take_up(connection, triggers, elsewhere), Priority.FOLLOWING
        )

    def _run_elsewhere(self) -> set[str]:
        """Return the jobs that another process runs by `run_now`, which this one must not take for dead."""
        with self._database.reading() as connection:
            under_way = [run.job for run in _rows(connection).values() if run.outcome in UNDER_WAY]
        found = set()
        for name in self._jobs.keys() & set(under_way) - self._at_work:
            with self._lock(name) as free:
                found |= set() if free else {name}
        return found

    def _lock(self, name: str) -> AbstractContextManager[bool]:
        return schedule_lock(self._database, name, list(self._jobs).index(name))

    def _take_up(
        self, connection: Connection, triggers: Mapping[str, ZoneTrigger], elsewhere: Container[str]
    ) -> list[str]:
        now = self._clock()
        self._add_new(connection, triggers, now)
        for name, run in _rows(connection).items():
            job = self._jobs.get(name)
            if job is None:
                continue
            if run.cron != job.cron:
                _change(connection, name, cron=job.cron, next_at=_next(triggers.get(name), now))
            elif run.outcome in UNDER_WAY and name not in self._at_work and name not in elsewhere:
                _change(connection, name, **_died(run, now))
        return [
            name for name, run in _rows(connection).items() if name in triggers and _is_due(run, triggers[name], now)
        ]

    def run(self, name: str, stopping: Stopping) -> None:
        """Run the job, if it is due, and note how it ends.

        Raises: what says that the database is away.
        """
        trigger = self.triggers().get(name)
        begun = self._clock()
        if not self._claim(lambda connection: _claim(connection, name, trigger, begun)):
            return
        self._at_work.add(name)
        try:
            self._work(name, begun, stopping)
        finally:
            self._at_work.discard(name)

    def ask(self, name: str) -> datetime:
        """Have the job run at once, whatever its time, by the process that keeps the schedule; return the time.

        Raises:
            UnderWay: it runs already.
        """
        self.add_missing_rows()
        now = self._clock()
        due = {"next_at": micros(now)}
        if not self._database.write(lambda connection: _change(connection, name, _FREE, **due), Priority.FOLLOWING):
            raise UnderWay(name)
        return now

    def run_due(self, stopping: Stopping) -> None:
        """Run what is due, one after the other; also what somebody asked for, and what runs by no time of its own.

        Raises: what says that the database is away.
        """
        triggers, now = self.triggers(), self._clock()
        with self._database.reading() as connection:
            known = _rows(connection)
        for name in self._jobs:
            run = known.get(name)
            due = run is not None and run.outcome not in UNDER_WAY and _is_due(run, triggers.get(name), now)
            if due and not stopping():
                self.run(name, stopping)

    def run_now(self, name: str, stopping: Stopping) -> Run:
        """Run the job at once, whatever its time; its next time stays. Return it with how it ended.

        Raises:
            UnderWay: it runs already.
        """
        with self._lock(name) as ours:
            if not ours:
                raise UnderWay(name)
            self._claim_now(name)
            try:
                self._work(name, self._clock(), stopping)
            finally:
                self._at_work.discard(name)
        with self._database.reading() as connection:
            return _rows(connection)[name]

    def _claim_now(self, name: str) -> None:
        begun = {"started_at": micros(self._clock()), "took": None, "outcome": RunOutcome.RUNNING}
        self.add_missing_rows()
        if not self._claim(lambda connection: _change(connection, name, _FREE, **begun)):
            raise UnderWay(name)
        self._at_work.add(name)

    def _claim(self, claim: Callable[[Connection], bool]) -> bool:
        """Return whether the run is this process's, whose clock must be right: jobs delete by the time."""

        def work(connection: Connection) -> bool:
            self._database.server_clock.check(connection)
            return claim(connection)

        return self._database.write(work, Priority.FOLLOWING)

    def add_missing_rows(self) -> None:
        """Add the rows of jobs that no process ever kept; whoever keeps the schedule does so, too."""
        triggers, now = self.triggers(), self._clock()
        self._database.write(lambda connection: self._add_new(connection, triggers, now), Priority.FOLLOWING)

    def _add_new(self, connection: Connection, triggers: Mapping[str, ZoneTrigger], now: datetime) -> None:
        rows = [
            (name, job.cron, _next(triggers.get(name), now), None, None, "", "", "", None, 0)
            for name, job in self._jobs.items()
        ]
        insert_rows(connection, scheduled, rows, ignore=True)

    def _work(self, name: str, begun: datetime, stopping: Stopping) -> None:
        try:
            self._jobs[name].work(stopping)
        except Unfinished:
            self._note(name, begun, outcome=RunOutcome.STOPPED, next_at=micros(begun))
        except UNAVAILABLE_ERRORS as error:
            self._failed(name, begun, error, "")
            raise
        except Exception as error:  # noqa: BLE001  (its row says so)
            # Of other errors than ours only the class: their text may hold personal data.
            ours = type(error).__module__.partition(".")[0] in ("streams", "app")
            self._failed(name, begun, error, as_stored(text_of(error)) if ours else "")
            self._tell(Failed(f"{name} failed: {str(error) if ours else type(error).__name__}"))
        else:
            self._note(name, begun, outcome=RunOutcome.DONE, error="", words="", done_at=micros(self._clock()))

    def _failed(self, name: str, begun: datetime, error: Exception, words: str) -> None:
        more = scheduled.c.failures + 1
        self._note(name, begun, outcome=RunOutcome.FAILED, error=type(error).__name__, words=words, failures=more)

    def _note(self, name: str, begun: datetime, **changes: Any) -> None:
        took = micros(self._clock()) - micros(begun)
        self._database.write(lambda connection: _change(connection, name, took=took, **changes), Priority.FOLLOWING)

    def runs(self) -> list[Run]:
        """Return the jobs of the settings, each with its next run and its last one."""
        triggers, now = self.triggers(), self._clock()
        with self._database.reading() as connection:
            known = _rows(connection)
        found = []
        for name, job in self._jobs.items():
            run = known.get(name, Run(name, "", None))
            if run.cron != job.cron:  # no process has taken up what the settings say
                run = structs.replace(run, cron=job.cron, next_at=next_after(triggers.get(name), now))
            found.append(run)
        return found


def runs_of(database: Database) -> Collection[Run]:
    """Return the rows of all jobs that a process ever kept."""
    with database.reading() as connection:
        return _rows(connection).values()


def _rows(connection: Connection) -> dict[str, Run]:
    return {
        row.job: Run(
            row.job,
            row.cron,
            optional_moment(row.next_at),
            optional_moment(row.started_at),
            None if row.took is None else timedelta(microseconds=row.took),
            RunOutcome(row.outcome),
            row.error,
            from_stored(row.words),
            optional_moment(row.done_at),
            row.failures,
        )
        for row in connection.execute(select(scheduled).order_by(scheduled.c.job))
    }


_FREE = scheduled.c.outcome.not_in(UNDER_WAY)
"""The condition for a job that nobody is at."""


def _change(connection: Connection, name: str, *where: ColumnElement[bool], **changes: Any) -> bool:
    """Change the row of a job, if these conditions hold; return whether it was changed."""
    row = scheduled.update().where(scheduled.c.job == name, *where)
    return connection.execute(row.values(**changes)).rowcount == 1


def _next(trigger: ZoneTrigger | None, now: datetime) -> int | None:
    return optional_micros(next_after(trigger, now))


def _is_due(run: Run, trigger: ZoneTrigger | None, now: datetime) -> bool:
    """Return whether its time has come. One after the next time but one comes from a clock that was ahead."""
    if run.next_at is None or run.next_at <= now:
        return run.next_at is not None
    upcoming = next_after(trigger, now)
    after = None if upcoming is None else next_after(trigger, upcoming)
    return after is not None and run.next_at > after


def _died(run: Run, now: datetime) -> dict[str, Any]:
    """Return what is noted of a run whose process died: it is begun again, unless it died over that, too."""
    found: dict[str, Any] = {"outcome": RunOutcome.DIED, "failures": run.failures + 1, "error": "", "words": ""}
    return found if run.outcome == RunOutcome.AGAIN else found | {"outcome": RunOutcome.RETRY, "next_at": micros(now)}


def _claim(connection: Connection, name: str, trigger: ZoneTrigger | None, now: datetime) -> bool:
    """Return whether the run is this process's: it is due, and nobody else took it."""
    run = _rows(connection).get(name)
    if run is None or not _is_due(run, trigger, now):
        return False
    outcome = RunOutcome.AGAIN if run.outcome == RunOutcome.RETRY else RunOutcome.RUNNING
    begun = {"next_at": _next(trigger, now), "started_at": micros(now), "took": None, "outcome": outcome}
    return _change(connection, name, scheduled.c.next_at == optional_micros(run.next_at), **begun)
