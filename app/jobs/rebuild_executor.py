"""The executor of parts of a rebuild: as many processes as there are other processors, or a cluster's workers."""

import os
import pickle
from collections.abc import Sequence
from concurrent.futures import BrokenExecutor, Future

from msgspec.structs import replace

from app.compose import Platform
from app.executors.executor import JobWorkers
from app.executors.local import without_interrupts
from app.jobs.rebuild_task import Task, do_part
from domain.rules.event_types import Catalogue
from streams.replay.rebuild_parallel import NoExecutor, Part, PartExecutor

FEW = 100_000
"""Up to so many facts in the log, other processes are not worth their start."""


def workers_for(platform: Platform) -> JobWorkers | None:
    """Return the workers of long work over the whole log; None for a small log, or on one processor."""
    few = (platform.log.facts.max_notification_id() or 0) <= FEW
    others = 0 if few else (os.cpu_count() or 1) - 1
    return JobWorkers(platform, others) if others or platform.settings.cluster else None


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
        settings = None if platform.settings.cluster else platform.settings
        self._task = pickle.dumps(Task(settings, replace(catalogue, parameters={}, benefits={})))
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
