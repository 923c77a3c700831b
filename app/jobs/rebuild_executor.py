"""The executor of parts of a rebuild: as many processes as there are other processors, or a cluster's workers."""

import os
import pickle
from collections.abc import Sequence
from concurrent.futures import BrokenExecutor, Future
from contextlib import ExitStack

from msgspec.structs import replace

from app.compose import Platform
from app.executors.executor import Workers, workers_of
from app.executors.local import without_interrupts
from app.jobs.rebuild_task import Task, do_part
from domain.rules.event_types import Catalogue
from streams.replay.rebuild_parallel import NoExecutor, Part, PartExecutor

FEW = 100_000
"""Up to so many facts in the log, other processes are not worth their start."""


def executor_for(platform: Platform, catalogue: Catalogue) -> PartExecutor:
    """Return the executor of parts of a rebuild; none for a small log, or on one processor."""
    few = (platform.log.facts.max_notification_id() or 0) <= FEW
    others = (os.cpu_count() or 1) - 1
    if few or not (others or platform.settings.cluster):
        return NoExecutor()
    return RebuildExecutor(platform, catalogue, others)


class RebuildExecutor:
    """The workers, begun at the first use; none any more once a local process died.

    They get what the catalogue says of event types: its law cannot be handed over, and no view needs it.
    """

    def __init__(self, platform: Platform, catalogue: Catalogue, others: int) -> None:
        self._platform, self._others = platform, others
        settings = None if platform.settings.cluster else platform.settings
        self._task = pickle.dumps(Task(settings, replace(catalogue, parameters={}, benefits={})))
        self._using = ExitStack()
        self._workers: Workers | None = None
        self._broken = False

    def submit(self, shadow: str, parts: Sequence[Part]) -> Sequence[Future[None]]:
        """Begin the first of these parts, as many as there are workers.

        Raises:
            NoCluster: the cluster that the settings name cannot do the work.
        """
        if self._broken or not parts:
            return ()
        if self._workers is None:
            self._workers = self._using.enter_context(workers_of(self._platform, self._others))
        if (workers := self._workers) is None:
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
        self._using.close()
        self._workers = None
