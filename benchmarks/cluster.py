"""A backtest on a Dask cluster of this machine: by two workers, by one, and by two processes without Dask.

The whole command's work, with the start of processes and the connection to the cluster, which take a second: the log
is so long that this is a tenth of the run and not a third. BENCH_EVENTS sets the size.
"""

import os
import statistics
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from distributed import Client
from msgspec import structs

from app.backtests.run import run_backtest
from app.compose import Platform
from benchmarks.backtest import year_of_fines
from benchmarks.large_log import make
from benchmarks.measuring import Row, seconds, sized
from tests.services.dask import dask, scheduler

EVENTS, ROUNDS = sized(4_000_000), sized(3)


def measure() -> tuple[list[Row], dict[str, float]]:
    with tempfile.TemporaryDirectory() as folder, scheduler() as address:
        on = make(Path(folder), int(os.environ.get("BENCH_EVENTS", EVENTS)))
        elsewhere = structs.replace(on, settings=on.settings.model_copy(update={"cluster": address}))
        processes = _seconds(on)
        with workers(address, on, 1):
            one = _seconds(elsewhere)
        with workers(address, on, 2):
            two = _seconds(elsewhere)
        on.database.close()
    rows = [
        Row("backtest by two Dask workers, against two processes", processes / two, "×", 0.85),
        Row("backtest by two Dask workers, against one", one / two, "×", 1.8),
    ]
    return rows, {"s by two processes": processes, "s by one worker": one, "s by two workers": two}


def _seconds(on: Platform) -> float:
    """The median of some rounds; the first one, in which workers import what they need, does not count."""
    order = year_of_fines(on)
    rounds = [seconds(lambda: run_backtest(on, order, 2)) for _ in range(ROUNDS + 1)]
    return statistics.median(rounds[1:])


@contextmanager
def workers(address: str, on: Platform, number: int) -> Iterator[None]:
    """So many workers of one thread, in the block."""
    settings = {"HABARSHY_DATABASE": on.settings.database, "HABARSHY_KEY_FILE": str(on.settings.key_file)}
    options = ("--no-nanny", "--nthreads", "1", "--local-directory", str(on.settings.key_file.parent))
    with ExitStack() as using, Client(address, set_as_default=False) as client:
        for _ in range(number):
            using.enter_context(dask("worker", address, *options, environment=settings))
        client.wait_for_workers(number, timeout=60)
        yield
