"""The embedded platform end to end, from events to the due table: live, in bulk, and with a growing log."""

import itertools
import sys
import tempfile
import time
from collections.abc import Iterable
from pathlib import Path

import msgspec

from app.compose import Platform
from app.tuning import calm_collector
from benchmarks.measuring import Row, in_a_process, peak_mb, sized, tell
from benchmarks.world import envelopes, opened, platform
from streams.intake.cloudevents import Envelope

LIVE_BATCH, LIVE_EVENTS = 100, sized(6_000)
BULK_BATCH = sized(20_000)
SMALL, WINDOW, LARGE = sized(10_000), sized(40_000), sized(1_000_000)


class Grown(msgspec.Struct):
    """What the child process measured: events/s while the log was small, at its end, and over all; memory in MB."""

    small: float
    large: float
    overall: float
    peak_mb: float


def measure() -> tuple[list[Row], dict[str, float]]:
    with tempfile.TemporaryDirectory() as folder:
        live = _rate(platform(Path(folder), "live"), itertools.islice(envelopes(), LIVE_EVENTS), LIVE_BATCH)
        platform(Path(folder), "bulk").database.close()  # here: to publish packs takes memory that no import takes
        grown = in_a_process("benchmarks.embedded", Grown, folder)
    rows = [
        Row("embedded, live, to the due table", live, "events/s", 1500),
        Row("embedded, bulk import, to the due table", grown.overall, "events/s", 4000),
        Row(
            f"cost per event, {LARGE:,} against {SMALL:,} in the log", grown.small / grown.large, "×", 1.3, most=True
        ),
        Row("memory of the bulk import", grown.peak_mb, "MB", 300, most=True),
    ]
    return rows, {"events/s small": grown.small, "events/s large": grown.large}


def _rate(on: Platform, events: Iterable[Envelope], batch: int) -> float:
    """Events a second over everything, with planning after every batch."""
    source, start, count = iter(events), time.perf_counter(), 0
    while taken := len(on.intake.accept(itertools.islice(source, batch))):  # as `ingest`, which keeps no envelopes
        on.planning.planning.drain()
        count += taken
    return count / (time.perf_counter() - start)


def _grow(folder: Path) -> Grown:
    """Rates over windows of some batches: from `SMALL` events in the log on, and the last of the large log."""
    calm_collector()
    on, source = opened(folder, "bulk"), envelopes()
    _rate(on, itertools.islice(source, SMALL), BULK_BATCH)
    small = _rate(on, itertools.islice(source, WINDOW), BULK_BATCH)
    start, between = time.perf_counter(), LARGE - SMALL - 2 * WINDOW
    _rate(on, itertools.islice(source, between), BULK_BATCH)
    overall = between / (time.perf_counter() - start)
    return Grown(small, _rate(on, itertools.islice(source, WINDOW), BULK_BATCH), overall, peak_mb())


if __name__ == "__main__":
    tell(_grow(Path(sys.argv[1])))
