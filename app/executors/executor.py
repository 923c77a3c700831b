"""The workers that the settings name, and the results of the parts that they do."""

import os
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import FIRST_COMPLETED, BrokenExecutor, Executor, Future, wait
from contextlib import AbstractContextManager, ExitStack, contextmanager
from typing import TypeVar

from msgspec import Struct

from app.compose import Platform
from app.executors.errors import NoCluster
from app.executors.local import process_executor, without_interrupts
from app.settings import on_this_machine

AHEAD = 2
"""Parts that each process is given at a time, so that it need not wait for this one; results wait for it as well."""
FEW = 100_000
"""Up to so many facts in the log, other processes are not worth their start."""
T = TypeVar("T")
P = TypeVar("P")


class TaskWorkers(Struct, frozen=True):
    """An executor, and the number of its tasks at a time. `remote`: it takes all tasks, and who asks only waits."""

    executor: Executor
    number: int
    remote: bool = False


@contextmanager
def workers_of(platform: Platform, number: int) -> Iterator[TaskWorkers | None]:
    """Yield the workers of the settings' cluster; else so many processes of this machine, or None for fewer than 1.

    Raises:
        NoCluster: the cluster cannot do the work, or was lost.
    """
    if platform.settings.cluster:
        with _cluster(platform) as (executor, threads):
            yield TaskWorkers(executor, threads, remote=True)
    elif number:
        with process_executor(number) as executor:
            yield TaskWorkers(executor, number)
    else:
        yield None


class JobWorkers:
    """The workers of a job, begun at the first use: `number` processes of this machine, or the settings' cluster."""

    def __init__(self, platform: Platform, number: int) -> None:
        self._platform, self._number = platform, number
        self._using, self._begun = ExitStack(), False
        self._workers: TaskWorkers | None = None

    def begun(self) -> TaskWorkers | None:
        """Return the workers; None for fewer than 1.

        Raises:
            NoCluster: the cluster that the settings name cannot do the work.
        """
        if not self._begun:
            self._workers, self._begun = self._using.enter_context(workers_of(self._platform, self._number)), True
        return self._workers

    def close(self) -> None:
        """End the workers of this machine, or leave the cluster."""
        self._using.close()
        self._workers, self._begun = None, False


def workers_for(platform: Platform) -> JobWorkers | None:
    """Return the workers of long work over the whole log; None for a small log, or on one processor."""
    few = (platform.log.facts.max_notification_id() or 0) <= FEW
    others = 0 if few else (os.cpu_count() or 1) - 1
    return JobWorkers(platform, others) if others or platform.settings.cluster else None


def _cluster(platform: Platform) -> AbstractContextManager[tuple[Executor, int]]:
    if platform.database.sqlite and not on_this_machine(platform.settings.cluster):
        raise NoCluster(
            f"the database is SQLite, a file that the workers of {platform.settings.cluster} do not have: a cluster "
            "needs PostgreSQL (`habarshy config show --origin` says where each setting comes from)"
        )
    try:
        from app.executors.cluster import cluster_executor  # noqa: PLC0415  (a second of imports, and not installed everywhere)
    except ModuleNotFoundError as error:
        if error.name != "distributed":
            raise
        raise NoCluster("Dask is not installed here: pip install 'habarshy[cluster]'") from None
    return cluster_executor(platform.settings.cluster, platform)


def results(
    workers: TaskWorkers | None, task: Callable[[P], T], here: Callable[[P], T], parts: Iterable[P]
) -> Iterator[T]:
    """Yield the results of the parts as they come.

    Processes of this machine take them from the beginning, a few at a time, while this process takes them from the
    end: it works already while they start. It does what they died over. The workers of a cluster take all, as many
    at a time.
    """
    left, begun = deque(parts), dict[Future[T], P]()
    while left or begun:
        if workers is not None and not _submitted(workers, task, left, begun):
            workers = None
        if left and (workers is None or not workers.remote):
            yield here(left.pop())
            done = {each for each in begun if each.done()}
        else:
            done = wait(begun, return_when=FIRST_COMPLETED).done
        for future in done:
            part = begun.pop(future)
            yield here(part) if isinstance(future.exception(), BrokenExecutor) else future.result()


def _submitted(workers: TaskWorkers, task: Callable[[P], T], left: deque[P], begun: dict[Future[T], P]) -> bool:
    """Move parts from `left` to `begun`, as many as the workers take; return False where they died."""
    try:
        with without_interrupts():
            for _ in range(min(AHEAD * workers.number - len(begun), len(left))):
                future = workers.executor.submit(task, left[0])
                begun[future] = left.popleft()
    except BrokenExecutor:
        return False
    return True
