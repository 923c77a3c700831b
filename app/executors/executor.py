"""The workers that the settings name, and the results of the parts that they do."""

from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import BrokenExecutor, Executor, as_completed
from contextlib import AbstractContextManager, contextmanager
from typing import TypeVar

from msgspec import Struct

from app.compose import Platform
from app.executors.errors import NoCluster
from app.executors.local import processes, without_interrupts

T = TypeVar("T")
P = TypeVar("P")


class Workers(Struct, frozen=True):
    """An executor, and the number of tasks that it does at once."""

    executor: Executor
    number: int


@contextmanager
def workers_of(platform: Platform, number: int) -> Iterator[Workers | None]:
    """Yield the workers of the settings' cluster; else so many processes of this machine, or None for fewer than 1.

    Raises:
        NoCluster: the cluster cannot do the work, or was lost.
    """
    if platform.settings.cluster:
        with _cluster(platform) as (executor, threads):
            yield Workers(executor, threads)
    elif number:
        with processes(number) as executor:
            yield Workers(executor, number)
    else:
        yield None


def _cluster(platform: Platform) -> AbstractContextManager[tuple[Executor, int]]:
    try:
        from app.executors.cluster import cluster  # noqa: PLC0415  (a second of imports, and not installed everywhere)
    except ModuleNotFoundError as error:
        if error.name != "distributed":
            raise
        raise NoCluster("Dask is not installed here: pip install 'habarshy[cluster]'") from None
    return cluster(platform.settings.cluster, platform)


def results(
    workers: Workers | None, task: Callable[[P], T], here: Callable[[P], T], parts: Iterable[P]
) -> Iterator[T]:
    """Yield the results of the parts as they come.

    Without workers they are done here, one after another; so are those that a local process died over.
    """
    if workers is None:
        yield from map(here, parts)
        return
    with without_interrupts():
        begun = {workers.executor.submit(task, part): part for part in parts}
    for future in as_completed(begun):
        try:
            found = future.result()
        except BrokenExecutor:
            found = here(begun[future])
        yield found
