"""The executor of the ranges of a verification: this process and others, or a cluster's workers."""

from collections.abc import Callable, Iterable, Sequence
from functools import partial

from app.compose import Platform
from app.executors.executor import JobWorkers, results, workers_for
from app.executors.task import run_part, task_of
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
        return results(self._workers.begun(), partial(run_part, _looking, self._task), self._here.look, ranges)

    def close(self) -> None:
        """End the workers of this machine, or leave the cluster."""
        self._workers.close()


def _looking(platform: Platform, _: object) -> Callable[[Range], RangeFound]:
    return _ranges_of(platform).look


def _ranges_of(platform: Platform) -> Ranges:
    return Ranges(platform.log, platform.rules.library)
