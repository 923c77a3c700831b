"""The executor of the ranges of a verification: this process and others, or a cluster's workers."""

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial

from app.compose import Platform
from app.executors.executor import JobWorkers, results, workers_for
from app.executors.kept import kept
from app.executors.task import opened, task_of
from streams.replay.verify import InThisProcess, Range, RangeExecutor, RangeFound, Ranges

AT_ONCE = 8
"""So many ranges has the share of each process in a step: some seconds."""


def verify_executor(platform: Platform) -> RangeExecutor:
    """Return the executor of ranges; this process alone for a small log, or on one processor."""
    workers = workers_for(platform)
    return InThisProcess(_ranges_of(platform)) if workers is None else VerifyExecutor(platform, workers)


class VerifyExecutor:
    """Looks at ranges by this process and by workers, which are begun at the first use."""

    def __init__(self, platform: Platform, workers: JobWorkers) -> None:
        self._here, self._workers = _ranges_of(platform), workers
        self._task = task_of(platform, platform.clock())

    @property
    def at_once(self) -> int:
        """The number of ranges in a step."""
        workers = self._workers.begun()
        return AT_ONCE * (1 if workers is None else workers.number + (not workers.remote))

    def found(self, ranges: Sequence[Range]) -> Iterable[RangeFound]:
        """Return what the ranges hold, as it comes."""
        return results(self._workers.begun(), partial(look, self._task), self._here.look, ranges)

    def close(self) -> None:
        """End the workers of this machine, or leave the cluster."""
        self._workers.close()


def look(task: bytes, range_: Range) -> RangeFound:
    """Look at a range in another process."""
    with kept(_ranges, task) as ranges:
        return ranges.look(range_)


@contextmanager
def _ranges(task: bytes) -> Iterator[Ranges]:
    with opened(task) as (platform, _):
        yield _ranges_of(platform)


def _ranges_of(platform: Platform) -> Ranges:
    return Ranges(platform.log, platform.rules.library)
