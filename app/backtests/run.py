"""Plays a backtest in parts, over several processes or a cluster, and puts together what they found."""

import os
from collections.abc import Callable, Iterator
from functools import partial

from app.backtests.order import Order
from app.compose import Platform
from app.executors.executor import FEW, TaskWorkers, results, workers_of
from app.executors.task import run_part, task_of
from streams.planning.histories import Selection
from streams.rehearsal.backtest import Backtest
from streams.rehearsal.backtest_results import Tally

PARTS = 16
"""So many parts has the share of each process: whoever waits sees how far it is, and no process waits long."""
ProgressListener = Callable[[int, int, int], object]
"""Hears how many parts of how many are played, and how many facts were looked at in them."""


def run_backtest(
    platform: Platform, order: Order, processes: int | None = None, on_progress: ProgressListener = lambda *_: None
) -> Tally:
    """Return the counts of the backtest; they do not depend on the number of processes.

    Raises:
        NoCluster: the cluster that the settings name cannot do the work.
    """
    few = (platform.log.facts.max_notification_id() or 0) <= FEW
    number_of_processes = processes or (1 if few else os.cpu_count() or 1)
    with workers_of(platform, number_of_processes - 1) as workers:
        many = workers.number if workers is not None and workers.remote else number_of_processes
        playing = BacktestRun(platform, order, many if few else many * PARTS, workers)
        for done in playing.parts():
            on_progress(done, playing.of, playing.facts)
        return playing.tally()


class BacktestRun:
    """A backtest in so many parts. Its tally does not depend on their number, nor on who plays them."""

    def __init__(self, platform: Platform, order: Order, parts: int, workers: TaskWorkers | None = None) -> None:
        self._question = order.question(platform.identity.names)
        self._here = Backtest(platform.database, platform.log, self._question)
        self._task, self._workers = task_of(platform, order.end, order), workers
        self._selections = self._question.selection().shares(parts)
        self.of = len(self._selections)
        self._tally = Tally()

    @property
    def facts(self) -> int:
        """The number of facts that were looked at so far."""
        return self._tally.facts

    def parts(self) -> Iterator[int]:
        """Play the parts; yield after each the number that is played."""
        share = partial(run_part, _playing, self._task)
        for number, found in enumerate(results(self._workers, share, self._here.share, self._selections), 1):
            self._tally.add(found)
            yield number

    def tally(self) -> Tally:
        """Return the counts, once every part is played."""
        return self._tally.in_order()


def _playing(platform: Platform, order: Order) -> Callable[[Selection], Tally]:
    return Backtest(platform.database, platform.log, order.question(platform.identity.names)).share
