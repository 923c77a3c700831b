"""The progress of a job on stderr: one line that changes at a terminal, else a line every few seconds."""

import os
import shutil
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import timedelta
from typing import TextIO

from streams.queues.jobs import Job

EVERY = timedelta(seconds=10)
ANEW = "\r\x1b[K"
"""Begins the line of a terminal anew."""


class Line:
    """The line that is told anew: at a terminal in its place, else again after a while."""

    def __init__(self, write: Callable[[str], object], *, terminal: bool) -> None:
        self._write, self._terminal = write, terminal
        self._told, self._begun = timedelta(), False

    def tell(self, text: str, worked: timedelta) -> None:
        """The line is this, after so much work."""
        self._begun = True
        if self._terminal:
            self._write(f"{ANEW}{text}")
        elif worked - self._told >= EVERY:
            self._told = worked
            self._write(f"{text}\n")

    def end(self) -> None:
        """Begin a new line for what is printed next."""
        if self._terminal and self._begun:
            self._write("\n")


class Progress:
    """Tells how far the job has come, how fast it goes and how long it will yet take."""

    def __init__(self, write: Callable[[str], object], *, terminal: bool) -> None:
        self._line = Line(write, terminal=terminal)
        self._first: Job | None = None

    def __call__(self, job: Job) -> None:
        """The job has come that far; by its own clock, which stands still where nobody works."""
        first = self._first = self._first if self._first and self._first.unit == job.unit else job
        self._line.tell(line_of(job, first), job.worked - first.worked)

    def end(self) -> None:
        """Begin a new line for what is printed next."""
        self._line.end()


class Parts:
    """The same of what is no job, by how many of its parts are done and how many facts it looked at."""

    def __init__(self, what: str, line: Line, clock: Callable[[], float]) -> None:
        self._what, self._line, self._clock, self._began = what, line, clock, clock()

    def __call__(self, done: int, of: int, facts: int) -> None:
        """Show the progress, with the rate and the time that is left."""
        took = self._clock() - self._began
        pace = f", {facts / took:,.0f} facts/s, {duration((of - done) * took / done)} to go" if took and done else ""
        self._line.tell(f"{self._what}: {done * 100 // of} %{pace}", timedelta(seconds=took))
        if done == of:
            self._line.end()


class Counting:
    """The same of what is counted before anybody is asked: at a terminal alone, and gone when it is counted."""

    def __init__(self, write: Callable[[str], object], clock: Callable[[], float], *, shown: bool) -> None:
        self._write, self._clock, self._shown, self._began = write, clock, shown, clock()

    def __call__(self, done: int, of: int, unit: str) -> None:
        """Show the number done, of about so many, with the rate and the time that is left."""
        took = self._clock() - self._began
        pace = f", {done / took:,.0f}/s, {duration((of - done) * took / done)} to go" if took and done else ""
        if self._shown:
            self._write(f"{ANEW}counting: {done:,} of about {of:,} {unit}{pace}")

    def end(self) -> None:
        """Clear the line for what is printed next."""
        if self._shown:
            self._write(ANEW)


def progress() -> Progress:
    """Return the progress on stderr."""
    return Progress(_to_stderr, terminal=_redraws())


def parts(what: str) -> Parts:
    """Return the progress on stderr of what is no job."""
    return Parts(what, Line(_to_stderr, terminal=_redraws()), time.perf_counter)


@contextmanager
def counting(*, beside: bool = False) -> Iterator[Counting]:
    """The progress on stderr of what is counted; none where it would stand among data at a terminal (`beside`)."""
    shown = _redraws() and not (beside and sys.stdout.isatty())
    told = Counting(_to_stderr, time.perf_counter, shown=shown)
    try:
        yield told
    finally:
        told.end()


def _redraws() -> bool:
    return sys.stderr.isatty() and redraws(os.environ)


def redraws(environment: Mapping[str, str]) -> bool:
    """Return True if a terminal of that kind can redraw a line."""
    return environment.get("TERM") != "dumb"


def cut(text: str, columns: int) -> str:
    """Return a line that is told anew, so that it stays one.

    A longer one would leave what the terminal broke it into.
    """
    return text[: len(ANEW) + columns - 1] if text.startswith(ANEW) else text


def _columns(stream: TextIO) -> int:
    """Return the width of the terminal. Standard output may be another one, or a file."""
    try:
        return os.get_terminal_size(stream.fileno()).columns
    except OSError:  # no terminal, or (io.UnsupportedOperation) not even a file
        return shutil.get_terminal_size().columns


def _to_stderr(text: str) -> None:
    sys.stderr.write(cut(text, _columns(sys.stderr)))
    sys.stderr.flush()


def line_of(job: Job, first: Job) -> str:
    """Return the job's standing; the rate is that since `first`."""
    share = f"{job.done * 100 // job.of} %" if job.of else ""
    took, done = (job.worked - first.worked).total_seconds(), job.done - first.done
    pace = f", {done / took:,.0f}/s, {duration((job.of - job.done) * took / done)} to go" if took and done > 0 else ""
    return f"job {job.id}: {job.done:,} of {job.of:,} {job.unit} ({share}){pace}".replace(" ()", "")


def duration(seconds: float) -> str:
    """Return a time as people say it: 40 s, 12 min, 3 h 5 min."""
    whole = round(max(0.0, seconds))
    if whole < 120:  # noqa: PLR2004  (seconds say more than one minute does)
        return f"{whole} s"
    hours, minutes = divmod(round(whole / 60), 60)
    return f"{hours} h {minutes} min" if hours else f"{minutes} min"
