"""Progress on stderr: at a terminal a bar that rich draws anew, else a line every few seconds."""

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta

from rich.console import Console
from rich.progress import BarColumn, TextColumn
from rich.progress import Progress as Bars
from rich.table import Column

from app.jobs.pace import duration, line_of
from streams.queues.jobs import Job

EVERY = timedelta(seconds=10)
BAR = 20
"""Columns of the bar."""


class ProgressLine:
    """A line that changes: at a terminal behind a bar in its place, else printed again after a while.

    `passing`: it is shown at a terminal only, and is gone at its end.
    """

    def __init__(self, console: Console, *, passing: bool = False) -> None:
        self._console, self._passing = console, passing
        self._redraws = console.is_terminal and not console.is_dumb_terminal
        words = TextColumn("{task.description}", markup=False, table_column=Column(no_wrap=True, overflow="ellipsis"))
        self._bars = Bars(BarColumn(BAR), words, console=console, auto_refresh=False, transient=passing)
        self._task = self._bars.add_task("")
        self._told = timedelta()

    def tell(self, text: str, worked: timedelta, share: float) -> None:
        """Show the line after so much work; `share`: the part that is done, 0 to 1."""
        if self._redraws:
            self._bars.start()
            self._bars.update(self._task, description=text, completed=100 * share, refresh=True)
        elif not self._passing and worked - self._told >= EVERY:
            self._told = worked
            self._console.print(text, soft_wrap=True, markup=False, highlight=False)

    def end(self) -> None:
        """Begin a new line for what is printed next."""
        if self._redraws:
            self._bars.stop()


class Progress:
    """Shows how far the job has come, how fast it goes and how long it will yet take."""

    def __init__(self, line: ProgressLine) -> None:
        self._line = line
        self._first: Job | None = None

    def __call__(self, job: Job) -> None:
        """Show the job as it is; the rate is by its own clock, which stands still where nobody works."""
        first = self._first = self._first if self._first and self._first.unit == job.unit else job
        self._line.tell(line_of(job, first), job.worked - first.worked, job.done / job.of if job.of else 0.0)

    def end(self) -> None:
        """Begin a new line for what is printed next."""
        self._line.end()


class PartsProgress:
    """Shows how many parts of something are done, and how many facts were looked at."""

    def __init__(self, what: str, line: ProgressLine, clock: Callable[[], float]) -> None:
        self._what, self._line, self._clock, self._began = what, line, clock, clock()

    def __call__(self, done: int, of: int, facts: int) -> None:
        """Show the progress, with the rate and the time that is left."""
        took = self._clock() - self._began
        pace = f", {facts / took:,.0f} facts/s, {duration((of - done) * took / done)} to go" if took and done else ""
        self._line.tell(f"{self._what}: {done * 100 // of} %{pace}", timedelta(seconds=took), done / of)
        if done == of:
            self._line.end()


class Counting:
    """Shows how much of something is counted, before anybody is asked."""

    def __init__(self, line: ProgressLine, clock: Callable[[], float]) -> None:
        self._line, self._clock, self._began = line, clock, clock()

    def __call__(self, done: int, of: int, unit: str) -> None:
        """Show the number done, of about so many, with the rate and the time that is left."""
        took = self._clock() - self._began
        pace = f", {done / took:,.0f}/s, {duration((of - done) * took / done)} to go" if took and done else ""
        text = f"counting: {done:,} of about {of:,} {unit}{pace}"
        self._line.tell(text, timedelta(seconds=took), done / of if of else 0.0)


def progress() -> Progress:
    """Return the progress of a job on stderr."""
    return Progress(ProgressLine(Console(stderr=True)))


def parts_progress(what: str) -> PartsProgress:
    """Return the progress on stderr of what is no job."""
    return PartsProgress(what, ProgressLine(Console(stderr=True)), time.perf_counter)


@contextmanager
def counting_progress(*, beside: bool = False) -> Iterator[Counting]:
    """The progress on stderr of what is counted; none where it would stand among data at a terminal (`beside`)."""
    line = ProgressLine(Console(stderr=True, quiet=beside and sys.stdout.isatty()), passing=True)
    try:
        yield Counting(line, time.perf_counter)
    finally:
        line.end()
