"""The executor of parts of a rebuild: as many processes as there are other processors, or a cluster's workers."""

from collections.abc import Sequence
from concurrent.futures import BrokenExecutor, Future

from msgspec.structs import replace

from app.compose import Platform
from app.executors.executor import JobWorkers, workers_for
from app.executors.local import without_interrupts
from app.executors.task import task_of
from app.jobs.rebuild_task import do_part
from domain.rules.event_types import Catalogue
from streams.replay.rebuild_parallel import NoExecutor, Part, PartExecutor


def executor_for(platform: Platform, catalogue: Catalogue) -> PartExecutor:
    """Return the executor of parts of a rebuild."""
    workers = workers_for(platform)
    return NoExecutor() if workers is None else RebuildExecutor(platform, catalogue, workers)


class RebuildExecutor:
    """The workers, begun at the first use; none any more once a local process died.

    They get what the catalogue says of event types: its law cannot be handed over, and no view needs it.
    """

    def __init__(self, platform: Platform, catalogue: Catalogue, workers: JobWorkers) -> None:
        self._workers = workers
        self._task = task_of(platform, platform.clock(), replace(catalogue, parameters={}, benefits={}))
        self._broken = False

    def submit(self, shadow: str, parts: Sequence[Part]) -> Sequence[Future[None]]:
        """Begin the first of these parts, as many as there are workers.

        Raises:
            NoCluster: the cluster that the settings name cannot do the work.
        """
        workers = None if self._broken or not parts else self._workers.begun()
        if workers is None:
            return ()
        try:
            with without_interrupts():
                return [
                    workers.executor.submit(do_part, self._task, shadow, part) for part in parts[: workers.number]
                ]
        except BrokenExecutor:
            self._broken = True
            return ()

    def close(self) -> None:
        """End the workers of this machine, or leave the cluster."""
        self._workers.close()
