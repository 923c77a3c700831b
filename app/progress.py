"""How far a job has come, on stderr: one line that changes at a terminal, else one every some seconds."""

import sys
from collections.abc import Callable
from datetime import timedelta

from streams.jobs import Job

EVERY = timedelta(seconds=10)


class Progress:
    """Tells how far the job has come, how fast it goes and how long it will yet take."""

    def __init__(self, write: Callable[[str], object], *, terminal: bool) -> None:
        self._write, self._terminal = write, terminal
        self._first: Job | None = None
        self._told = timedelta()

    def __call__(self, job: Job) -> None:
        """The job has come that far; by its own clock, which stands still where nobody works."""
        first = self._first = self._first or job
        if self._terminal:
            self._write(f"\r\x1b[K{line_of(job, first)}")
        elif job.worked - first.worked - self._told >= EVERY:
            self._told = job.worked - first.worked
            self._write(f"{line_of(job, first)}\n")

    def end(self) -> None:
        """What is told next begins on a line of its own."""
        if self._terminal and self._first is not None:
            self._write("\n")


def progress() -> Progress:
    """The progress on stderr."""
    return Progress(_to_stderr, terminal=sys.stderr.isatty())


def _to_stderr(text: str) -> None:
    sys.stderr.write(text)
    sys.stderr.flush()


def line_of(job: Job, first: Job) -> str:
    """The job's standing; the rate is that since `first`."""
    share = f"{job.done * 100 // job.of} %" if job.of else ""
    took, done = (job.worked - first.worked).total_seconds(), job.done - first.done
    pace = f", {done / took:,.0f}/s, {duration((job.of - job.done) * took / done)} to go" if took and done > 0 else ""
    return f"job {job.id}: {job.done:,} of {job.of:,} {job.unit} ({share}){pace}".replace(" ()", "")


def duration(seconds: float) -> str:
    """A time as people say it: 40 s, 12 min, 3 h 5 min."""
    whole = round(max(0.0, seconds))
    if whole < 120:  # noqa: PLR2004  (seconds say more than one minute does)
        return f"{whole} s"
    hours, minutes = divmod(round(whole / 60), 60)
    return f"{hours} h {minutes} min" if hours else f"{minutes} min"
